"""Writes tests/data/svc/*.json: fits, scores and decisions of scikit-learn's SVC.

Floats are written with repr, so that reading them gives the same bits. The data sets are part of the files, except the
tutorial's (tests/data/classification.h5).
"""
import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.datasets import make_blobs, make_classification
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import SVC

warnings.simplefilter("ignore")
ROOT = pathlib.Path(__file__).parents[2] / "tests/data/svc"
ROOT.mkdir(parents=True, exist_ok=True)


def write(name, value):
    value = {"origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scripts/golden/make_svc.py", **value}
    path = ROOT / f"{name}.json"
    path.write_text(json.dumps(value, default=lambda a: a.tolist()))
    print(path.name, path.stat().st_size)


def folds_of(X, y, k):
    folds = np.empty(len(y), int)
    for i, (_, test) in enumerate(StratifiedKFold(k).split(X, y)):
        folds[test] = i
    return folds


def grid(X, y, folds, candidates):
    out = []
    for params in candidates:
        scores, n_iter = [], []
        for i in range(folds.max() + 1):
            m = SVC(cache_size=1000, **params).fit(X[folds != i], y[folds != i])
            scores.append(m.score(X[folds == i], y[folds == i]))
            n_iter.append(m.n_iter_)
        out.append({"params": params, "scores": scores, "n_iter": n_iter})
    return out


def tutorial():
    X, y = make_classification(n_samples=10000, n_features=4, random_state=0)
    folds = folds_of(X, y, 5)
    candidates = [dict(C=C, gamma="auto") for C in (0.001, 0.1, 1, 2.5, 5, 10)]
    # Runs of equal folds: the splits are long stretches.
    starts = np.flatnonzero(np.r_[True, folds[1:] != folds[:-1]])
    write("tutorial", {"fold_starts": starts, "fold_values": folds[starts], "grid": grid(X, y, folds, candidates)})


def small_grid():
    X, y = make_classification(n_samples=600, n_features=6, n_informative=4, flip_y=0.1, class_sep=0.6, random_state=3)
    X = np.round(X, 4)
    candidates = [
        dict(C=C, kernel=k, shrinking=s, **extra)
        for C in (0.05, 1, 20)
        for k, extra in (("rbf", dict(gamma="scale")), ("rbf", dict(gamma=0.7)), ("linear", {}),
                         ("poly", dict(degree=3, gamma="scale", coef0=1.0)), ("poly", dict(degree=2, gamma=0.1)),
                         ("sigmoid", dict(gamma=0.05, coef0=-0.5)))
        for s in (True, False)
    ]
    folds = folds_of(X, y, 4)
    write("grid", {"X": X, "y": y, "folds": folds, "grid": grid(X, y, folds, candidates)})


def digits_like():
    X, y = make_blobs(n_samples=300, centers=5, n_features=64, cluster_std=6.0, random_state=5)
    X = np.round(X, 1)
    candidates = [dict(C=C, gamma=g) for C in (0.5, 5) for g in ("scale", 0.0005)] + [dict(C=0.01, kernel="linear")]
    folds = folds_of(X, y, 3)
    write("wide", {"X": X, "y": y, "folds": folds, "grid": grid(X, y, folds, candidates)})


def fits():
    rng = np.random.default_rng(0)
    X2, y2 = make_classification(n_samples=160, n_features=5, n_informative=3, flip_y=0.1, weights=[0.8], random_state=1)
    X3, y3 = make_blobs(n_samples=150, centers=4, n_features=3, cluster_std=3.5, random_state=2)
    y3 = np.array([-2, 0, 3, 7])[y3]
    data = {"binary": (np.round(X2, 4), y2), "four": (np.round(X3, 4), y3)}
    w2 = np.round(rng.uniform(0.1, 3.0, len(y2)), 3)
    cases = [
        ("binary", {}, None), ("binary", dict(C=10, gamma="auto"), None), ("binary", dict(kernel="linear", C=0.3), None),
        ("binary", dict(kernel="poly", coef0=1.0, C=0.5), None), ("binary", dict(kernel="sigmoid", gamma=0.02), None),
        ("binary", dict(class_weight="balanced"), None), ("binary", dict(class_weight={0: 1.0, 1: 4.0}), None),
        ("binary", dict(C=2.0), w2), ("binary", dict(max_iter=20), None),
        ("four", {}, None), ("four", dict(kernel="linear", C=0.05), None),
        ("four", dict(decision_function_shape="ovo", C=3), None), ("four", dict(break_ties=True), None),
        ("four", dict(class_weight="balanced", kernel="poly", degree=2, coef0=0.5), None),
        ("four", dict(class_weight={0: 2.5}), None),
    ]
    out = []
    for name, params, weight in cases:
        X, y = data[name]
        probe = X[::3] + 0.25
        for tol in (1e-3, 1e-8):
            m = SVC(tol=tol, **params).fit(X, y, sample_weight=weight)
            params_out = dict(params, tol=tol)
            if isinstance(params_out.get("class_weight"), dict):
                params_out["class_weight"] = {str(k): v for k, v in params_out["class_weight"].items()}
            out.append({
                "data": name, "params": params_out, "weights": weight, "classes_": m.classes_, "support_": m.support_,
                "n_support_": m.n_support_, "dual_coef_": m.dual_coef_, "intercept_": m.intercept_,
                "class_weight_": m.class_weight_, "n_iter_": m.n_iter_, "fit_status_": m.fit_status_, "_gamma": m._gamma,
                "coef_": m.coef_ if m.kernel == "linear" else None,
                "decision": np.reshape(m.decision_function(probe), (len(probe), -1)), "predict": m.predict(probe),
            })
    write("fits", {"data": {k: {"X": X, "y": y} for k, (X, y) in data.items()}, "cases": out})


tutorial()
small_grid()
digits_like()
fits()
