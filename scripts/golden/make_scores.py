"""Makes tests/data/scores.json: what scikit-learn's metrics say of scikit-learn's models on new rows.

Usage: python scripts/golden/make_scores.py   (from the root of the repository)

Data are rounded to a few decimals, so that the text holds them exactly.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

OUT = pathlib.Path("tests/data/scores.json")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}"
rng = np.random.default_rng(5)


def classes(n, k):
    y = rng.integers(0, k, size=n)
    x = np.round(rng.normal(size=(n, 4)) * 1.2 + rng.normal(size=(k, 4))[y], 3)
    return x, y


def scores_of_classes(model, x, y, w=None):
    predicted = model.predict(x)
    weights = dict(sample_weight=w)
    out = {"accuracy": metrics.accuracy_score(y, predicted, **weights),
           "balanced_accuracy": metrics.balanced_accuracy_score(y, predicted, **weights),
           "matthews_corrcoef": metrics.matthews_corrcoef(y, predicted, **weights)}
    for average in ["macro", "weighted"]:
        for name in ["precision", "recall", "f1", "jaccard"]:
            score = getattr(metrics, f"{name}_score")
            out[f"{name}_{average}"] = score(y, predicted, average=average, zero_division=0, **weights)
    for name in ["precision", "recall", "f1"]:
        out[name] = getattr(metrics, f"{name}_score")(y, predicted, average=None, zero_division=0, **weights).tolist()
    out["support"] = np.bincount(y, weights=w).tolist()
    out["confusion_matrix"] = metrics.confusion_matrix(y, predicted, **weights).tolist()
    if hasattr(model, "predict_proba"):
        proba = model.predict_proba(x)
        out["log_loss"] = metrics.log_loss(y, proba, **weights)
        out["brier_score_loss"] = metrics.brier_score_loss(y, proba, **weights)
        out["d2_log_loss_score"] = metrics.d2_log_loss_score(y, proba, **weights)
        out["d2_brier_score"] = metrics.d2_brier_score(y, proba, **weights)
        if len(model.classes_) > 2:
            out["roc_auc_ovr"] = metrics.roc_auc_score(y, proba, multi_class="ovr", **weights)
            out["roc_auc_ovr_weighted"] = metrics.roc_auc_score(y, proba, multi_class="ovr", average="weighted",
                                                                   **weights)
            if w is None:
                out["roc_auc_ovo"] = metrics.roc_auc_score(y, proba, multi_class="ovo")
                out["roc_auc_ovo_weighted"] = metrics.roc_auc_score(y, proba, multi_class="ovo", average="weighted")
    values = model.decision_function(x) if hasattr(model, "decision_function") else model.predict_proba(x)
    if len(model.classes_) > 2:
        out["top_k_accuracy"] = metrics.top_k_accuracy_score(y, values, **weights)
        out["average_precision"] = metrics.average_precision_score(y, values, **weights)
    if len(model.classes_) == 2:
        values = values if values.ndim == 1 else values[:, 1]
        out["roc_auc"] = metrics.roc_auc_score(y, values, **weights)
        out["average_precision"] = metrics.average_precision_score(y, values, **weights)
        ratios = metrics.class_likelihood_ratios(y, predicted, **weights)
        out["positive_likelihood_ratio"], out["negative_likelihood_ratio"] = ratios
    return out


def scores_of_numbers(model, x, y, w=None):
    predicted = model.predict(x)
    weights = dict(sample_weight=w)
    out = {"r2": metrics.r2_score(y, predicted, **weights),
           "explained_variance": metrics.explained_variance_score(y, predicted, **weights),
           "mean_squared_error": metrics.mean_squared_error(y, predicted, **weights),
           "root_mean_squared_error": metrics.root_mean_squared_error(y, predicted, **weights),
           "mean_absolute_error": metrics.mean_absolute_error(y, predicted, **weights),
           "median_absolute_error": metrics.median_absolute_error(y, predicted, **weights),
           "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error(y, predicted, **weights),
           "d2_absolute_error_score": metrics.d2_absolute_error_score(y, predicted, **weights),
           "max_error": metrics.max_error(y, predicted)}
    if (predicted > -1).all() and (y > -1).all():
        out["mean_squared_log_error"] = metrics.mean_squared_log_error(y, predicted, **weights)
        out["root_mean_squared_log_error"] = metrics.root_mean_squared_log_error(y, predicted, **weights)
    if (predicted > 0).all() and (y >= 0).all():
        out["mean_poisson_deviance"] = metrics.mean_poisson_deviance(y, predicted, **weights)
        out["d2_poisson_deviance"] = metrics.d2_tweedie_score(y, predicted, power=1, **weights)
    if (predicted > 0).all() and (y > 0).all():
        out["mean_gamma_deviance"] = metrics.mean_gamma_deviance(y, predicted, **weights)
    return out


def scores_of_clusters(model, x, y, w=None):
    labels = model.predict(x)
    return {"inertia": -model.score(x, sample_weight=w),
            "calinski_harabasz_score": metrics.calinski_harabasz_score(x, labels),
            "davies_bouldin_score": metrics.davies_bouldin_score(x, labels),
            "silhouette_score": metrics.silhouette_score(x, labels)} | {
            name: getattr(metrics, name)(y, labels) for name in
            ["rand_score", "adjusted_rand_score", "mutual_info_score", "adjusted_mutual_info_score",
             "normalized_mutual_info_score", "homogeneity_score", "completeness_score", "v_measure_score",
             "fowlkes_mallows_score"]}


def methods(model, x):
    out = {}
    for name in ["predict", "predict_proba", "decision_function", "transform"]:
        if hasattr(model, name):
            out[name] = np.asarray(getattr(model, name)(x), dtype=float).reshape(len(x), -1).tolist()
    return out


def case(name, model, job, train, test, scores, tolerance):
    (x, y), (new, truth) = train, test
    model.fit(x, y)
    return {"name": name, "origin": f"{ORIGIN}, {model}", "job": job, "train": name_of(x, y),
            "test": name_of(new, truth), "scores": scores(model, new, truth),
            "weighted": scores(model, new, truth, weights(len(truth))), "methods": methods(model, new[:10]),
            "tolerance": tolerance}


def weights(n):
    """Every row's weight: halves from 0 to 2, exact in text."""
    return np.arange(n) * 7 % 5 / 2


