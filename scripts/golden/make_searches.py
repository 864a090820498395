"""Reference tables of searches over linear models, alone and behind other steps, from scikit-learn.

Usage: python scripts/golden/make_searches.py [FOLDER]     (default: tests/data/searches)
Writes the rows as CSV files and, for each search, the job's sections beside what GridSearchCV makes of it.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import (
    ElasticNet, Lasso, LinearRegression, LogisticRegression, PoissonRegressor, Ridge,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

warnings.simplefilter("ignore")
FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/searches")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scripts/golden/make_searches.py"
rng = np.random.RandomState(20240611)


def write_rows(name, x, y):
    """Numbers of few digits, so that both sides read the same doubles."""
    x = np.round(x, 4)
    lines = [",".join([*(repr(float(v)) for v in row), repr(target)]) for row, target in zip(x, y.tolist())]
    head = ",".join([*(f"x{j}" for j in range(x.shape[1])), "y"])
    (FOLDER / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")
    return x, y


def regression():
    x = rng.normal(size=(130, 6)) * [1, 3, 0.2, 1, 10, 1] + [0, 5, 0, -2, 40, 0]
    x[:, 5] = x[:, 0] + 0.05 * x[:, 5]
    eta = x @ [1.5, -0.4, 4.0, 0.0, 0.03, 0.5]
    return write_rows("regression", x, np.round(eta + rng.normal(size=130), 4))


def classes(n_classes):
    x, y = make_classification(
        n_samples=150, n_features=7, n_informative=4, n_redundant=1, n_classes=n_classes, flip_y=0.1,
        class_sep=0.9, random_state=n_classes,
    )
    return write_rows(f"classes{n_classes}", x * [1, 20, 1, 0.1, 5, 1, 1] + 3, y)


def counts():
    x = rng.normal(size=(120, 4)) * 0.5
    return write_rows("counts", x, rng.poisson(np.exp(x @ [0.8, -0.5, 0.0, 0.3] + 0.7)).astype(float))


DATA = {"regression": regression(), "classes2": classes(2), "classes3": classes(3), "counts": counts()}
CASES = []


def search(data, job, model, grid, scoring=None, refit=True, cv=4, train=False,
           kind=GridSearchCV, **rules):
    x, y = DATA[data]
    found = kind(model, grid, scoring=scoring, refit=refit, cv=cv, return_train_score=train, **rules).fit(x, y)
    table = {k: v.tolist() for k, v in found.cv_results_.items() if "time" not in k and not k.startswith("param")}
    fitted = found.best_estimator_[-1] if hasattr(found.best_estimator_, "steps") else found.best_estimator_
    CASES.append({
        "data": data,
        "job": job.strip() + "\n",
        "params": [json.dumps(p, sort_keys=True) for p in found.cv_results_["params"]],
        "table": table,
        "best_index": int(found.best_index_),
        "coef": np.ravel(fitted.coef_).tolist() if hasattr(fitted, "coef_") else None,
        "predictions": found.predict(x).tolist(),
    })


ALPHAS = [0.001, 0.1, 1.0, 10.0, 1000.0]
search("regression", """
[estimator]
name = "Ridge"
[search]
cv = 4
return_train_score = true
[search.grid]
alpha = [0.001, 0.1, 1.0, 10.0, 1000.0]
fit_intercept = [true, false]
""", Ridge(tol=1e-12), {"alpha": ALPHAS, "fit_intercept": [True, False]}, train=True)
search("regression", """
[estimator]
name = "LinearRegression"
[search]
cv = 4
scoring = ["r2", "neg_mean_absolute_error"]
refit = "neg_mean_absolute_error"
[search.grid]
fit_intercept = [true, false]
""", LinearRegression(), {"fit_intercept": [True, False]}, ["r2", "neg_mean_absolute_error"], "neg_mean_absolute_error")
search("regression", """
[estimator]
name = "Lasso"
tol = 1e-12
max_iter = 100000
[search]
cv = { kind = "KFold", n_splits = 3 }
scoring = "neg_root_mean_squared_error"
[search.grid]
alpha = [0.001, 0.1, 1.0, 10.0]
""", Lasso(tol=1e-12, max_iter=100000), {"alpha": ALPHAS[:4]}, "neg_root_mean_squared_error", cv=KFold(3))
search("regression", """
[estimator]
name = "ElasticNet"
tol = 1e-12
max_iter = 100000
[search]
cv = 4
[[search.grid]]
alpha = [0.01, 0.1]
l1_ratio = [0.2, 0.8]
[[search.grid]]
fit_intercept = [false]
""", ElasticNet(tol=1e-12, max_iter=100000),
    [{"alpha": [0.01, 0.1], "l1_ratio": [0.2, 0.8]}, {"fit_intercept": [False]}])
LOGISTIC = LogisticRegression(solver="newton-cholesky", tol=1e-10)
for data, scoring in [("classes2", ["accuracy", "roc_auc", "f1"]), ("classes3", ["accuracy", "f1_macro"])]:
    search(data, f"""
