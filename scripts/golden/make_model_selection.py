"""Reference values for splitters, grids, cv_results_ and scores, from scikit-learn.

Usage: python scripts/golden/make_model_selection.py [FOLDER]     (default: tests/data/model_selection)
Doubles are written with all their digits; NaN and infinities as texts.
"""

import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.metrics import get_scorer
from sklearn.model_selection import (
    GridSearchCV, GroupKFold, KFold, LeaveOneGroupOut, LeaveOneOut, LeavePGroupsOut, ParameterGrid, PredefinedSplit,
    StratifiedGroupKFold, StratifiedKFold, TimeSeriesSplit,
)
from sklearn.svm import SVC

FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/model_selection")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scripts/golden/make_model_selection.py"
rng = np.random.RandomState(20240607)


def plain(value):
    """Python numbers all the way down; numbers that JSON lacks become texts."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, np.ma.MaskedArray):
        return [None if masked else plain(item) for item, masked in zip(value.data, np.ma.getmaskarray(value))]
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def write(name, cases):
    text = json.dumps({"origin": ORIGIN, "cases": plain(cases)}, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(text.replace('{"kind"', '\n{"kind"') + "\n")


def splits_of(splitter, n, y=None, groups=None):
    """Each test fold, and training rows where they are not simply the others; or the refusal."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = list(splitter.split(np.zeros((n, 1)), y, groups))
        except ValueError as error:
            return {"error": str(error)}
    tests = [test.tolist() for _, test in found]
    trains = [train.tolist() for train, _ in found]
    others = [sorted(set(range(n)) - set(test)) for test in tests]
    return {
        "tests": tests,
        "trains": None if trains == others else trains,
        "warnings": [str(w.message) for w in caught],
    }


def label_vectors():
    yield np.array([1, 0, 0, 1, 1, 2, 2, 2, 0, 5, 5])
    yield np.array([3] * 7 + [1] * 2 + [2] * 12)
    yield np.arange(6)
    yield np.repeat([2, 1, 0], [1, 30, 9])
    for _ in range(24):
        n = rng.randint(5, 60)
        weights = rng.dirichlet(np.full(rng.randint(1, 6), 0.7))
        yield rng.choice(rng.permutation(len(weights)) * 3 - 4, size=n, p=weights)


def make_splits():
    cases = []
    for n, k in [(10, 5), (11, 5), (7, 7), (7, 8), (23, 4), (100, 3), (2, 2)]:
        spec = {"kind": "KFold", "n_splits": k}
        cases.append({"kind": "KFold", "spec": spec, "n": n, **splits_of(KFold(k), n)})
    for y in label_vectors():
        for k in (2, 3, 5, 10):
            spec = {"kind": "StratifiedKFold", "n_splits": k}
            cases.append({"kind": "StratifiedKFold", "spec": spec, "n": len(y), "y": y,
                          **splits_of(StratifiedKFold(k), len(y), y)})
    for _ in range(12):
        n, k = rng.randint(6, 50), rng.randint(2, 6)
        groups = rng.randint(-3, rng.randint(2, 12), size=n)
        spec = {"kind": "GroupKFold", "n_splits": k}
        cases.append({"kind": "GroupKFold", "spec": spec, "n": n, "groups": groups,
                      **splits_of(GroupKFold(k), n, None, groups)})
    for n, arguments in [(6, {}), (12, {"n_splits": 3, "test_size": 2}), (12, {"n_splits": 3, "test_size": 2, "gap": 2}),
                         (30, {"n_splits": 4, "max_train_size": 5}), (23, {"n_splits": 3, "gap": 1}), (5, {}),
                         (12, {"n_splits": 3, "test_size": 4}), (9, {"n_splits": 2, "max_train_size": 100})]:
        spec = {"kind": "TimeSeriesSplit", **arguments}
        cases.append({"kind": "TimeSeriesSplit", "spec": spec, "n": n, **splits_of(TimeSeriesSplit(**arguments), n)})
    for folds in [[0, 1, -1, 1], [3, 3, 1, 1, 2, -1, 2, 7], rng.randint(-1, 4, size=25).tolist()]:
        spec = {"kind": "PredefinedSplit", "test_fold": folds}
        cases.append({"kind": "PredefinedSplit", "spec": spec, "n": len(folds),
                      **splits_of(PredefinedSplit(folds), len(folds))})
    write("splits", cases)


