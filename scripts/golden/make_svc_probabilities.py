"""Reference values of scikit-learn's SVC(probability=True): tests/data/svc/probabilities.json.

    python scripts/golden/make_svc_probabilities.py

The folds that libsvm calibrates on come from its own random numbers. What is compared is therefore the probabilities that
follow from given sigmoids, and the distribution over many seeds of the sigmoids and of the scores of a cross-validation whose
folds are the rows' indices modulo 3.
"""

import json
import os
import platform
import warnings

import numpy as np
import sklearn
from sklearn.model_selection import PredefinedSplit, cross_validate
from sklearn.svm import SVC

FILE = os.path.join(os.path.dirname(__file__), "..", "..", "tests", "data", "svc", "probabilities.json")
N_SEEDS = 40
SCORING = ["neg_log_loss", "roc_auc_ovr", "roc_auc_ovr_weighted"]


def main():
    rng = np.random.default_rng(8)
    n, d = 150, 3
    x = rng.integers(-2048, 2049, (n + 25, d)) / 1024
    f = x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + 0.5 * rng.standard_normal(n + 25)
    x, q, f = x[:n], x[n:], f[:n]
    cases = []
    for classes, params in ((2, {}), (2, {"C": 5.0, "class_weight": "balanced"}), (4, {"C": 2.0, "gamma": 0.3}), (3, {"kernel": "linear"})):
        y = np.searchsorted(np.quantile(f, np.linspace(0.3, 1, classes)[:-1]), f)
        sigmoids = []
        for seed in range(N_SEEDS):
            m = SVC(probability=True, random_state=seed, **params).fit(x, y)
            sigmoids.append(np.stack([m.probA_, m.probB_]))
        sigmoids = np.array(sigmoids)
        names = ["support_", "n_support_", "dual_coef_", "intercept_", "class_weight_", "n_iter_", "support_vectors_", "probA_", "probB_"]
        folds = np.arange(n) % 3
        searched = [
            cross_validate(
                SVC(probability=True, random_state=seed, **params), x, y, cv=PredefinedSplit(folds), scoring=SCORING, error_score="raise"
            )
            for seed in range(N_SEEDS)
        ]
        scores = {name: np.array([s[f"test_{name}"] for s in searched]) for name in SCORING}
        cases.append({
            "scores": {name: {"mean": s.mean(axis=0).tolist(), "std": s.std(axis=0, ddof=1).tolist()} for name, s in scores.items()},
            "params": params, "y": y.tolist(), "classes_": m.classes_.tolist(), "shape_fit_": list(m.shape_fit_), "_gamma": m._gamma,
            **{name: np.asarray(getattr(m, name)).tolist() for name in names},
            "proba": m.predict_proba(q).tolist(),
            "mean": sigmoids.mean(axis=0).tolist(), "std": sigmoids.std(axis=0, ddof=1).tolist(),
        })
    out = {
        "origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, Python {platform.python_version()}",
        "X": (x * 1024).astype(int).tolist(), "Q": (q * 1024).astype(int).tolist(), "n_seeds": N_SEEDS, "cases": cases,
    }
    with open(FILE, "w") as file:
        json.dump(out, file, separators=(",", ":"))
    print(os.path.getsize(FILE), [(c["params"], c["mean"], c["std"]) for c in cases])


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        main()
