"""Reference tables of searches whose folds lack classes or rows, whose rows weigh differently, and of rungs, from
scikit-learn.

Usage: python scripts/golden/make_uneven_searches.py [FOLDER]     (default: tests/data/searches)
Writes the rows as a CSV file, ordered by class, so that a KFold leaves a class out of each training set; and, for each
search, the job's sections beside what scikit-learn makes of it. null stands for NaN. Of the rows that weigh differently,
in any order, there are three files: of three classes, of two, and of three of which one weighs nothing in the first rows. Two more have two classes in order, as numbers and as
text.
"""

import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold, PredefinedSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

warnings.simplefilter("ignore")
FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/searches")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scripts/golden/make_uneven_searches.py"
rng = np.random.RandomState(20261127)
Y = np.sort(np.arange(96) % 3)
X = np.round(rng.normal(size=(96, 4)) + 1.2 * rng.normal(size=(3, 4))[Y], 4)
lines = [",".join([*(repr(float(v)) for v in row), str(target)]) for row, target in zip(X, Y)]
(FOLDER / "uneven.csv").write_text("\n".join(["a,b,c,d,y", *lines]) + "\n")
CASES = []
ORDER = rng.permutation(96)
WEIGHTS = np.round(rng.gamma(1.0, size=96), 3) * (rng.uniform(size=96) > 0.1)
WEIGHED = {"weighted": (X[ORDER], Y[ORDER]), "weighted2": (X[ORDER], np.minimum(Y[ORDER], 1))}
# The first third of these has no row of the class 1 that weighs something.
WEIGHED["weighted_part"] = WEIGHED["weighted"]
WEIGHTS_OF = {name: WEIGHTS for name in WEIGHED}
WEIGHTS_OF["weighted_part"] = np.where((Y[ORDER] == 1) & (np.arange(96) < 32), 0.0, WEIGHTS)
for name, (x, y) in WEIGHED.items():
    lines = [",".join([*(repr(float(v)) for v in row), str(target), repr(float(weight))])
             for row, target, weight in zip(x, y, WEIGHTS_OF[name])]
    (FOLDER / f"{name}.csv").write_text("\n".join(["a,b,c,d,y,w", *lines]) + "\n")
TWO = {"uneven2": np.minimum(Y, 1), "uneven_text": np.array(["no", "yes"])[np.minimum(Y, 1)]}
for name, y in TWO.items():
    lines = [",".join([*(repr(float(v)) for v in row), str(target)]) for row, target in zip(X, y)]
    (FOLDER / f"{name}.csv").write_text("\n".join(["a,b,c,d,y", *lines]) + "\n")


def job(name, options, rules, grid, steps=""):
    """The text of a job that searches one estimator over lists of values."""
    lists = "".join(f"{key} = {json.dumps(values)}\n" for key, values in grid.items())
    return f'{steps}[estimator]\nname = "{name}"\n{options}\n[search]\n{rules}[search.grid]\n{lists}'


def search(job, model, grid, kind=GridSearchCV, attributes=(), data="uneven", weigh=("sample_weight",), **rules):
    x, y = WEIGHED.get(data, (X, TWO.get(data, Y)))
    found = kind(model, grid, **rules).fit(x, y, **({name: WEIGHTS_OF[data] for name in weigh} if data in WEIGHED else {}))
    plain = lambda values: [None if isinstance(v, float) and math.isnan(v) else v for v in values]
    table = {k: plain(v.tolist()) for k, v in found.cv_results_.items() if "time" not in k and "param" not in k}
    CASES.append({
        "data": data,
        "job": job.strip() + "\n",
        "table": table,
        "best_index": int(found.best_index_),
        "attributes": {name: np.asarray(getattr(found, name)).tolist() for name in attributes},
    })


def weighing():
    """Classifiers that take class_weight: name, keys of the job, and scikit-learn's, made anew."""
    return [
        ("SVC", "", SVC()),
        ("LogisticRegression", 'solver = "newton-cholesky"\ntol = 1e-10',
         LogisticRegression(solver="newton-cholesky", tol=1e-10)),
        ("LinearSVC", 'tol = 1e-10\nmax_iter = 100000', LinearSVC(tol=1e-10, max_iter=100000)),
    ]


