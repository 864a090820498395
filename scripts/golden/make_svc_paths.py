"""Writes tests/data/svc/paths.json: how many iterations scikit-learn's SVC takes on small overlapping classes.

Fits of the linear kernel with a large C take so many that one iteration that is not libsvm's, or f of a row taken
back by shrinking summed in another order, shows in their number. Floats are written with repr.
"""
import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.datasets import make_classification
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

warnings.simplefilter("ignore")
PATH = pathlib.Path(__file__).parents[2] / "tests/data/svc/paths.json"
GRID = [dict(kernel="linear", C=C, shrinking=s) for C in (1.0, 10.0, 50.0) for s in (True, False)]
GRID += [dict(kernel="poly", C=5.0, degree=2, coef0=1.0), dict(kernel="rbf", C=30.0), dict(kernel="sigmoid", C=3.0)]


def data_set(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(90, 200)), int(rng.integers(2, 5))
    X, y = make_classification(n, d, n_informative=2, n_redundant=0, flip_y=0.1, class_sep=0.4, random_state=seed)
    X = np.round(X, 3)
    folds = np.empty(n, int)
    for fold, (_, test) in enumerate(StratifiedKFold(3).split(X, y)):
        folds[test] = fold
    grid = []
    for params in GRID:
        scores, n_iter = [], []
        for fold in range(3):
            model = SVC(**params).fit(X[folds != fold], y[folds != fold])
            scores.append(model.score(X[folds == fold], y[folds == fold]))
            n_iter.append(int(model.n_iter_[0]))
        grid.append({"params": params, "scores": scores, "n_iter": n_iter})
    return {"X": X, "y": y, "folds": folds, "grid": grid}


origin = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scripts/golden/make_svc_paths.py"
sets = [data_set(seed) for seed in range(1, 9)]
PATH.write_text(json.dumps({"origin": origin, "sets": sets}, default=lambda a: a.tolist()))
print(PATH.name, PATH.stat().st_size)
