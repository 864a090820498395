#!/usr/bin/env python3
"""Writes tests/data/linear_models.json: linear models fitted by scikit-learn at tight tolerances."""
import json
import pathlib

import numpy as np
import sklearn
from sklearn.linear_model import (ElasticNet, Lasso, LinearRegression, LogisticRegression, PoissonRegressor, Ridge)

OUT = pathlib.Path(__file__).parents[2] / "tests/data/linear_models.json"
data, cases = {}, {}
rng = np.random.default_rng(7)


def design(n, d, kind):
    x = rng.standard_normal((n, d)) * (1 + np.arange(d) % 3)
    if kind == "far":
        x += 1000.0
    if kind == "collinear" and d > 2:
        x[:, 2] = x[:, 0] - 2 * x[:, 1]
    if kind == "constant":
        x[:, -1] = 3.0
    return np.round(x, 6)


def stored(prefix, values):
    """The name under which equal values stand once in the file."""
    values = np.asarray(values, float).tolist()
    for name, other in data.items():
        if other == values:
            return name
    name = f"{prefix}{len(data)}"
    data[name] = values
    return name


def case(name, estimator, params, x, y, w=None, tol=1e-12):
    model = estimator.fit(x, y, sample_weight=w)
    coef = np.atleast_2d(model.coef_)
    cases[name] = dict(
        estimator=type(estimator).__name__, params=params, x=stored("x", x), y=stored("y", y),
        sample_weight=None if w is None else stored("w", w), coef=coef.tolist(),
        intercept=np.atleast_1d(model.intercept_).tolist())


n = 60
for kind, d in [("plain", 5), ("far", 4), ("collinear", 5), ("constant", 3), ("plain", 1), ("wide", 90)]:
    x = design(n, d, kind)
    truth = rng.standard_normal(d) * (rng.random(d) < 0.6)
    y = np.round(x @ truth + 2 + 0.3 * rng.standard_normal(n), 6)
    w = rng.integers(1, 5, n).astype(float)
    for fit_intercept in (True, False):
        tag = f"{kind}{d}_{'intercept' if fit_intercept else 'origin'}"
        p = dict(fit_intercept=fit_intercept)
        case(f"linear_{tag}", LinearRegression(**p), p, x, y)
        case(f"linear_{tag}_weighted", LinearRegression(**p), p, x, y, w)
        p = dict(alpha=0.7, fit_intercept=fit_intercept)
        case(f"ridge_{tag}", Ridge(**p, solver="svd"), p, x, y)
        case(f"ridge_{tag}_weighted", Ridge(**p, solver="svd"), p, x, y, w)
        if kind == "plain" or (kind == "far" and fit_intercept):
            p = dict(alpha=0.1, fit_intercept=fit_intercept, tol=1e-14, max_iter=100000)
            case(f"lasso_{tag}", Lasso(**p), p, x, y)
            case(f"lasso_{tag}_weighted", Lasso(**p), p, x, y, w)
            p = dict(p, l1_ratio=0.4)
            case(f"elasticnet_{tag}", ElasticNet(**p), p, x, y)

for kind, d in [("plain", 4), ("constant", 3), ("collinear", 5), ("plain", 1)]:
    x = design(n, d, kind)
    eta = x @ rng.standard_normal(d) * 0.7 + 0.4
    y2 = (rng.random(n) < 1 / (1 + np.exp(-eta))).astype(int) * 2 + 1
    y3 = np.digitize(eta + rng.standard_normal(n), [-1, 1])
    counts = rng.poisson(np.exp(np.clip(0.3 * eta, -3, 3)))
    w = rng.integers(1, 4, n).astype(float)
    for c in (0.3, 10.0):
        for fit_intercept in (True, False):
            tag = f"{kind}{d}_{c}_{'intercept' if fit_intercept else 'origin'}"
            p = dict(C=c, fit_intercept=fit_intercept, tol=1e-11, max_iter=10000)
            for name, y in (("binary", y2), ("multi", y3)):
                reference = dict(solver="newton-cholesky", **p)
                case(f"logistic_{name}_{tag}", LogisticRegression(**reference), p, x, y)
                q = dict(p, class_weight="balanced")
                case(f"logistic_{name}_{tag}_balanced", LogisticRegression(**dict(reference, **q)), q, x, y, w)
            l1 = dict(p, l1_ratio=0.6)
            case(f"logistic_elasticnet_{tag}",
                 LogisticRegression(**dict(l1, solver="saga", tol=1e-13, max_iter=200000, random_state=0)),
                 dict(l1, penalty="elasticnet"), x, y2)
            if kind == "plain" and d > 1 and c > 1:
                # The penalty that l1_ratio names alone, and none, under which the classes' coefficients sum to 0.
                for ratio in (0.6, 1.0):
                    l1 = dict(p, l1_ratio=ratio)
                    case(f"logistic_l1_ratio_{ratio}_{tag}",
                         LogisticRegression(**dict(l1, solver="saga", tol=1e-13, max_iter=200000, random_state=0)),
                         l1, x, y2)
                case(f"logistic_multi_unpenalised_{tag}",
                     LogisticRegression(**dict(p, C=np.inf, solver="newton-cg", tol=1e-13)),
                     dict(p, penalty="none"), x, y3, w)
            q = dict(alpha=1 / c, fit_intercept=fit_intercept, tol=1e-11, max_iter=10000)
            case(f"poisson_{tag}", PoissonRegressor(**q, solver="newton-cholesky"), q, x, counts, w)
origin = f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, by scripts/golden/make_linear.py"
OUT.write_text(json.dumps(dict(origin=origin, data=data, cases=cases)) + "\n")
print(len(cases), "cases")