IN_ORDER = 'cv = { kind = "KFold", n_splits = 3 }'
# A table of all classes serves folds that lack one; a table of one class does not serve those that lack it.
for weights in [{0: 1.0, 1: 2.0, 2: 5.0}, {2: 5.0}]:
    text = "{ " + ", ".join(f"{k} = {v}" for k, v in weights.items()) + " }"
    for name, options, model in weighing():
        search(f"""
[estimator]
name = "{name}"
class_weight = {text}
{options}
[search]
{IN_ORDER}
scoring = "f1_macro"
return_train_score = true
[search.grid]
C = [0.1, 1.0]
""", model.set_params(class_weight=weights), {"C": [0.1, 1.0]}, cv=KFold(3), scoring="f1_macro",
               return_train_score=True)
# None among the values of a list.
for name, options, model in weighing():
    search(f"""
[estimator]
name = "{name}"
{options}
[search]
cv = {{ kind = "KFold", n_splits = 5 }}
scoring = "balanced_accuracy"
[search.grid]
class_weight = ["none", "balanced"]
""", model, {"class_weight": [None, "balanced"]}, cv=KFold(5), scoring="balanced_accuracy")
# A score that is not defined for a fold's rows is the score of fits that fail.
search(f"""
[estimator]
name = "GaussianNB"
[search]
{IN_ORDER}
scoring = ["neg_log_loss", "accuracy"]
refit = "accuracy"
error_score = -9.5
[search.grid]
var_smoothing = [1e-9, 0.1]
""", GaussianNB(), {"var_smoothing": [1e-9, 0.1]}, cv=KFold(3), scoring=["neg_log_loss", "accuracy"], refit="accuracy",
    error_score=-9.5)
# Fits that fail among fits that do not.
search("""
[estimator]
name = "KNeighborsClassifier"
[search]
cv = 3
return_train_score = true
error_score = -2.0
[search.grid]
n_neighbors = [3, 65, 64]
""", KNeighborsClassifier(), {"n_neighbors": [3, 65, 64]}, cv=3, return_train_score=True, error_score=-2.0)
# Neighbours of too few rows: such fits are not failures, their scores are. The first candidate is fitted on all rows if none
# scores, even one that predicts nothing then.
for rules in ["", "error_score = -2.0\n"]:
    for neighbors in [[65, 64, 97], [97, 65]]:
        given = {"error_score": -2.0} if rules else {}
        for name, model in [("KNeighborsClassifier", KNeighborsClassifier()), ("KNeighborsRegressor", KNeighborsRegressor())]:
            search(job(name, "", f"{IN_ORDER}\nreturn_train_score = true\n{rules}", {"n_neighbors": neighbors}), model,
                   {"n_neighbors": neighbors}, cv=KFold(3), return_train_score=True, **given)
# A class that weighs nothing in a fold has no area.
scoring = ["roc_auc_ovr", "roc_auc_ovr_weighted", "accuracy"]
search(job("GaussianNB", "", f'{IN_ORDER}\nscoring = {json.dumps(scoring)}\nrefit = "accuracy"\nerror_score = -5.0\n',
           {"var_smoothing": [1e-9, 0.1]}), GaussianNB(), {"var_smoothing": [1e-9, 0.1]}, data="weighted_part", cv=KFold(3),
       scoring=scoring, refit="accuracy", error_score=-5.0)
# Rungs over a parameter: nothing is drawn.
for rules in [{}, {"factor": 2, "min_resources": 3, "aggressive_elimination": True}]:
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in rules.items())
    search(f"""
[estimator]
name = "KNeighborsClassifier"
weights = "distance"
[search]
kind = "halving"
cv = 4
resource = "n_neighbors"
max_resources = 20
{text}[search.grid]
p = [1, 2]
metric = ["minkowski", "manhattan", "euclidean"]
""", KNeighborsClassifier(weights="distance"), {"p": [1, 2], "metric": ["minkowski", "manhattan", "euclidean"]},
        kind=HalvingGridSearchCV, cv=4, resource="n_neighbors", max_resources=20,
        attributes=["n_resources_", "n_candidates_", "min_resources_", "max_resources_", "n_iterations_",
                    "n_required_iterations_", "n_possible_iterations_", "n_remaining_candidates_"], **rules)

