"""Reference values of scikit-learn's linear models with positive=True: tests/data/positive.json.

    python scripts/golden/make_positive.py

LinearRegression's non-negative least squares are exact. Ridge's lbfgs stops on its way, so that its optimum is that of
LinearRegression on centred rows with sqrt(alpha) · I below them; lbfgs is checked to come near to its objective and not below. ElasticNet and Lasso
are fitted to a tight tolerance.
"""

import json
import os
import platform
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import ElasticNet, Lasso, LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold

FILE = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data", "positive.json")


def ridge(x, y, w, alpha, fit_intercept):
    """coef and intercept of the minimum."""
    root = np.sqrt(np.ones(len(y)) if w is None else w)
    mx, my = (np.average(x, axis=0, weights=w), np.average(y, weights=w)) if fit_intercept else (np.zeros(x.shape[1]), 0.0)
    a = np.vstack([(x - mx) * root[:, None], np.sqrt(alpha) * np.eye(x.shape[1])])
    b = np.concatenate([(y - my) * root, np.zeros(x.shape[1])])
    coef = LinearRegression(positive=True, fit_intercept=False).fit(a, b).coef_
    near = Ridge(alpha=alpha, positive=True, fit_intercept=fit_intercept, tol=1e-14).fit(x, y, sample_weight=w)
    least, other = (np.sum((a @ c - b) ** 2) for c in (coef, near.coef_))
    assert -1e-10 * least <= other - least <= 1e-3 * least, (least, other)
    return coef, my - mx @ coef


def main():
    rng = np.random.default_rng(3)
    out = {
        "origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        "data": {}, "fits": [],
    }
    tight = {"tol": 1e-14, "max_iter": 100_000}
    for name, n, d in (("plain", 60, 6), ("near", 80, 9), ("wide", 20, 30)):
        x = np.round(rng.standard_normal((n, d)) * (1 + np.arange(d) % 3) + 2.0, 4)
        if name == "near":
            # Pairs of columns that the Gram matrix cannot tell apart to all digits.
            x[:, 1] = x[:, 0] + np.round(1e-4 * rng.standard_normal(n), 6)
            x[:, 4] = 1000.0 * x[:, 4]
        y = np.round(x @ (rng.standard_normal(d) * (rng.random(d) < 0.7) / x.std(axis=0)) + rng.standard_normal(n), 4)
        if name != "plain":
            # Some of it is to be had from positive coefficients without an intercept, too.
            y = np.round(y + 8.0, 4)
        w = rng.integers(0, 4, n).astype(float)
        out["data"][name] = {"X": x.tolist(), "y": y.tolist(), "w": w.tolist()}
        for weights in (None, w):
            for fit_intercept in (True, False):
                cases = [("LinearRegression", {}), ("Ridge", {"alpha": 0.7}), ("Ridge", {"alpha": 300.0})]
                if name == "plain":
                    cases += [
                        ("Lasso", {"alpha": 0.05, **tight}), ("ElasticNet", {"alpha": 0.2, "l1_ratio": 0.3, **tight}),
                        ("Lasso", {"alpha": 10.0, **tight}),
                    ]
                if name == "wide":
                    cases = cases[1:] + [("ElasticNet", {"alpha": 0.2, "l1_ratio": 0.3, **tight})]
                for estimator, params in cases:
                    params = {**params, "fit_intercept": fit_intercept, "positive": True}
                    if estimator == "Ridge":
                        coef, intercept = ridge(x, y, weights, params["alpha"], fit_intercept)
                    else:
                        kind = {"LinearRegression": LinearRegression, "Lasso": Lasso, "ElasticNet": ElasticNet}[estimator]
                        model = kind(**params).fit(x, y, sample_weight=weights)
                        coef, intercept = model.coef_, model.intercept_
                    assert (coef >= 0).all()
                    out["fits"].append({
                        "data": name, "weighted": weights is not None, "estimator": estimator, "params": params,
                        "coef_": coef.tolist(), "intercept_": float(intercept),
                    })
    x, y = (np.array(out["data"]["plain"][key]) for key in ("X", "y"))
    searches = {}
    for kind, grid in (
        (LinearRegression, {"positive": [True, False]}),
        (Lasso, {"alpha": [0.01, 0.3], "positive": [True, False], "tol": [1e-12]}),
    ):
        search = GridSearchCV(kind(), grid, cv=KFold(5)).fit(x, y)
        searches[kind.__name__] = {
            "params": search.cv_results_["params"], "r2": search.cv_results_["mean_test_score"].tolist(),
        }
    out["searches"] = searches
    with open(FILE, "w") as file:
        json.dump(out, file, separators=(",", ":"))
    print(os.path.getsize(FILE), len(out["fits"]))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        main()