def grouped_rows():
    """Classes and groups of rows: few or many of either, one class alone, groups of one class, ties."""
    draw = np.random.RandomState(20251129)
    for n, n_classes, n_groups in [(40, 2, 8), (60, 3, 15), (25, 5, 6), (90, 9, 30), (80, 17, 20), (160, 140, 12), (50, 1, 25)]:
        for _ in range(3):
            shares = draw.dirichlet(np.full(n_classes, 1.5))
            yield draw.choice(n_classes, size=n, p=shares) * 2 - 3, draw.randint(-4, n_groups - 4, size=n)
    for _ in range(12):
        n, n_groups = draw.randint(12, 70), draw.randint(2, 20)
        groups = draw.randint(n_groups, size=n)
        yield draw.randint(3, size=n_groups)[groups], groups
    for n_groups in (6, 12, 20):
        yield np.tile([0, 1, 1], n_groups), np.repeat(draw.permutation(n_groups), 3)


def make_group_splits():
    cases = []

    def case(splitter, n, y=None, groups=None, **arguments):
        kind = splitter.__name__
        cases.append({"kind": kind, "spec": {"kind": kind, **arguments}, "n": n, "y": y, "groups": groups,
                      **splits_of(splitter(**arguments), n, y, groups)})

    for y, groups in grouped_rows():
        for k in (2, 3, 5, 10):
            case(StratifiedGroupKFold, len(y), y, groups, n_splits=k)
    for n in (1, 2, 7):
        case(LeaveOneOut, n)
    for groups in ([3, 1, 3, 2, 1, 7], [5, -5], [4, 4, 4], [0, 0, 1, 2, 3, 3, 4, -2, 0, 9]):
        case(LeaveOneGroupOut, len(groups), None, groups)
        for p in (1, 2, 3):
            case(LeavePGroupsOut, len(groups), None, groups, n_groups=p)
    write("group_splits", cases)


def make_grids():
    grids = [
        {"C": [0.001, 0.1, 1.0, 2.5, 5.0, 10.0]},
        {"kernel": ["rbf", "linear"], "C": [1, 10], "gamma": [0.1, "scale"]},
        [{"kernel": ["linear"], "C": [1, 10]}, {"kernel": ["rbf"], "gamma": [0.5, 0.25, 0.125], "C": [3.0]},
         {"degree": [2]}],
        {"b": [True, False], "Z": [1], "a": [3, 2, 1], "a_b": ["x"]},
    ]
    write("grids", [{"kind": "grid", "grid": grid, "points": list(ParameterGrid(grid))} for grid in grids])


class Given(ClassifierMixin, BaseEstimator):
    """Its scores are what the table says for (candidate, rows scored on)."""

    def __init__(self, table=None, C=None, kernel=None):
        self.table, self.C, self.kernel = table, C, kernel

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.first_ = X[0, 0]
        return self

    def key(self, X):
        return f"{self.C}|{self.kernel}|{int(X[0, 0])}"


class Scores:
    def __init__(self, name):
        self.name = name

    def __call__(self, estimator, X, y=None):
        return estimator.table[self.name][estimator.key(X)]


