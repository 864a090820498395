"""Reference values of scikit-learn's LinearSVC(penalty="l1"): tests/data/linear_svm_l1.json.

    python scripts/golden/make_linear_svm_l1.py

Fitted to a tight tolerance, so that what is compared is the optimum and not where a solver stopped on its way. The rows are
those of tests/data/linear_svm.json, whose features are eighths.
"""

import json
import os
import platform
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import LinearSVC

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data")


def main():
    with open(os.path.join(FOLDER, "linear_svm.json")) as file:
        given = json.load(file)
    sets = {name: (np.array(of["X"]) / 8, np.array(of["y"])) for name, of in given["data"].items()}
    weight = np.array(given["weight"])
    tight = {"tol": 1e-10, "max_iter": 10_000_000}
    cases = [
        {}, {"C": 0.003}, {"C": 0.05}, {"C": 100.0}, {"fit_intercept": False}, {"intercept_scaling": 7.5, "C": 0.02},
        {"class_weight": "balanced"}, {"class_weight": {"3": 0.4, "4": 3.0}},
    ]
    fits = []
    for name, (x, y) in sets.items():
        for params in cases if name != "wide" else [{}, {"C": 0.01}, {"C": 0.3}]:
            for w in (None, weight[: len(y)]):
                own = dict(params)
                if isinstance(own.get("class_weight"), dict):
                    own["class_weight"] = {int(k): v for k, v in own["class_weight"].items()}
                model = LinearSVC(penalty="l1", dual=False, random_state=0, **own, **tight).fit(x, y, sample_weight=w)
                fits.append({
                    "data": name, "params": {"penalty": "l1", **params, **tight}, "weighted": w is not None,
                    "coef_": model.coef_.ravel().tolist(), "intercept_": np.atleast_1d(model.intercept_).tolist(),
                    "predict": model.predict(x).tolist(),
                })
    x, y = sets["three"]
    splitter = StratifiedKFold(5)
    fold = np.zeros(len(y), int)
    for i, (_, test) in enumerate(splitter.split(x, y)):
        fold[test] = i
    grid = {"C": [0.003, 0.1, 10.0], "penalty": ["l1", "l2"]}
    search = GridSearchCV(LinearSVC(dual=False, random_state=0, **tight), grid, cv=splitter).fit(x, y)
    out = {
        "origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        "fits": fits,
        "grid": {
            "folds": fold.tolist(), "params": [{**p, **tight} for p in search.cv_results_["params"]],
            "accuracy": search.cv_results_["mean_test_score"].tolist(),
        },
    }
    name = os.path.join(FOLDER, "linear_svm_l1.json")
    with open(name, "w") as file:
        json.dump(out, file, separators=(",", ":"))
    print(os.path.getsize(name), len(fits))


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        main()
