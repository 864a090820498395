"""The counts of successive halving, from scikit-learn's HalvingGridSearchCV.

Usage: python scripts/golden/make_halving.py [FILE]     (default: tests/data/model_selection/halving.json)
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingGridSearchCV

warnings.simplefilter("ignore")
FILE = Path(sys.argv[1] if len(sys.argv) > 1 else "tests/data/model_selection/halving.json")
ORIGIN = f"scikit-learn {sklearn.__version__}, scripts/golden/make_halving.py"


class Nothing(ClassifierMixin, BaseEstimator):
    def __init__(self, a=0, b=0):
        self.a, self.b = a, b

    def fit(self, x, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, x):
        return np.zeros(len(x))


def case(n_candidates, n_samples, **rules):
    search = HalvingGridSearchCV(Nothing(), {"a": list(range(n_candidates))}, cv=3, refit=False, **rules)
    counted = {"n_candidates": n_candidates, "n_samples": n_samples, "smallest": 3 * 2 * 2, "rules": rules}
    try:
        search.fit(np.zeros((n_samples, 1)), np.arange(n_samples) % 2)
    except ValueError as error:
        return {**counted, "error": str(error)}
    names = ["n_candidates_", "n_resources_", "min_resources_", "max_resources_", "n_iterations_",
             "n_required_iterations_", "n_possible_iterations_", "n_remaining_candidates_"]
    return {**counted, **{name: np.asarray(getattr(search, name)).tolist() for name in names}}


CASES = [case(n, 400, factor=factor, min_resources=least, aggressive_elimination=eager)
         for n in (1, 2, 3, 9, 10, 27, 81, 125, 243) for factor in (2, 3, 5) for least in ("exhaust", "smallest", 50)
         for eager in (False, True)]
CASES += [case(20, 1000, factor=3, min_resources=20, max_resources=200, aggressive_elimination=eager)
          for eager in (False, True)]
CASES += [case(20, 40, factor=2, min_resources=41), case(7, 10), case(30, 60, resource="b", max_resources=100),
          case(30, 60, resource="b", max_resources=100, min_resources=4, factor=2)]
lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in CASES)
FILE.write_text(f'{{"origin":{json.dumps(ORIGIN)},"cases":[\n{lines}\n]}}\n')