def search_case(grid, n_splits, draw, names, train, refit):
    """GridSearchCV over given scores; KFold, so that a fold is known by its first row."""
    n = 3 * n_splits
    X = np.arange(n, dtype=float).reshape(-1, 1)
    y = np.arange(n) % 2
    points = list(ParameterGrid(grid))
    firsts = [3 * fold for fold in range(n_splits)]
    table, tests, trains = {}, {}, {}
    for name in names:
        tests[name] = [[draw() for _ in firsts] for _ in points]
        trains[name] = [[draw() for _ in firsts] for _ in points]
        table[name] = {}
        for point, of_test in zip(points, tests[name]):
            for first, score in zip(firsts, of_test):
                table[name][f"{point.get('C')}|{point.get('kernel')}|{first}"] = score

    if train:
        # Training rows start at row 0 but for the first fold: their scores are not free, so tell rows by number.
        def key(self, X):
            rows = set(X[:, 0].astype(int))
            fold = next(f for f in range(n_splits) if rows == set(range(3 * f, 3 * f + 3)) or
                        rows == set(range(n)) - set(range(3 * f, 3 * f + 3)))
            return f"{self.C}|{self.kernel}|{'train' if len(rows) > 3 else ''}{3 * fold}"
        Given.key = key
        for name in names:
            for point, of_train in zip(points, trains[name]):
                for first, score in zip(firsts, of_train):
                    table[name][f"{point.get('C')}|{point.get('kernel')}|train{first}"] = score
    else:
        Given.key = lambda self, X: f"{self.C}|{self.kernel}|{int(X[0, 0])}"

    scoring = Scores(names[0]) if names == ["score"] else {name: Scores(name) for name in names}
    search = GridSearchCV(Given(table), grid, scoring=scoring, cv=KFold(n_splits), refit=refit,
                          return_train_score=train, error_score=np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)
    results = search.cv_results_
    columns = {name: ([] if name.endswith("_time") else values) for name, values in results.items()}
    return {
        "kind": "search", "grid": grid, "n_splits": n_splits, "names": names, "train": train, "refit": refit,
        "tests": tests, "trains": trains if train else None, "columns": list(columns.items()),
        "best_index": getattr(search, "best_index_", None), "best_score": getattr(search, "best_score_", None),
        "best_params": getattr(search, "best_params_", None),
    }


def make_searches():
    one = {"C": [0.001, 0.1, 1.0, 2.5, 5.0, 10.0]}
    two = [{"C": [1, 2, 3], "kernel": ["rbf", "poly"]}, {"kernel": ["linear"]}]
    free = lambda: float(rng.random_sample())
    tied = lambda: float(rng.randint(0, 3)) / 2
    holed = lambda: float(rng.choice([np.nan, 0.25, 0.5, 0.75, -0.5], p=[0.25, 0.2, 0.2, 0.2, 0.15]))
    never = lambda: math.nan
    wild = lambda: float(rng.choice([0.5, math.inf, -math.inf, 0.25], p=[0.5, 0.1, 0.1, 0.3]))
    cases = [search_case(one, k, free, ["score"], False, False) for k in (2, 3, 5, 7, 8, 10, 17)]
    cases += [search_case(one, 2, tied, ["score"], False, False) for _ in range(6)]
    cases += [search_case(one, 3, holed, ["score"], False, False) for _ in range(4)]
    cases += [search_case(one, 3, wild, ["score"], False, False) for _ in range(6)]
    cases += [search_case(one, 3, never, ["score"], False, False)]
    cases += [search_case(two, 5, free, ["score"], True, True), search_case(two, 4, tied, ["score"], False, True)]
    cases += [search_case(two, 5, tied, ["f1_macro", "accuracy"], True, "accuracy"),
              search_case(one, 3, free, ["accuracy", "r2"], False, False)]
    write("searches", cases)


CLASS_SCORES = ["accuracy", "balanced_accuracy", "matthews_corrcoef"] + [
    f"{score}_{average}" for score in ("precision", "recall", "f1", "jaccard")
    for average in ("macro", "micro", "weighted")]
