#!/usr/bin/env python3
"""Writes tests/data/collinear.json: least squares on nearly collinear columns, exactly and by scikit-learn."""
import json
import pathlib
from fractions import Fraction

import numpy as np
import sklearn
from sklearn.linear_model import LinearRegression, Ridge

from elimination import solve

OUT = pathlib.Path(__file__).parents[2] / "tests/data/collinear.json"
rng = np.random.default_rng(11)
# As small as cond of scipy.linalg.lstsq can be: no direction is left out.
ALL = 1e-15


def exact(x, y, w, alpha, intercept):
    """The minimum in rational numbers."""
    rows = [[Fraction(v) for v in row] + ([Fraction(1)] if intercept else []) for row in x.tolist()]
    y, w = [Fraction(v) for v in y.tolist()], [Fraction(v) for v in w.tolist()]
    n, d = len(rows[0]), x.shape[1]
    a = [[sum(wi * r[i] * r[j] for r, wi in zip(rows, w)) for j in range(n)] for i in range(n)]
    b = [sum(wi * r[i] * yi for r, yi, wi in zip(rows, y, w)) for i in range(n)]
    for i in range(d):
        a[i][i] += Fraction(alpha)
    s = solve(a, b)
    return [float(v) for v in s[:d]], float(s[d]) if intercept else 0.0


cases = {}
for apart in (1e-4, 1e-6, 1e-8):
    for far in (0.0, 3.0):
        n = 50
        x = rng.standard_normal((n, 4)) + far
        x[:, 2] = x[:, 0] - x[:, 1] + apart * rng.standard_normal(n)
        y = x[:, 0] - 2 * x[:, 1] + 0.5 * x[:, 3] + 0.1 * rng.standard_normal(n)
        w = rng.integers(1, 4, n).astype(float)
        for intercept in (True, False):
            for name, estimator, alpha, params in (
                ("linear", LinearRegression(fit_intercept=intercept, tol=ALL), 0.0, dict(tol=ALL)),
                ("linear default", LinearRegression(fit_intercept=intercept), None, {}),
                ("ridge", Ridge(alpha=1e-12, fit_intercept=intercept, solver="svd"), 1e-12, dict(alpha=1e-12)),
            ):
                model = estimator.fit(x, y, sample_weight=w)
                rows = np.sqrt(w)[:, None] * (x - np.average(x, axis=0, weights=w) * intercept)
                coef, b = (None, None) if alpha is None else exact(x, y, w, alpha, intercept)
                cases[f"{name}, {apart} apart, about {far}, intercept {intercept}"] = dict(
                    x=x.ravel().tolist(), y=y.tolist(), w=w.tolist(), ridge=name == "ridge",
                    params=dict(params, fit_intercept=intercept), exact=coef, exact_intercept=b,
                    coef=model.coef_.tolist(), intercept=float(model.intercept_),
                    condition=float(np.linalg.cond(rows)), predicted=model.predict(x).tolist())
OUT.write_text(json.dumps(dict(sklearn=sklearn.__version__, cases=cases)) + "\n")
