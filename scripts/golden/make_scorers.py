#!/usr/bin/env python3
"""Scores of rows by what a model says of them, from scikit-learn's scorers: classes that are numbers or text, ties, weights,
rows of one class only, and rows that a score is not defined for.

make_scorers.py [FILE]   (tests/data/model_selection/scorers.json)
"""
import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer

FILE = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/model_selection/scorers.json")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scripts/golden/make_scorers.py"
TWO = ["average_precision", "roc_auc", "neg_brier_score", "neg_log_loss", "roc_auc_ovr", "roc_auc_ovo", "roc_auc_ovo_weighted",
       "top_k_accuracy", "d2_log_loss_score", "d2_brier_score"]
MORE = ["average_precision", "top_k_accuracy", "d2_log_loss_score", "d2_brier_score", "neg_brier_score", "neg_log_loss", "roc_auc_ovr", "roc_auc_ovr_weighted", "roc_auc_ovo", "roc_auc_ovo_weighted"]
NUMBERS = ["neg_median_absolute_error", "neg_mean_squared_log_error", "neg_root_mean_squared_log_error",
           "neg_mean_gamma_deviance", "d2_absolute_error_score"]
LABELS = ["positive_likelihood_ratio", "neg_negative_likelihood_ratio", "rand_score", "adjusted_rand_score", "mutual_info_score",
          "adjusted_mutual_info_score", "normalized_mutual_info_score", "homogeneity_score", "completeness_score",
          "v_measure_score", "fowlkes_mallows_score"]
rng = np.random.RandomState(20260613)
warnings.simplefilter("ignore")


class Probable(ClassifierMixin, BaseEstimator):
    """Says of row i what it was made with."""

    def __init__(self, classes, proba):
        self.classes_, self.proba = np.asarray(classes), proba

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):
        return self.proba


class Deciding(Probable):
    """The same with decision values."""

    def __init__(self, classes, proba, decision):
        super().__init__(classes, proba)
        self.decision = decision

    def decision_function(self, X):
        return self.decision


class Predicting(RegressorMixin, BaseEstimator):
    """Predicts what it was made with."""

    def __init__(self, y_pred):
        self.y_pred = y_pred

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return self.y_pred


def scores_of(names, model, y, weights):
    """Each score; "nan", "-inf", or null where scikit-learn raises."""
    scores = {}
    for name in names:
        scorer = get_scorer(name)
        kwargs = {"sample_weight": weights} if weights is not None and scorer._accept_sample_weight() else {}
        try:
            score = float(scorer(model, np.zeros((len(y), 1)), y, **kwargs))
            scores[name] = score if math.isfinite(score) else str(score)
        except (ValueError, ZeroDivisionError):
            scores[name] = None
    return scores


def listed(values):
    return None if values is None else np.asarray(values, float).ravel().tolist()


def classes_case(classes, places, digits, weights, decides=False, text=False):
    """Rows whose classes stand at `places`, of a model of `classes`; few digits make ties."""
    n, k = len(places), len(classes)
    proba = rng.dirichlet(np.ones(k), size=n)
    proba[np.arange(n), places] += 0.4
    proba = np.round(proba / proba.sum(axis=1, keepdims=True), digits)
    proba[:, -1] = 1.0 - proba[:, :-1].sum(axis=1)
    proba[proba[:, -1] < 0.0] = np.eye(k)[-1]
    decision = None
    if decides and k == 2:
        decision = np.round(rng.randn(n) + (np.asarray(places) == 1), digits)
    elif decides:
        decision = np.round(rng.randn(n, k) + np.eye(k)[places], digits)
    names = np.array(["early", "late", "never"][:k]) if text else np.asarray(classes)
    model = Deciding(names, proba, decision) if decides else Probable(names, proba)
    CASES.append({"kind": "classes", "text": text, "known": listed(classes), "y_true": listed(np.asarray(classes)[places]),
                  "decision": listed(decision), "proba": listed(proba), "weights": listed(weights),
                  "scores": scores_of(TWO if k == 2 else MORE, model, names[places], weights)})


def weights_of(n, kind):
    if kind == "none":
        return None
    weights = np.round(rng.exponential(size=n) + 0.1, 2)
    if kind == "zeros":
        weights[rng.rand(n) < 0.3] = 0.0
        weights[0] = 1.0
    return weights


