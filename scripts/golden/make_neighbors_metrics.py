"""Reference values of scikit-learn's nearest neighbours by further metrics: tests/data/neighbors_metrics.json.

    python scripts/golden/make_neighbors_metrics.py

The rows are those of tests/data/neighbors.json. No two training rows are equally far from a row asked about.
"""

import json
import os
import platform

import numpy as np
import sklearn
from make_neighbors import fit
from sklearn.metrics import pairwise_distances
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data")
METRICS = [
    {"metric": "chebyshev"}, {"metric": "cosine"}, {"metric": "minkowski", "p": 3}, {"metric": "minkowski", "p": 1.5},
    {"metric": "minkowski", "p": 4.25},
]


def main():
    with open(os.path.join(FOLDER, "neighbors.json")) as file:
        given = json.load(file)
    x, q = (np.array(given[key]) / given["unit"] for key in ("X", "Q"))
    y, number = np.array(given["y"]), np.array(given["number"])
    fits = []
    for metric in METRICS:
        apart = pairwise_distances(q, x, **metric)
        assert all(len(set(row)) == len(x) for row in apart)
        for weights in ("uniform", "distance"):
            for k in (1, 7):
                params = {"n_neighbors": k, "weights": weights, **metric, "algorithm": "brute"}
                fits.append(fit(params, x, y, number, q))
    grid = [{"n_neighbors": [3, 10], "metric": [m["metric"]], **({"p": [m["p"]]} if "p" in m else {})} for m in METRICS]
    search = GridSearchCV(KNeighborsClassifier(weights="distance"), grid, cv=5).fit(x, y)
    regression = GridSearchCV(KNeighborsRegressor(weights="distance"), grid, cv=5).fit(x, number)
    out = {
        "origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        "fits": fits,
        "grid": {
            "params": [{**p, "weights": "distance"} for p in search.cv_results_["params"]],
            "accuracy": search.cv_results_["mean_test_score"].tolist(),
            "r2": regression.cv_results_["mean_test_score"].tolist(),
        },
    }
    name = os.path.join(FOLDER, "neighbors_metrics.json")
    with open(name, "w") as file:
        json.dump(out, file, separators=(",", ":"))
    print(os.path.getsize(name), search.best_params_)


if __name__ == "__main__":
    main()
