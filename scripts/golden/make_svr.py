"""Reference values of scikit-learn's SVR: tests/data/svr.json.

    python scripts/golden/make_svr.py

Kernels without a bound are fitted to a tight tolerance: at 1e-3 two solvers may differ by more than that.

Every weight is above 0: scikit-learn's support_ counts rows of no weight out.
"""

import json
import os
import platform
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.svm import SVR

FILE = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data", "svr.json")


def main():
    rng = np.random.default_rng(3)
    n, d = 160, 3
    x = rng.integers(-2048, 2049, (n, d)) / 1024
    y = np.round(np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] ** 2 - 0.3 * x[:, 2] + 0.15 * rng.standard_normal(n), 4)
    weight = rng.integers(1, 4, n).astype(float)
    cases = [
        {}, {"C": 10.0, "epsilon": 0.01}, {"C": 0.05, "epsilon": 0.5}, {"gamma": 0.7, "shrinking": False},
        {"kernel": "linear", "tol": 1e-6}, {"kernel": "linear", "C": 0.01, "epsilon": 0.0, "tol": 1e-6},
        {"kernel": "poly", "degree": 2, "coef0": 1.0, "gamma": 0.5, "tol": 1e-6}, {"kernel": "sigmoid", "gamma": 0.05, "C": 5.0},
        {"epsilon": 5.0}, {"C": 50.0, "gamma": "auto", "tol": 1e-5}, {"max_iter": 20},
    ]
    fits = []
    for params in cases:
        for w in (None, weight):
            m = SVR(**params).fit(x, y, sample_weight=w)
            out = {
                "params": params, "weighted": w is not None, "support_": m.support_.tolist(),
                "dual_coef_": m.dual_coef_.ravel().tolist(), "intercept_": m.intercept_.tolist(), "gamma": m._gamma,
                "n_iter_": int(m.n_iter_), "fit_status_": m.fit_status_, "predict": m.predict(x[:30]).tolist(),
            }
            if params.get("kernel") == "linear":
                out["coef_"] = m.coef_.ravel().tolist()
            fits.append(out)
    grid = [
        {"C": [0.1, 1.0, 10.0], "epsilon": [0.05, 0.3], "gamma": ["scale", 0.5]},
        {"kernel": ["linear"], "C": [1.0], "gamma": [0.1, 0.2], "shrinking": [True, False]},
    ]
    splitter = KFold(5)
    fold = np.zeros(n, int)
    for i, (_, test) in enumerate(splitter.split(x, y)):
        fold[test] = i
    search = GridSearchCV(SVR(), grid, cv=splitter).fit(x, y)
    out = {
        "origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        "X": (x * 1024).astype(int).tolist(), "y": y.tolist(), "weight": weight.tolist(), "fits": fits,
        "grid": {
            "folds": fold.tolist(), "params": search.cv_results_["params"],
            "r2": [[search.cv_results_[f"split{f}_test_score"][c] for f in range(5)] for c in range(len(search.cv_results_["params"]))],
        },
    }
    with open(FILE, "w") as file:
        json.dump(out, file, separators=(",", ":"))
    print(os.path.getsize(FILE), [(f["params"], f["n_iter_"], len(f["support_"])) for f in fits])


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