# Rows that weigh differently: scikit-learn weighs them in the scores too.
COUNTS = ["accuracy", "balanced_accuracy", "precision_macro", "f1_weighted", "recall_micro", "matthews_corrcoef"]
BY_PROBABILITY = ["neg_log_loss", "roc_auc_ovr", "roc_auc_ovr_weighted"]
NUMBERS = ["r2", "explained_variance", "neg_root_mean_squared_error", "neg_mean_absolute_error",
           "neg_mean_absolute_percentage_error", "neg_max_error"]
for data, name, options, model, grid, scoring in [
    ("weighted", "SVC", "", SVC(), {"C": [0.1, 1.0]}, COUNTS),
    ("weighted2", "SVC", "", SVC(), {"C": [0.1, 1.0]}, [*COUNTS, "roc_auc", "f1"]),
    ("weighted", "LogisticRegression", 'solver = "newton-cholesky"\ntol = 1e-10',
     LogisticRegression(solver="newton-cholesky", tol=1e-10), {"C": [0.1, 1.0]}, [*COUNTS, *BY_PROBABILITY]),
    ("weighted2", "GaussianNB", "", GaussianNB(), {"var_smoothing": [1e-9, 0.1]}, [*COUNTS, *BY_PROBABILITY, "roc_auc"]),
    ("weighted", "RandomForestClassifier", "n_estimators = 1\nbootstrap = false\nmax_features = 1.0",
     RandomForestClassifier(1, bootstrap=False, max_features=1.0, random_state=0), {"max_depth": [1, 2]},
     [*COUNTS, *BY_PROBABILITY]),
    ("weighted", "SVR", "", SVR(), {"C": [0.1, 1.0]}, NUMBERS),
    ("weighted", "Ridge", "", Ridge(tol=1e-12), {"alpha": [0.1, 10.0]}, NUMBERS),
    ("weighted", "PoissonRegressor", 'tol = 1e-10\nsolver = "newton-cholesky"',
     PoissonRegressor(tol=1e-10, solver="newton-cholesky"), {"alpha": [0.1, 10.0]}, ["neg_mean_poisson_deviance"]),
    ("weighted", "PoissonRegressor", 'tol = 1e-10\nsolver = "newton-cholesky"',
     PoissonRegressor(tol=1e-10, solver="newton-cholesky"), {"alpha": [0.1, 10.0]}, None),
]:
    wanted = f"scoring = {json.dumps(scoring)}\nrefit = {json.dumps(scoring[0])}\n" if scoring else ""
    search(job(name, options, f"cv = 3\nreturn_train_score = true\n{wanted}", grid), model, grid, data=data, cv=3, scoring=scoring, refit=scoring[0] if scoring else True, return_train_score=True)
# Behind steps scores count each row once.
for name, options, model, grid in [
    ("SVC", "", SVC(), {"C": [0.1, 1.0]}),
    ("LogisticRegression", 'solver = "newton-cholesky"\ntol = 1e-10',
     LogisticRegression(solver="newton-cholesky", tol=1e-10), {"C": [0.1, 1.0]}),
    ("RandomForestClassifier", "n_estimators = 1\nbootstrap = false\nmax_features = 1.0",
     RandomForestClassifier(1, bootstrap=False, max_features=1.0, random_state=0), {"max_depth": [1, 2]}),
    ("SVR", "", SVR(), {"C": [0.1, 1.0]}),
]:
    search(job(name, options, "cv = 3\nreturn_train_score = true\n", grid, '[[pipeline]]\nname = "StandardScaler"\n'),
           Pipeline([("scale", StandardScaler()), ("end", model)]), {f"end__{key}": v for key, v in grid.items()},
           data="weighted", weigh=("scale__sample_weight", "end__sample_weight"), cv=3, return_train_score=True)
# Training rows of one class, which GaussianNB takes; there are no probabilities of the other then.
search("""
[estimator]
name = "GaussianNB"
[search]
cv = { kind = "KFold", n_splits = 2 }
scoring = ["accuracy", "neg_log_loss", "balanced_accuracy", "roc_auc"]
refit = "accuracy"
error_score = -3.0
[search.grid]
var_smoothing = [1e-9, 0.1]
""", GaussianNB(), {"var_smoothing": [1e-9, 0.1]}, data="uneven2", cv=KFold(2),
    scoring=["accuracy", "neg_log_loss", "balanced_accuracy", "roc_auc"], refit="accuracy", error_score=-3.0)