[estimator]
name = "LogisticRegression"
solver = "newton-cholesky"
tol = 1e-10
[search]
cv = 4
scoring = {json.dumps(scoring)}
refit = "accuracy"
[search.grid]
C = [0.01, 1.0, 100.0]
class_weight = ["balanced"]
""", LOGISTIC, {"C": [0.01, 1.0, 100.0], "class_weight": ["balanced"]}, scoring, "accuracy")
search("counts", """
[estimator]
name = "PoissonRegressor"
tol = 1e-10
solver = "newton-cholesky"
[search]
cv = 4
scoring = "neg_mean_squared_error"
[search.grid]
alpha = [0.001, 0.1, 1.0, 10.0]
""", PoissonRegressor(tol=1e-10, solver="newton-cholesky"), {"alpha": ALPHAS[:4]}, "neg_mean_squared_error")

# The estimator's own score: D².
search("counts", """
[estimator]
name = "PoissonRegressor"
tol = 1e-10
solver = "newton-cholesky"
[search]
cv = 4
[search.grid]
alpha = [0.001, 0.1, 1.0, 10.0]
""", PoissonRegressor(tol=1e-10, solver="newton-cholesky"), {"alpha": ALPHAS[:4]})
BY_PROBABILITY = {
    "classes2": ["neg_log_loss", "roc_auc", "roc_auc_ovr"],
    "classes3": ["neg_log_loss", "roc_auc_ovr", "roc_auc_ovr_weighted"],
}
for data, scoring in BY_PROBABILITY.items():
    for name, model, job, grid in [
        ("LogisticRegression", LOGISTIC, 'solver = "newton-cholesky"\ntol = 1e-10', {"C": [0.01, 1.0, 100.0]}),
        ("GaussianNB", GaussianNB(), "", {"var_smoothing": [1e-9, 0.1]}),
        ("KNeighborsClassifier", KNeighborsClassifier(), "", {"n_neighbors": [3, 15], "weights": ["uniform", "distance"]}),
    ]:
        search(data, f"""
[estimator]
name = "{name}"
{job}
[search]
cv = 4
scoring = {json.dumps(scoring)}
refit = "neg_log_loss"
return_train_score = true
[search.grid]
""" + "".join(f"{key} = {json.dumps(values)}\n" for key, values in grid.items()), model, grid, scoring,
               "neg_log_loss", train=True)

search("classes2", """
[[pipeline]]
name = "StandardScaler"
[[pipeline]]
name = "PCA"
[estimator]
name = "SVC"
tol = 1e-6
[search]
cv = 4
return_train_score = true
[search.grid]
pca__n_components = [2, 4, 6]
svc__C = [0.1, 1.0, 10.0]
svc__gamma = ["auto", "scale", 0.3]
""", make_pipeline(StandardScaler(), PCA(), SVC(tol=1e-6)),
    {"pca__n_components": [2, 4, 6], "svc__C": [0.1, 1.0, 10.0], "svc__gamma": ["auto", "scale", 0.3]}, train=True)
search("classes3", """
[[pipeline]]
name = "MinMaxScaler"
[[pipeline]]
name = "TruncatedSVD"
[estimator]
name = "LogisticRegression"
solver = "newton-cholesky"
tol = 1e-10
[search]
cv = 4
[search.grid]
minmaxscaler__feature_range = [[0, 1], [-1, 1]]
truncatedsvd__n_components = [2, 5]
logisticregression__C = [1.0, 50.0]
""", make_pipeline(MinMaxScaler(), TruncatedSVD(algorithm="arpack"), LOGISTIC), {
    "minmaxscaler__feature_range": [(0, 1), (-1, 1)], "truncatedsvd__n_components": [2, 5],
    "logisticregression__C": [1.0, 50.0]})
search("regression", """
[[pipeline]]
name = "StandardScaler"
[estimator]
name = "Lasso"
tol = 1e-12
max_iter = 100000
[search]
cv = 4
[[search.grid]]
standardscaler__with_std = [true, false]
lasso__alpha = [0.001, 0.1, 1.0]
[[search.grid]]
lasso__fit_intercept = [false]
""", make_pipeline(StandardScaler(), Lasso(tol=1e-12, max_iter=100000)), [
    {"standardscaler__with_std": [True, False], "lasso__alpha": [0.001, 0.1, 1.0]},
    {"lasso__fit_intercept": [False]}])
search("classes2", """
[[pipeline]]
name = "StandardScaler"
[[pipeline]]
name = "StandardScaler"
with_mean = false
[estimator]
name = "SVC"
kernel = "linear"
tol = 1e-6
[search]
cv = 4
[search.grid]
standardscaler-2__with_std = [true, false]
svc__C = [0.1, 1.0]
""", make_pipeline(StandardScaler(), StandardScaler(with_mean=False), SVC(kernel="linear", tol=1e-6)),
    {"standardscaler-2__with_std": [True, False], "svc__C": [0.1, 1.0]})
# A forest of one tree that sees every row and feature is not random.
search("classes3", """
[[pipeline]]
name = "PCA"
n_components = 3
[estimator]
name = "RandomForestClassifier"
n_estimators = 1
bootstrap = false
max_features = 1.0
[search]
cv = 4
[search.grid]
pca__whiten = [false, true]
randomforestclassifier__max_depth = [1, 2]
""", make_pipeline(PCA(3), RandomForestClassifier(1, bootstrap=False, max_features=1.0, random_state=0)),
    {"pca__whiten": [False, True], "randomforestclassifier__max_depth": [1, 2]})

STRENGTHS = [0.001, 0.1, 1.0, 10.0, 30.0, 100.0, 1000.0]
for rules in [
    {"factor": 2, "max_resources": 6},
    {"min_resources": 2, "max_resources": 5, "aggressive_elimination": True},
]:
    text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in rules.items())
    search("regression", f"""
[[pipeline]]
name = "StandardScaler"
[[pipeline]]
name = "PCA"
[estimator]
name = "Ridge"
[search]
kind = "halving"
cv = 4
return_train_score = false
resource = "pca__n_components"
{text}
[search.grid]
ridge__alpha = {json.dumps(STRENGTHS)}
""", make_pipeline(StandardScaler(), PCA(), Ridge()), {"ridge__alpha": STRENGTHS},
        kind=HalvingGridSearchCV, resource="pca__n_components", **rules)

lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in CASES)
(FOLDER / "searches.json").write_text(f'{{"origin":{json.dumps(ORIGIN)},"cases":[\n{lines}\n]}}\n')
