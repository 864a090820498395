"""Makes tests/data/order_scalers.json: what scikit-learn's scalers and imputers by order find and make of rows.

Usage: python scripts/golden/make_order_scalers.py   (from the root of the repository)

Data are rounded to a few decimals, so that the text holds them exactly; a missing value is null.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import QuantileTransformer, RobustScaler

OUT = pathlib.Path("tests/data/order_scalers.json")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}"
rng = np.random.default_rng(23)

plain = np.round(rng.normal(size=(61, 4)) * [1, 50, 1e-3, 1e4] + [0, 3, -2e-3, 1e6], 4)
even = np.round(rng.normal(size=(40, 3)) ** 3, 3)
tied = rng.integers(-2, 3, size=(57, 3)).astype(float)
constant = np.round(rng.normal(size=(20, 3)), 3)
constant[:, 1] = -4.25
wide = np.round(rng.normal(size=(3, 6)), 3)
single = np.round(rng.exponential(size=(33, 1)), 3)
one_row = np.round(rng.normal(size=(1, 3)), 3)
holes = np.round(rng.normal(size=(45, 4)), 1)
holes[rng.random(holes.shape) < 0.3] = np.nan
empty = holes.copy()
empty[:, 2] = np.nan
other = np.random.default_rng(5)

ATTRIBUTES = {
    "RobustScaler": ["center_", "scale_"],
    "QuantileTransformer": ["n_quantiles_", "references_", "quantiles_"],
    "SimpleImputer": ["statistics_"],
}


def listed(a):
    return [None if np.isnan(v) else v for v in np.asarray(a, dtype=float).ravel().tolist()]


def indicated(model):
    found = getattr(model, "indicator_", None)
    return {} if found is None else {"indicator_features_": listed(found.features_)}


def case(name, estimator, x, **params):
    model = globals()[estimator](**{k: tuple(v) if isinstance(v, list) else v for k, v in params.items()}).fit(x)
    known = x[:3] * 1.01 + 0.003
    if "missing_values" in params:
        known[0] = params["missing_values"]
    new = np.vstack([x[:12], known, x[:1] - 1e7, x[:1] + 1e7])
    return {
        "name": name,
        "origin": f"{ORIGIN}, {estimator}(**{params}).fit(X)",
        "estimator": estimator,
        "params": params,
        "n_features": x.shape[1],
        "x": listed(x),
        "attributes": indicated(model) | {a: listed(getattr(model, a)) for a in ATTRIBUTES[estimator] if getattr(model, a) is not None},
        "new": listed(new),
        "transformed": listed(model.transform(new)),
    }


cases = []
for name, x in [("plain", plain), ("an even number of rows", even), ("ties", tied), ("constant", constant),
                ("wide", wide), ("single", single), ("one row", one_row)]:
    cases.append(case(name, "RobustScaler", x))
    cases.append(case(name, "QuantileTransformer", x, n_quantiles=1000, subsample=10000))
    cases.append(case(name + ", normal, 7", "QuantileTransformer", x, n_quantiles=7, output_distribution="normal"))
cases += [
    case("other quantiles", "RobustScaler", plain, quantile_range=[7.5, 99.0]),
    case("unit variance", "RobustScaler", plain, unit_variance=True),
    case("no centering", "RobustScaler", plain, with_centering=False),
    case("no scaling", "RobustScaler", plain, with_scaling=False),
    case("one quantile", "QuantileTransformer", plain, n_quantiles=1),
]
for strategy in ["mean", "median", "most_frequent", "constant"]:
    more = {"fill_value": -1.5} if strategy == "constant" else {}
    cases.append(case("holes, " + strategy, "SimpleImputer", holes, strategy=strategy, **more))
    cases.append(case("no value, " + strategy, "SimpleImputer", empty, strategy=strategy, **more))
    cases.append(case("no value kept, " + strategy, "SimpleImputer", empty, strategy=strategy,
                      keep_empty_features=True, **more))
    marked = np.where(np.isnan(empty), -1.0, empty)
    for x, missing in [(holes, {}), (empty, {}), (marked, {"missing_values": -1.0})]:
        for keep in [False, True]:
            cases.append(case(f"told, {strategy}, {len(missing)}, {keep}", "SimpleImputer", x, strategy=strategy,
                              add_indicator=True, keep_empty_features=keep, **missing, **more))
# A number that is missing in a feature that the fit has whole, and features without any.
partly = np.round(other.normal(size=(30, 3)), 1)
partly[:, 0] = np.where(partly[:, 0] == 0, 1.0, partly[:, 0])
cases.append(case("zeros", "SimpleImputer", partly, missing_values=0.0, strategy="median", add_indicator=True))
cases.append(case("whole", "SimpleImputer", partly[:5] + 7, missing_values=0.0, add_indicator=True))
OUT.write_text(json.dumps({"made_by": "scripts/golden/make_order_scalers.py", "cases": cases}) + "\n")