# Text has no class called 1.
for name, options, model, grid in [
    ("SVC", "", SVC(), {"C": [0.1, 1.0]}),
    ("GaussianNB", "", GaussianNB(), {"var_smoothing": [1e-9, 0.1]}),
]:
    scoring = ["f1", "precision", "recall", "jaccard", "f1_macro", "roc_auc"]
    rules = f'cv = 3\nscoring = {json.dumps(scoring)}\nrefit = "f1_macro"\n'
    search(job(name, options, rules, grid), model, grid, data="uneven_text", cv=3, scoring=scoring, refit="f1_macro")

# Forests of one tree that sees every row and feature are not random. Their class weights count the weights of rows.
SINGLE = "n_estimators = 1\nbootstrap = false\nmax_features = 1.0"


def tree(**params):
    return RandomForestClassifier(1, bootstrap=False, max_features=1.0, random_state=0, **params)


for data, depth, leaf in [("weighted", 2, 4), ("uneven", 1, 1)]:
    options = f"{SINGLE}\nmax_depth = {depth}\nmin_samples_leaf = {leaf}"
    search(job("RandomForestClassifier", options, 'cv = 3\nscoring = "neg_log_loss"\n',
               {"class_weight": ["none", "balanced", "balanced_subsample"]}),
           tree(max_depth=depth, min_samples_leaf=leaf), {"class_weight": [None, "balanced", "balanced_subsample"]},
           data=data, cv=3, scoring="neg_log_loss")
# Tables of class weights, of which some do not serve the folds that lack a class.
for weights in [{0: 1.0, 1: 2.0, 2: 5.0}, {2: 5.0}]:
    text = "{ " + ", ".join(f"{k} = {v}" for k, v in weights.items()) + " }"
    rules = f'{IN_ORDER}\nscoring = "f1_macro"\nreturn_train_score = true\n'
    search(job("RandomForestClassifier", f"{SINGLE}\nmin_samples_leaf = 6\nclass_weight = {text}", rules,
               {"max_depth": [1, 2]}),
           tree(min_samples_leaf=6, class_weight=weights), {"max_depth": [1, 2]}, cv=KFold(3), scoring="f1_macro",
           return_train_score=True)
# An area of three classes is the score of failures.
for name, options, model, grid in [
    ("SVC", "", SVC(), {"C": [0.1, 1.0]}),
    ("RandomForestClassifier", f"{SINGLE}\nmax_depth = 1", tree(max_depth=1), {"min_samples_leaf": [1, 8]}),
]:
    rules = 'cv = 3\nscoring = ["accuracy", "roc_auc"]\nrefit = "roc_auc"\nerror_score = -7.0\n'
    search(job(name, options, rules, grid), model, grid, cv=3, scoring=["accuracy", "roc_auc"], refit="roc_auc",
           error_score=-7.0)
# Training rows of two of the three classes, and rows to score on that lack one.
FOLDS = np.arange(96) % 2 + 1
FOLDS[40:] = 0
for name, options, model, grid in [
    ("LogisticRegression", 'solver = "newton-cholesky"\ntol = 1e-10',
     LogisticRegression(solver="newton-cholesky", tol=1e-10), {"C": [0.1, 1.0]}),
    ("RandomForestClassifier", f"{SINGLE}\nmax_depth = 1", tree(max_depth=1), {"min_samples_leaf": [1, 8]}),
]:
    scoring = ["accuracy", "roc_auc", "neg_log_loss", "roc_auc_ovr", "roc_auc_ovr_weighted"]
    rules = f'scoring = {json.dumps(scoring)}\nrefit = "accuracy"\nreturn_train_score = true\nerror_score = -7.0\n'
    rules += f'cv = {{ kind = "PredefinedSplit", test_fold = {FOLDS.tolist()} }}\n'
    search(job(name, options, rules, grid), model, grid, cv=PredefinedSplit(FOLDS), scoring=scoring, refit="accuracy",
           return_train_score=True, error_score=-7.0)

text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in CASES)
(FOLDER / "uneven.json").write_text(f'{{"origin":{json.dumps(ORIGIN)},"cases":[\n{text}\n]}}\n')