tables = []


def name_of(x, y):
    for i, (known, targets) in enumerate(tables):
        if known is x and targets is y:
            return i
    tables.append((x, y))
    return len(tables) - 1


def split(x, y):
    return (x[:120], y[:120]), (x[120:], y[120:])


two, three = split(*classes(260, 2)), split(*classes(300, 3))
raw = np.round(rng.normal(size=(240, 3)), 3)
line = np.round(raw @ [1.0, -2.0, 0.5] + 3 + rng.normal(size=240), 3)
counts = rng.poisson(np.exp(raw @ [0.3, -0.4, 0.1] + 1)).astype(float)
numbers, poisson, sizes = split(raw, line), split(raw, counts), split(raw, counts + 0.5)
centers = three[0][0][:3]
tight = dict(tol=1e-12, max_iter=10000)

cases = [
    case("logistic, two classes", LogisticRegression(**tight), 'name = "LogisticRegression"\ntol = 1e-12\nmax_iter = 10000',
         *two, scores_of_classes, 1e-7),
    case("logistic, three classes", LogisticRegression(**tight),
         'name = "LogisticRegression"\ntol = 1e-12\nmax_iter = 10000', *three, scores_of_classes, 1e-7),
    case("naive Bayes, two classes", GaussianNB(), 'name = "GaussianNB"', *two, scores_of_classes, 1e-11),
    case("naive Bayes, three classes", GaussianNB(), 'name = "GaussianNB"', *three, scores_of_classes, 1e-11),
    case("SVC, two classes", SVC(tol=1e-8), 'name = "SVC"\ntol = 1e-8', *two, scores_of_classes, 1e-6),
    case("SVC, three classes", SVC(tol=1e-8), 'name = "SVC"\ntol = 1e-8', *three, scores_of_classes, 1e-6),
    case("ridge", Ridge(alpha=0.5), 'name = "Ridge"\nalpha = 0.5', *numbers, scores_of_numbers, 1e-11),
    case("poisson", PoissonRegressor(alpha=0.1, **tight),
         'name = "PoissonRegressor"\nalpha = 0.1\ntol = 1e-12\nmax_iter = 10000', *poisson, scores_of_numbers, 1e-7),
    case("poisson, targets above 0", PoissonRegressor(alpha=0.1, **tight),
         'name = "PoissonRegressor"\nalpha = 0.1\ntol = 1e-12\nmax_iter = 10000', *sizes, scores_of_numbers, 1e-7),
    case("k-means", KMeans(3, init=centers, n_init=1, tol=0),
         'name = "KMeans"\nn_clusters = 3\ninit = { file = "centers.csv" }\nn_init = 1\ntol = 0.0', *three,
         scores_of_clusters, 1e-11),
]
OUT.write_text(json.dumps({
    "made_by": "scripts/golden/make_scores.py",
    "centers": centers.tolist(),
    "tables": [np.column_stack([x, y]).tolist() for x, y in tables],
    "cases": cases,
}) + "\n")
