"""Makes tests/data/naive_bayes.json: what scikit-learn's GaussianNB finds and makes of rows.

Usage: python scripts/golden/make_naive_bayes.py   (from the root of the repository)

Data are rounded to a few decimals, so that the text holds them exactly.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.naive_bayes import GaussianNB

OUT = pathlib.Path("tests/data/naive_bayes.json")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}"
rng = np.random.default_rng(11)


def data(n, d, k, offset=0.0):
    y = rng.integers(0, k, size=n)
    x = rng.normal(size=(n, d)) * rng.uniform(0.2, 3.0, size=(k, d))[y] + rng.normal(size=(k, d))[y] * 1.5 + offset
    return np.round(x, 3), y


def case(name, x, y, weights=None, dtype=np.float64, **params):
    model = GaussianNB(**params).fit(x.astype(dtype), y, sample_weight=weights)
    new = x[:8]
    return {
        "name": name,
        "origin": f"{ORIGIN}, GaussianNB(**{params}).fit(X as {np.dtype(dtype).name}, y)",
        "dtype": "f32" if dtype == np.float32 else "f64",
        "params": params,
        "n_features": x.shape[1],
        "x": x.ravel().tolist(),
        "y": y.tolist(),
        "weights": [] if weights is None else weights.tolist(),
        "attributes": {
            a: np.asarray(getattr(model, a), dtype=np.float64).ravel().tolist()
            for a in ["theta_", "var_", "class_prior_", "class_count_", "epsilon_", "classes_"]
        },
        "predict": model.predict(new.astype(dtype)).tolist(),
        "predict_proba": model.predict_proba(new.astype(dtype)).astype(np.float64).ravel().tolist(),
        "joint_log_likelihood": model._joint_log_likelihood(new.astype(dtype)).astype(np.float64).ravel().tolist(),
    }


x, y = data(90, 4, 3)
far, far_y = data(60, 3, 2, 1e4)
single, single_y = data(40, 1, 2)
wide, wide_y = data(6, 9, 2)
constant, constant_y = data(50, 3, 2)
constant[:, 1] = 7.5
collinear, collinear_y = data(50, 4, 2)
collinear[:, 3] = collinear[:, 0] - collinear[:, 2]
weights = rng.integers(0, 5, size=90) / 2.0

cases = [
    case("plain", x, y),
    case("weights", x, y, weights),
    case("priors", x, y, priors=[0.5, 0.2, 0.3]),
    case("smoothing", x, y, var_smoothing=0.1),
    case("labels that are not 0 to k", x, y * 5 - 3),
    case("far from the origin", far, far_y),
    case("one feature", single, single_y),
    case("more features than rows of a class", wide, wide_y),
    case("a constant column", constant, constant_y),
    case("collinear columns", collinear, collinear_y),
    case("single precision", x, y, dtype=np.float32),
]
OUT.write_text(json.dumps({"made_by": "scripts/golden/make_naive_bayes.py", "cases": cases}) + "\n")
