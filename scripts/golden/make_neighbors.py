"""Reference values of scikit-learn's nearest neighbours: tests/data/neighbors.json.

    python scripts/golden/make_neighbors.py

Features are multiples of 1/UNIT, and no two training rows are equally far from a row asked about, so that which rows are the
nearest is not a matter of rounding. One row asked about is a training row, at distance 0.
"""

import json
import os
import platform

import numpy as np
import sklearn
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

FILE = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data", "neighbors.json")

UNIT = 1 << 20


def folds(splitter, x, y):
    fold = np.zeros(len(y), int)
    for i, (_, test) in enumerate(splitter.split(x, y)):
        fold[test] = i
    return fold.tolist()


def fit(params, x, y, number, q):
    """What both estimators say of the rows `q`."""
    c = KNeighborsClassifier(**params).fit(x, y)
    r = KNeighborsRegressor(**params).fit(x, number)
    distances, places = c.kneighbors(q[:5], min(params["n_neighbors"], 4))
    return {
        "params": params, "proba": c.predict_proba(q).tolist(), "predict": c.predict(q).tolist(),
        "number": r.predict(q).tolist(), "distances": distances.tolist(), "places": places.tolist(),
    }


def main():
    rng = np.random.default_rng(5)
    n, d = 150, 3
    x = rng.integers(-4 * UNIT, 4 * UNIT, (n + 40, d)) / UNIT
    x, q = x[:n], x[n:]
    q[0] = x[17]
    f = x[:, 0] + np.sin(x[:, 1]) + 0.3 * rng.standard_normal(n)
    y = np.searchsorted(np.quantile(f, [0.3, 0.7]), f)
    number = np.round(f, 4)
    for p in (1, 2):
        apart = (np.abs(q[:, None] - x[None]) ** p).sum(axis=2)
        assert all(len(set(row)) == n for row in apart)
    fits = []
    for weights in ("uniform", "distance"):
        for p in (1, 2):
            for k in (1, 4, 15, n):
                params = {"n_neighbors": k, "weights": weights, "p": p, "algorithm": "brute"}
                fits.append(fit(params, x, y, number, q))
    grid = {"n_neighbors": [1, 3, 5, 10, 30], "weights": ["uniform", "distance"], "metric": ["manhattan", "euclidean"]}
    search = GridSearchCV(KNeighborsClassifier(), grid, cv=5, return_train_score=True).fit(x, y)
    regression = GridSearchCV(KNeighborsRegressor(), grid, cv=5, scoring="neg_mean_squared_error").fit(x, number)
    binary = GridSearchCV(KNeighborsClassifier(), grid, cv=5, scoring="roc_auc").fit(x, (y > 0).astype(int))
    out = {
        "origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        "unit": UNIT, "X": (x * UNIT).astype(int).tolist(), "Q": (q * UNIT).astype(int).tolist(),
        "y": y.tolist(), "number": number.tolist(), "fits": fits,
        "grid": {
            "folds": folds(StratifiedKFold(5), x, y), "binary_folds": folds(StratifiedKFold(5), x, y > 0),
            "number_folds": folds(KFold(5), x, y),
            "params": search.cv_results_["params"],
            "accuracy": search.cv_results_["mean_test_score"].tolist(),
            "train_accuracy": search.cv_results_["mean_train_score"].tolist(),
            "neg_mean_squared_error": regression.cv_results_["mean_test_score"].tolist(),
            "roc_auc": binary.cv_results_["mean_test_score"].tolist(),
        },
    }
    with open(FILE, "w") as file:
        json.dump(out, file, separators=(",", ":"))
    print(os.path.getsize(FILE), search.best_params_)


if __name__ == "__main__":
    main()
