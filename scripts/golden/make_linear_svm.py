"""Reference values of scikit-learn's LinearSVC and LinearSVR: tests/data/linear_svm.json.

    python scripts/golden/make_linear_svm.py

Fitted to a tight tolerance, so that what is compared is the optimum and not where a solver stopped on its way.
"""

import json
import os
import platform
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import LinearSVC, LinearSVR

FILE = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data", "linear_svm.json")


def data(rng, n, d, classes):
    x = rng.integers(-16, 17, (n, d)) / 8
    f = x[:, 0] - 0.7 * x[:, 1] + 0.3 * x[:, 2] * x[:, 3] + 0.8 * rng.standard_normal(n)
    y = np.searchsorted(np.quantile(f, np.arange(1, classes) / classes), f) + 3
    return {"X": (x * 8).astype(int).tolist(), "y": y.tolist(), "number": np.round(f, 4).tolist()}, x, y, np.round(f, 4)


def fit(model, x, y, weight, q):
    model.fit(x, y, sample_weight=weight)
    out = {"coef_": np.atleast_2d(model.coef_).ravel().tolist()}
    out["intercept_"] = np.atleast_1d(model.intercept_).tolist()
    out["predict"] = model.predict(q).tolist()
    return out


def main():
    rng = np.random.default_rng(11)
    out = {
        "origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        "classes": [], "numbers": [],
    }
    sets = {"two": data(rng, 120, 5, 2), "three": data(rng, 150, 6, 3), "wide": data(rng, 50, 290, 2)}
    out["data"] = {name: {"X": d["X"], "y": d["y"], "number": d["number"]} for name, (d, *_) in sets.items()}
    weight = rng.integers(0, 4, 150).astype(float)
    out["weight"] = weight.tolist()
    tight = {"tol": 1e-11, "max_iter": 10_000_000}
    squared = [
        {}, {"C": 0.01}, {"C": 100.0}, {"fit_intercept": False}, {"intercept_scaling": 7.5}, {"class_weight": "balanced"},
        {"class_weight": {"3": 0.4, "4": 3.0}},
    ]
    hinge = [{"loss": "hinge", "C": c} for c in (0.02, 0.5, 5.0)] + [{"loss": "hinge", "class_weight": "balanced"}]
    for name, (_, x, y, number) in sets.items():
        cases = [(p, w) for p in (squared + hinge if name != "wide" else [{}, {"C": 1e-3}, {"loss": "hinge", "C": 1e-3}]) for w in (None, weight)]
        for params, w in cases:
            if w is not None and params.get("loss") == "hinge" and "class_weight" not in params:
                continue
            given = dict(params)
            if isinstance(given.get("class_weight"), dict):
                given["class_weight"] = {int(k): v for k, v in given["class_weight"].items()}
            dual = given.get("loss") == "hinge"
            model = LinearSVC(dual=dual, random_state=0, **given, **tight)
            fitted = fit(model, x, y, None if w is None else w[: len(y)], x)
            fitted["decision"] = np.atleast_2d(model.decision_function(x).T).T[:7].ravel().tolist()
            out["classes"].append({"data": name, "params": {**params, **tight}, "weighted": w is not None, **fitted})
        for params in (
            {"epsilon": 0.1, "C": 0.3}, {"loss": "squared_epsilon_insensitive", "epsilon": 0.2},
            {"loss": "squared_epsilon_insensitive", "C": 30.0, "fit_intercept": False},
        ):
            if name == "wide" and params.get("loss") is None:
                continue
            dual = params.get("loss") is None
            model = LinearSVR(dual=dual, random_state=0, **params, **tight)
            fitted = fit(model, x, number, None, x)
            out["numbers"].append({"data": name, "params": {**params, **tight}, **fitted})
    _, x, y, _ = sets["three"]
    grid = {"C": [0.001, 0.1, 10.0], "fit_intercept": [True, False]}
    splitter = StratifiedKFold(5)
    fold = np.zeros(len(y), int)
    for i, (_, test) in enumerate(splitter.split(x, y)):
        fold[test] = i
    search = GridSearchCV(LinearSVC(dual=False, **tight), grid, cv=splitter).fit(x, y)
    out["grid"] = {
        "folds": fold.tolist(), "params": [{**p, **tight} for p in search.cv_results_["params"]],
        "accuracy": search.cv_results_["mean_test_score"].tolist(),
    }
    with open(FILE, "w") as file:
        json.dump(out, file, separators=(",", ":"))
    print(os.path.getsize(FILE), len(out["classes"]))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        main()