CASES = []
for kind in ("none", "some", "zeros"):
    for digits in (1, 3):
        for classes in ([0, 1], [1, 2], [-1, 1], [0, 5], [1, 7]):
            for decides in (False, True):
                n = rng.randint(6, 30)
                places = np.append(rng.randint(0, 2, size=n), [0, 1])
                classes_case(classes, places, digits, weights_of(n + 2, kind), decides)
                if digits == 1:
                    for lone in (0, 1):
                        classes_case(classes, np.full(5, lone), digits, weights_of(5, kind), decides)
        for classes in ([0, 1, 2], [1, 2, 5], [-2, 0, 3, 4], [1, 2, 3, 4, 5, 6, 7, 8, 9]):
            k = len(classes)
            n = rng.randint(10, 40)
            places = np.append(rng.randint(0, k, size=n), np.arange(k))
            classes_case(classes, places, digits, weights_of(n + k, kind))
        classes_case([0, 1, 2], rng.randint(0, 2, size=9), digits, weights_of(9, kind))
        classes_case([1, 2, 5], np.full(4, 1), digits, weights_of(4, kind))
        for k in (2, 3):
            places = np.append(rng.randint(0, k, size=12), np.arange(k))
            classes_case(list(range(k)), places, digits, weights_of(12 + k, kind), text=True)
    for n in (1, 2, 3, 4, 10, 11, 40, 129, 300):
        y = np.round(rng.gamma(2.0, size=n) + 0.01, 2)
        y_pred = np.round(y * rng.gamma(5.0, 0.2, size=n) + 0.01, 2)
        weights = weights_of(n, kind)
        CASES.append({"kind": "numbers", "y_true": listed(y), "y_pred": listed(y_pred), "weights": listed(weights),
                      "scores": scores_of(NUMBERS, Predicting(y_pred), y, weights)})
    for y, y_pred in [([2.0, 2.0, 2.0], [2.0, 2.0, 2.0]), ([2.0, 2.0, 2.0], [2.0, 2.5, 2.0]), ([0.0, 1.0, 2.0], [1.0, 1.0, 1.0]),
                      ([1.0, 1.0, 2.0], [1.0, 0.0, 1.0]), ([-0.5, 1.0, 2.0], [1.0, -0.9, 1.0]), ([-1.0, 1.0, 2.0], [1.0, 1.0, 1.0]),
                      ([1.0, 1.0, 2.0], [1.0, -1.5, 1.0])]:
        weights = weights_of(3, kind)
        CASES.append({"kind": "numbers", "y_true": y, "y_pred": y_pred, "weights": listed(weights),
                      "scores": scores_of(NUMBERS, Predicting(np.array(y_pred)), np.array(y), weights)})
for kind in ("none", "some"):
    for digits in (0, 1, 3):
        for classes in ([0, 1, 2], [1, 2, 5], [-1, 3, 4, 7]):
            k = len(classes)
            places = np.append(rng.randint(0, k, size=25), np.arange(k))
            classes_case(classes, places, digits, weights_of(25 + k, kind), decides=True)
        classes_case([0, 1, 2], rng.randint(0, 2, size=9), digits, weights_of(9, kind), decides=True)
        classes_case([0, 1, 2], np.append(rng.randint(0, 3, size=12), np.arange(3)), digits, weights_of(15, kind), decides=True,
                     text=True)
    for classes in ([0, 1], [1, 2]):
        for n in (1, 2):
            classes_case(classes, rng.randint(0, 2, size=n), 2, weights_of(n, kind))
    for labels, n in [(1, 5), (2, 1), (2, 2), (2, 9), (2, 60), (3, 7), (3, 100), (8, 8), (8, 300), (40, 1000)]:
        for noise in (0.0, 0.2, 1.0):
            y = rng.randint(0, labels, size=n)
            y_pred = np.where(rng.rand(n) < noise, rng.randint(0, labels, size=n), y)
            weights = weights_of(n, kind)
            CASES.append({"kind": "labels", "known": listed(np.arange(labels)), "y_true": listed(y), "y_pred": listed(y_pred),
                          "weights": listed(weights), "scores": scores_of(LABELS, Predicting(y_pred), y, weights)})
text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in CASES)
FILE.write_text(f'{{"origin":{json.dumps(ORIGIN)},"cases":[\n{text}\n]}}\n')
