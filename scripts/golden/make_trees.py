"""Reference values of scikit-learn's single trees, grown best first, pruned, or by Poisson's deviance: tests/data/forest/single.json.

    python scripts/golden/make_trees.py

The rows are those of make_forest.py. Trees of which scikit-learn itself makes another with another seed (two splits were
equally good) are left out, so are those in which two nodes were equally good to be split next.
"""

import json
import os

import numpy as np
from make_forest import FOLDER, ORIGIN, features, nodes, targets
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def unambiguous(make, x, y, weight, params):
    """Whether 30 seeds, which order the features differently, give one tree, and gains of splits are all different."""
    trees = [make(random_state=seed, **params).fit(x, y, sample_weight=weight).tree_ for seed in range(30)]
    first = trees[0]
    same = lambda tree: np.array_equal(first.feature, tree.feature) and np.allclose(first.threshold, tree.threshold, atol=0)
    r = first.weighted_n_node_samples * first.impurity / first.weighted_n_node_samples[0]
    gains = np.sort([r[i] - r[l] - r[k] for i, (l, k) in enumerate(zip(first.children_left, first.children_right)) if l >= 0])
    return all(map(same, trees)) and np.all(np.diff(gains) > 1e-9 * max(gains, default=0))


def entry(make, x, y, weight, params):
    model = make(random_state=0, **params).fit(x, y, sample_weight=weight)
    return {
        "params": {k: ({str(c): w for c, w in v.items()} if isinstance(v, dict) else v) for k, v in params.items()},
        "weighted": weight is not None,
        **nodes(model),
        "n_leaves": int(model.get_n_leaves()),
        "depth": int(model.get_depth()),
        "predictions": model.predict(x[:50]).tolist(),
    }


def main():
    rng = np.random.default_rng(43)
    n, d = 300, 5
    x = features(rng, n, d)
    # Weights that no sums of few of them repeat: no two cuts are equally good by chance.
    weight = np.round(rng.uniform(0.5, 2.0, n), 6)
    out = {"origin": ORIGIN, "X": (x * 1024).astype(int).tolist(), "weight": weight.tolist(), "data": {}}
    shared = [
        {"max_leaf_nodes": 2}, {"max_leaf_nodes": 5}, {"max_leaf_nodes": 12}, {"max_leaf_nodes": 9, "max_depth": 3},
        {"max_leaf_nodes": 15, "min_samples_leaf": 6}, {"max_leaf_nodes": 40, "min_impurity_decrease": 0.006},
        {"ccp_alpha": 0.004}, {"ccp_alpha": 0.012}, {"ccp_alpha": 0.02, "max_depth": 6}, {"ccp_alpha": 1.0},
        {"ccp_alpha": 0.01, "max_leaf_nodes": 20}, {"ccp_alpha": 0.008, "min_samples_leaf": 4},
        {"min_weight_fraction_leaf": 0.05}, {"min_samples_leaf": 8},
    ]
    of_classes = [
        {"criterion": "entropy", "max_leaf_nodes": 8}, {"criterion": "log_loss", "ccp_alpha": 0.03},
        {"class_weight": "balanced", "max_leaf_nodes": 7}, {"class_weight": {1: 0.0}, "max_leaf_nodes": 7},
        {"class_weight": {1: 0.0}, "min_samples_leaf": 5}, {"class_weight": {0: 2.5, 1: 0.7}, "ccp_alpha": 0.01},
    ]
    poisson = [
        {"criterion": "poisson", "max_depth": 4}, {"criterion": "poisson", "min_samples_leaf": 7},
        {"criterion": "poisson", "max_leaf_nodes": 9}, {"criterion": "poisson", "ccp_alpha": 0.01, "min_samples_leaf": 3},
    ]
    of_numbers = poisson + [{"criterion": "squared_error", "max_leaf_nodes": 30}]
    for name, classes, many in [("2", 2, shared + of_classes), ("3", 3, shared + of_classes),
                                ("0", 0, shared + of_numbers), ("counts", 0, poisson)]:
        y = targets(rng, x, classes)
        if classes == 0:
            y = np.round(y - y.min() + 0.01, 4)
        if name == "counts":
            y = rng.poisson(0.4 * y)
        make = DecisionTreeClassifier if classes else DecisionTreeRegressor
        trees = []
        for p, w in [(p, w) for p in many for w in (None, weight)]:
            if unambiguous(make, x, y, w, p):
                trees.append(entry(make, x, y, w, p))
        print(name, len(many) * 2, [(t["params"], t["weighted"], t["n_leaves"]) for t in trees])
        out["data"][name] = {"y": y.tolist(), "trees": trees}
    with open(os.path.join(FOLDER, "single.json"), "w") as file:
        json.dump(out, file, separators=(",", ":"))


if __name__ == "__main__":
    main()
