"""Makes tests/data/decomposition.json: what scikit-learn's scalers and decompositions find and make of rows.

Usage: python scripts/golden/make_decomposition.py   (from the root of the repository)

Data are rounded to a few decimals, so that the text holds them exactly.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.preprocessing import MinMaxScaler, StandardScaler

OUT = pathlib.Path("tests/data/decomposition.json")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}"
rng = np.random.default_rng(7)


def mixed(n, d, offset=0.0):
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) * np.linspace(3, 0.3, d) + offset
    return np.round(x, 3)


tall = mixed(60, 5, 2.0)
far = mixed(40, 3, 1e5)
wide = mixed(4, 7)
constant = mixed(30, 4)
constant[:, 1] = 0.1
constant[:, 3] = -7e5
collinear = mixed(50, 4)
collinear[:, 3] = collinear[:, 0] + 2 * collinear[:, 1]
single = mixed(25, 1, -4.0)
weights = rng.integers(0, 4, size=60).astype(float) / 2
# Singular values that halve, twenty of them.
halving = np.round(rng.normal(size=(80, 20)) * 0.5 ** np.arange(20) @ np.linalg.qr(rng.normal(size=(20, 20)))[0], 9)
# Three directions of eight, and noise.
other = np.random.default_rng(11)
few = np.round(other.normal(size=(90, 3)) @ other.normal(size=(3, 8)) + 0.2 * other.normal(size=(90, 8)), 4)

ATTRIBUTES = {
    "StandardScaler": ["mean_", "var_", "scale_", "n_samples_seen_"],
    "MinMaxScaler": ["data_min_", "data_max_", "data_range_", "scale_", "min_", "n_samples_seen_"],
    "PCA": ["components_", "explained_variance_", "explained_variance_ratio_", "singular_values_", "mean_",
            "n_components_", "noise_variance_"],
    "TruncatedSVD": ["components_", "explained_variance_", "explained_variance_ratio_", "singular_values_"],
}


def case(name, estimator, x, params=None, weights=None, drop=(), extra=None):
    """`params` are the job's; `extra` go to scikit-learn only."""
    params = params or {}
    arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in params.items()} | (extra or {})
    model = globals()[estimator](**arguments)
    model.fit(x, **({} if weights is None else {"sample_weight": weights}))
    new = np.vstack([x[:5], x[:2] * 1.5 + 0.25])
    attributes = {a: getattr(model, a) for a in ATTRIBUTES[estimator] if a not in drop}
    return {
        "name": name,
        "origin": f"{ORIGIN}, {estimator}(**{arguments}).fit(X)",
        "estimator": estimator,
        "params": params,
        "n_features": x.shape[1],
        "x": x.ravel().tolist(),
        "weights": [] if weights is None else weights.tolist(),
        "attributes": {a: np.asarray(v, dtype=float).ravel().tolist() for a, v in attributes.items() if v is not None},
        "new": new.ravel().tolist(),
        "transformed": model.transform(new).ravel().tolist(),
    }


full = {"svd_solver": "full"}
arpack = {"algorithm": "arpack", "random_state": 0}
CASES = [
    case("tall", "StandardScaler", tall),
    case("no mean", "StandardScaler", tall, {"with_mean": False}),
    case("no deviation", "StandardScaler", tall, {"with_std": False}),
    case("neither", "StandardScaler", tall, {"with_mean": False, "with_std": False}),
    case("weights", "StandardScaler", tall, weights=weights),
    case("far", "StandardScaler", far),
    case("constant", "StandardScaler", constant),
    case("one feature", "StandardScaler", single),
    case("one row", "StandardScaler", tall[:1]),
    case("tall", "MinMaxScaler", tall),
    case("range", "MinMaxScaler", tall, {"feature_range": [-2.0, 3.0]}),
    case("clip", "MinMaxScaler", tall[5:], {"clip": True}),
    case("constant", "MinMaxScaler", constant),
    case("one row", "MinMaxScaler", tall[:1]),
    case("tall", "PCA", tall, extra=full),
    case("two", "PCA", tall, {"n_components": 2}, extra=full),
    case("share", "PCA", tall, {"n_components": 0.9}, extra=full),
    case("whitened", "PCA", tall, {"n_components": 3, "whiten": True}, extra=full),
    case("far", "PCA", far, {"n_components": 2}, extra=full),
    case("wide", "PCA", wide, {"n_components": 2}, extra=full),
    case("wide, by covariance", "PCA", wide, {"n_components": 2, "svd_solver": "covariance_eigh"}),
    case("collinear", "PCA", collinear, {"n_components": 3}, extra=full),
    case("one feature", "PCA", single, extra=full),
    case("constant", "PCA", constant, {"n_components": 2}, extra=full),
    case("halving", "PCA", halving, {"n_components": 4}, extra=full),
    case("halving, whitened", "PCA", halving, {"n_components": 3, "whiten": True}, extra=full),
    case("likeliest", "PCA", few, {"n_components": "mle"}, extra=full),
    case("likeliest, few rows, whitened", "PCA", few[:9], {"n_components": "mle", "whiten": True}, extra=full),
    case("likeliest of tall", "PCA", tall, {"n_components": "mle"}, extra=full),
    case("likeliest of collinear", "PCA", collinear, {"n_components": "mle"}, extra=full),
    case("tall", "TruncatedSVD", tall, extra=arpack),
    case("three", "TruncatedSVD", tall, {"n_components": 3}, extra=arpack),
    case("wide", "TruncatedSVD", wide, {"n_components": 3}, extra=arpack),
    case("collinear", "TruncatedSVD", collinear, {"n_components": 2}, extra=arpack),
    case("constant", "TruncatedSVD", constant * [1, 1, 1, 1e-5], {"n_components": 3}, extra=arpack),
    case("one feature", "TruncatedSVD", np.hstack([single, single * 0]), {"n_components": 1}, extra=arpack),
    case("halving", "TruncatedSVD", halving, {"n_components": 4}, extra=arpack),
]
OUT.write_text("[\n" + ",\n".join(json.dumps(c) for c in CASES) + "\n]\n")
