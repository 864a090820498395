"""Reference tables of searches whose folds lack classes or rows, and of rungs, from scikit-learn.

Usage: python scripts/golden/make_uneven_searches.py [FOLDER]     (default: tests/data/searches)
Writes the rows as a CSV file, ordered by class, so that a KFold leaves a class out of each training set; and, for each
search, the job's sections beside what scikit-learn makes of it. null stands for NaN.
"""

import json
import math
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC

warnings.simplefilter("ignore")
FOLDER = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/searches")
ORIGIN = f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, scripts/golden/make_uneven_searches.py"
rng = np.random.RandomState(20261127)
Y = np.sort(np.arange(96) % 3)
X = np.round(rng.normal(size=(96, 4)) + 1.2 * rng.normal(size=(3, 4))[Y], 4)
lines = [",".join([*(repr(float(v)) for v in row), str(target)]) for row, target in zip(X, Y)]
(FOLDER / "uneven.csv").write_text("\n".join(["a,b,c,d,y", *lines]) + "\n")
CASES = []


def search(job, model, grid, kind=GridSearchCV, attributes=(), **rules):
    found = kind(model, grid, **rules).fit(X, Y)
    plain = lambda values: [None if isinstance(v, float) and math.isnan(v) else v for v in values]
    table = {k: plain(v.tolist()) for k, v in found.cv_results_.items() if "time" not in k and "param" not in k}
    CASES.append({
        "job": job.strip() + "\n",
        "table": table,
        "best_index": int(found.best_index_),
        "attributes": {name: np.asarray(getattr(found, name)).tolist() for name in attributes},
    })


IN_ORDER = 'cv = { kind = "KFold", n_splits = 3 }'
# A table of all classes serves folds that lack one; a table of one class does not serve those that lack it.
for weights in [{0: 1.0, 1: 2.0, 2: 5.0}, {2: 5.0}]:
    text = "{ " + ", ".join(f"{k} = {v}" for k, v in weights.items()) + " }"
    for name, options, model in [
        ("SVC", "", SVC()),
        ("LogisticRegression", 'solver = "newton-cholesky"\ntol = 1e-10',
         LogisticRegression(solver="newton-cholesky", tol=1e-10)),
        ("LinearSVC", 'tol = 1e-10\nmax_iter = 100000', LinearSVC(tol=1e-10, max_iter=100000)),
    ]:
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
for name, options, model in [
    ("SVC", "", SVC()),
    ("LogisticRegression", 'solver = "newton-cholesky"\ntol = 1e-10',
     LogisticRegression(solver="newton-cholesky", tol=1e-10)),
    ("LinearSVC", 'tol = 1e-10\nmax_iter = 100000', LinearSVC(tol=1e-10, max_iter=100000)),
]:
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

text = ",\n".join(json.dumps(case, separators=(",", ":")) for case in CASES)
(FOLDER / "uneven.json").write_text(f'{{"origin":{json.dumps(ORIGIN)},"cases":[\n{text}\n]}}\n')
