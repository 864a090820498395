"""Reference values of scikit-learn's trees and forests: tests/data/forest/trees.json and forests.json.

    python scripts/golden/make_forest.py

The features are multiples of 1/1024 without ties in a column, which single precision holds, so that files are small. Trees
of which scikit-learn itself makes another with another seed (two splits were equally good) are left out.
"""

import json
import os
import platform

import numpy as np
import sklearn
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data", "forest")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}"


def features(rng, n, d):
    return np.stack([rng.permutation(8 * n)[:n] / 1024 for _ in range(d)], axis=1)


def targets(rng, x, classes):
    z = x - x.mean(axis=0)
    z = z / z.std(axis=0)
    f = z[:, 0] + z[:, 1] * z[:, 2] + 0.5 * np.sin(3 * z[:, 3]) + 0.5 * rng.standard_normal(len(x))
    if classes == 0:
        return np.round(f, 4)
    return np.searchsorted(np.quantile(f, np.arange(1, classes) / classes), f)


def single(forest, **params):
    """A forest of one tree on all rows that may use all features at each node."""
    return forest(n_estimators=1, bootstrap=False, max_features=None, **params)


def nodes(model):
    """The arrays of a fitted tree."""
    t = model.tree_
    return {
        "children_left": t.children_left.tolist(),
        "children_right": t.children_right.tolist(),
        "feature": t.feature.tolist(),
        "threshold": t.threshold.tolist(),
        "impurity": np.round(t.impurity, 12).tolist(),
        "n_node_samples": t.n_node_samples.tolist(),
        "value": np.round(t.value.reshape(t.node_count, -1), 12).tolist(),
        "feature_importances": model.feature_importances_.tolist(),
    }


def tree(model, x, y, weight, params):
    return {"params": params, **nodes(model.fit(x, y, sample_weight=weight).estimators_[0])}


def unambiguous(make, x, y, weight, params):
    """Whether 30 seeds, which order the features differently, give one tree."""
    forests = [single(make, random_state=seed, **params).fit(x, y, sample_weight=weight) for seed in range(30)]
    trees = [forest.estimators_[0].tree_ for forest in forests]
    same = lambda a, b: np.array_equal(a.feature, b.feature) and np.array_equal(a.threshold, b.threshold)
    return all(same(trees[0], tree) for tree in trees)


def main():
    os.makedirs(FOLDER, exist_ok=True)
    rng = np.random.default_rng(42)
    n, d = 240, 5
    x = features(rng, n, d)
    weight = rng.integers(1, 4, n).astype(float)
    out = {"origin": ORIGIN, "X": (x * 1024).astype(int).tolist(), "weight": weight.tolist(), "data": {}}
    classifiers = [
        {"max_depth": 1}, {"max_depth": 3}, {"criterion": "entropy", "max_depth": 3}, {"min_samples_leaf": 7},
        {"min_samples_leaf": 12}, {"min_samples_split": 30, "min_impurity_decrease": 0.004}, {"min_samples_split": 60},
        {"class_weight": "balanced", "max_depth": 3}, {"class_weight": "balanced", "max_depth": 3, "min_samples_leaf": 8},
        {"criterion": "entropy", "min_samples_leaf": 10}, {"max_depth": 4},
    ]
    # With weights two thresholds of one feature are equally good, and rounding tells.
    tied = ("2", {"class_weight": "balanced", "max_depth": 3}, True)
    regressors = [
        {"max_depth": 4}, {"min_samples_leaf": 5}, {"min_samples_leaf": 0.05, "min_samples_split": 0.2},
        {"min_weight_fraction_leaf": 0.03}, {"min_samples_split": 10},
    ]
    cases = {"2": classifiers, "3": classifiers, "0": regressors}
    for classes, many in cases.items():
        y = targets(rng, x, int(classes))
        make = RandomForestRegressor if classes == "0" else RandomForestClassifier
        trees = []
        for p, w in [(p, w) for p in many for w in (None, weight)]:
            if (classes, p, w is not None) != tied and unambiguous(make, x, y, w, p):
                trees.append(dict(tree(single(make, random_state=0, **p), x, y, w, p), weighted=w is not None))
        assert len(trees) >= 5 and any(t["weighted"] for t in trees)
        print(classes, [(t["params"], t["weighted"], len(t["feature"])) for t in trees])
        out["data"][classes] = {"y": y.tolist(), "trees": trees}
    with open(os.path.join(FOLDER, "trees.json"), "w") as file:
        json.dump(out, file, separators=(",", ":"))

    # Scores on held-out rows over many seeds: mean and standard deviation of scikit-learn's forests.
    n, n_train = 700, 500
    x = features(rng, n, 6)
    out = {"origin": ORIGIN, "X": (x * 1024).astype(int).tolist(), "n_train": n_train, "forests": []}
    for name, make, classes in [
        ("RandomForestClassifier", RandomForestClassifier, 2),
        ("RandomForestRegressor", RandomForestRegressor, 0),
        ("ExtraTreesClassifier", ExtraTreesClassifier, 3),
        ("ExtraTreesRegressor", ExtraTreesRegressor, 0),
    ]:
        y = targets(rng, x, classes)
        scores, importances = [], []
        for seed in range(40):
            m = make(n_estimators=30, random_state=seed).fit(x[:n_train], y[:n_train])
            scores.append(m.score(x[n_train:], y[n_train:]))
            importances.append(m.feature_importances_)
        out["forests"].append({
            "name": name, "y": y.tolist(), "n_estimators": 30, "n_seeds": 40,
            "mean": np.mean(scores), "std": np.std(scores, ddof=1),
            "importances_mean": np.mean(importances, axis=0).tolist(),
            "importances_std": np.std(importances, axis=0, ddof=1).tolist(),
        })
    with open(os.path.join(FOLDER, "forests.json"), "w") as file:
        json.dump(out, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