BINARY_SCORES = ["precision", "recall", "f1", "jaccard"]
NUMBER_SCORES = ["r2", "explained_variance", "neg_mean_squared_error", "neg_root_mean_squared_error",
                 "neg_mean_absolute_error", "neg_mean_absolute_percentage_error", "neg_max_error"]


def scores_of(names, y_true, second):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {name: get_scorer(name)._sign * get_scorer(name)._score_func(
            y_true, second, **get_scorer(name)._kwargs) for name in names}


def make_metrics():
    cases = []
    for index in range(24):
        n = rng.randint(1, 60)
        k = [2, 3, 5][index % 3]
        labels = np.arange(k) if index % 2 == 0 or k == 2 else rng.permutation(20)[:k] - 5
        y_true = rng.choice(labels, size=n, p=rng.dirichlet(np.full(k, 0.6)))
        y_pred = np.where(rng.rand(n) < 0.6, y_true, rng.choice(labels, size=n))
        names = CLASS_SCORES + (BINARY_SCORES if k == 2 else [])
        cases.append({"kind": "classes", "y_true": y_true, "y_pred": y_pred, "scores": scores_of(names, y_true, y_pred)})
    for y_true, y_pred in [([0, 0, 0], [0, 0, 0]), ([0, 0], [1, 1]), ([1, 1], [0, 0]), ([1, 1, 1], [1, 1, 1]),
                           ([0, 1, 0, 1], [0, 0, 0, 0])]:
        cases.append({"kind": "classes", "y_true": y_true, "y_pred": y_pred,
                      "scores": scores_of(CLASS_SCORES + BINARY_SCORES, np.array(y_true), np.array(y_pred))})
    for n in (1, 2, 3, 7, 8, 20, 127, 128, 129, 300):
        y_true = rng.randn(n) * 3 + 10
        y_pred = y_true + rng.randn(n)
        cases.append({"kind": "numbers", "y_true": y_true, "y_pred": y_pred,
                      "scores": scores_of(NUMBER_SCORES, y_true, y_pred)})
    for y_true, y_pred in [([2.0, 2.0, 2.0], [2.0, 2.0, 2.0]), ([2.0, 2.0, 2.0], [2.0, 2.5, 2.0]),
                           ([0.0, 1.0, 0.0], [0.0, 1.5, 0.25]), ([1.0, 2.0, 4.0], [1.5, 2.5, 4.5])]:
        cases.append({"kind": "numbers", "y_true": y_true, "y_pred": y_pred,
                      "scores": scores_of(NUMBER_SCORES, np.array(y_true), np.array(y_pred))})
    for n in (2, 5, 30, 80):
        y_true = np.append(rng.randint(0, 2, size=n), [0, 1])
        decision = np.round(rng.randn(n + 2) + y_true, 1)
        cases.append({"kind": "decision", "y_true": y_true, "y_pred": decision,
                      "scores": scores_of(["roc_auc"], y_true, decision)})
    write("metrics", cases)


def make_tutorial():
    """The grid search of the tutorial: each fold's score, and what scikit-learn makes of them."""
    X, y = make_classification(n_samples=10000, n_features=4, random_state=0)
    grid = {"C": [0.001, 0.1, 1.0, 2.5, 5.0, 10.0]}
    search = GridSearchCV(SVC(gamma="auto"), grid, cv=5).fit(X, y)
    columns = {name: ([] if name.endswith("_time") else values) for name, values in search.cv_results_.items()}
    tests = np.transpose([search.cv_results_[f"split{fold}_test_score"] for fold in range(5)])
    write("tutorial", [{
        "kind": "search", "grid": grid, "n_splits": 5, "names": ["score"], "train": False, "refit": True,
        "tests": {"score": tests}, "trains": None, "columns": list(columns.items()),
        "best_index": search.best_index_, "best_score": search.best_score_, "best_params": search.best_params_,
    }])


FOLDER.mkdir(parents=True, exist_ok=True)
make_splits()
make_group_splits()
make_grids()
make_searches()
make_metrics()
make_tutorial()
