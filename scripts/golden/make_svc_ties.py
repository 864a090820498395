"""Writes tests/data/svc/ties.json: scikit-learn's SVC on points of a small lattice, most of which are there many times.

Equal rows have equal gradients, so every choice of a step is among many equals, and which one libsvm takes shows in
support_ and dual_coef_. There are 1,200 rows, so that shrinking sets rows aside and takes them back. Rows are drawn by
the generator below, which the test has as well. Floats are written with repr.
"""
import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.svm import SVC

warnings.simplefilter("ignore")
PATH = pathlib.Path(__file__).parents[2] / "tests/data/svc/ties.json"
N, D = 1200, 3
FITS = [
    dict(kernel="linear", C=1.0),
    dict(kernel="linear", C=8.0, shrinking=False),
    dict(kernel="rbf", C=1.0, gamma=0.25),
    dict(kernel="rbf", C=64.0, gamma=0.25),
    dict(kernel="poly", C=0.5, degree=2, gamma=0.5, coef0=1.0),
]


def draws(seed):
    """The upper bits of a linear congruential generator."""
    state = seed
    while True:
        state = (state * 1103515245 + 12345) % 2**31
        yield state >> 16


def rows(seed):
    numbers = draws(seed)
    X = np.array([[next(numbers) % 5 for _ in range(D)] for _ in range(N)], float)
    # One row in four is of a class drawn by chance.
    y = np.array([int(row.sum() > 6) if next(numbers) % 4 else next(numbers) % 2 for row in X])
    return X, y


sets = []
for seed in (1, 2):
    X, y = rows(seed)
    fits = []
    for params in FITS:
        model = SVC(**params).fit(X, y)
        fits.append(dict(params=params, n_iter=int(model.n_iter_[0]), support=model.support_.tolist(),
                         dual_coef=model.dual_coef_[0].tolist()))
    sets.append(dict(seed=seed, fits=fits))
origin = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scripts/golden/make_svc_ties.py"
PATH.write_text(json.dumps(dict(origin=origin, n_rows=N, n_features=D, sets=sets)))
print(PATH.name, PATH.stat().st_size, [[(fit["n_iter"], len(fit["support"])) for fit in s["fits"]] for s in sets])
