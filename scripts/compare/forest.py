#!/usr/bin/env python3
"""A grid of random forests against scikit-learn's GridSearchCV on the same rows and folds, in turn.

    . scripts/mpi_env.sh && python scripts/compare/forest.py --rows 20000 --features 30 --ranks 2 --repeats 3

Needs scikit-learn and h5py; `rankfit` and `mpirun` on the PATH. The two draw other random numbers, so scores are compared as estimates:
each candidate's mean test score may differ by --agree. Times are those of the whole search with refit: `fit` there, the run's `total`
without loading and writing here.
"""
import argparse
import pathlib
import sys
import time

import h5py
import numpy as np
import sklearn
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV

from side_by_side import in_turn, keep, machine, rankfit, show

GRID = {"n_estimators": [50, 100, 200], "max_depth": [4, 8, 16], "max_features": ["sqrt", 0.5]}

JOB = """[data]
source = "hdf5"
path = "{data}"
[estimator]
name = "RandomForestClassifier"
random_state = 0
[search]
kind = "grid"
cv = {folds}
[search.grid]
{grid}
"""


def toml(value):
    return f'"{value}"' if isinstance(value, str) else str(value)


def ours(args, data, scores):
    grid = "\n".join(f"{name} = [{', '.join(map(toml, values))}]" for name, values in GRID.items())
    job = JOB.format(data=data, folds=args.folds, grid=grid)
    with h5py.File(rankfit(job, args.folder / "rankfit_compare", args.ranks)) as file:
        scores["rankfit"] = file["cv_results/mean_test_score"][()]
        timing = file["timing"]
        return float(np.max(timing["total"][()] - timing["load"][()] - timing["write"][()]))


def theirs(args, x, y, scores):
    search = GridSearchCV(RandomForestClassifier(random_state=0), GRID, cv=args.folds, n_jobs=args.ranks)
    start = time.perf_counter()
    search.fit(x, y)
    seconds = time.perf_counter() - start
    # Both go through the grid as scikit-learn does: names in order, the last changing fastest.
    scores["scikit-learn"] = search.cv_results_["mean_test_score"]
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--features", type=int, default=30)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--agree", type=float, default=0.01)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("/tmp"))
    parser.add_argument("--csv", type=pathlib.Path, default=pathlib.Path("forest.csv"))
    args = parser.parse_args()
    x, y = make_classification(args.rows, args.features, n_informative=args.features // 2, flip_y=0.1, random_state=0)
    data = args.folder / f"forest_{args.rows}x{args.features}.h5"
    with h5py.File(data, "w") as file:
        file["X"], file["y"] = x, y
    scores = {}
    figures = in_turn({f"scikit-learn {sklearn.__version__}, n_jobs = {args.ranks}": lambda: theirs(args, x, y, scores),
                       f"rankfit, {args.ranks} ranks": lambda: ours(args, data, scores)}, args.repeats)
    apart = np.max(np.abs(scores["rankfit"] - scores["scikit-learn"]))
    if apart > args.agree:
        sys.exit(f"mean test scores differ by up to {apart:.4f}: no comparison of times")
    n = len(scores["rankfit"])
    title = f"random forests, {args.rows} x {args.features}, {n} candidates x {args.folds} folds and refit"
    print(machine())
    show(title, figures)
    print(f"mean test scores differ by at most {apart:.4f}")
    keep(args.csv, title, figures)


if __name__ == "__main__":
    main()
