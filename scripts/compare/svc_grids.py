#!/usr/bin/env python3
"""Grids over SVC beyond the tutorial's: scikit-learn and its Intel extension with n_jobs=N beside rankfit on N ranks.

    PATH=target/release:$PATH python scripts/compare/svc_grids.py [--ranks 2] [--repeats 1] [--cases c-gamma,digits,wide-linear,wide-rbf]
                              [--peers scikit-learn,intelex] [--subset 10] [--rows 10000] [--csv svc_grids.csv]

c-gamma      10 C x 10 gamma x 5 folds, 10,000 rows x 20 features of two overlapping classes
digits       4 C x 4 gamma x 5 folds on scikit-learn's handwritten digits, 1,797 x 64, ten classes
wide-linear  6 C x 5 folds, linear kernel, 2,000 rows x 2,000 features
wide-rbf     4 C x 3 gamma x 5 folds on the same rows

rankfit does the whole grid, from mpirun to the results file, with the refit. Of c-gamma the peers do a subset of --subset
candidates, those where the number of gamma is 3 times that of C, modulo 10 (each C and each gamma once), and their seconds are
scaled to all 100 candidates, as the table says. The scores of every fold that both did are compared before any time is
looked at: those of "rankfit, libsvm's path", with warm_start_along_c = false, must be scikit-learn's to the last digit (the
Intel extension's own solver differs in some rows; how many of its scores differ is told). "rankfit" does the grid as it does by
default: where that leaves libsvm's path, scores may differ by rows at the border; how many of all do is told, and more than one
in twenty, or more than two rows, end the script with status 1.
"""
import argparse
import pathlib
import pickle
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

from side_by_side import in_turn, keep, machine, near, rankfit, show

PEER = """
import pickle, sys, time, warnings
X, y, candidates, ranks, intelex, name = pickle.load(sys.stdin.buffer)
if intelex:
    from sklearnex import patch_sklearn
    patch_sklearn(verbose=False)
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC
warnings.simplefilter("ignore")
start = time.perf_counter()
search = GridSearchCV(SVC(cache_size=2000), [{k: [v] for k, v in c.items()} for c in candidates], cv=5, n_jobs=ranks)
search.fit(X, y)
seconds = time.perf_counter() - start
scores = np.stack([search.cv_results_[f"split{f}_test_score"] for f in range(5)], axis=1)
np.savez(name, seconds=seconds, scores=scores)
"""


def data(case, rows):
    from sklearn.datasets import load_digits, make_classification
    if case == "c-gamma":
        return make_classification(rows, 20, n_informative=10, n_redundant=5, flip_y=0.1, class_sep=0.7, random_state=3)
    if case == "digits":
        return load_digits(return_X_y=True)
    return make_classification(2_000, 2_000, n_informative=60, n_redundant=20, flip_y=0.05, class_sep=0.7, random_state=5)


# With warm_start_along_c = false.
EXACT = "rankfit, libsvm's path"

GRIDS = {
    "c-gamma": {"C": np.logspace(-2, 2, 10).tolist(), "gamma": np.logspace(-3, 0, 10).tolist()},
    "digits": {"C": [0.1, 1.0, 10.0, 100.0], "gamma": [1e-4, 3e-4, 1e-3, 3e-3]},
    "wide-linear": {"kernel": ["linear"], "C": [1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0]},
    "wide-rbf": {"C": [0.1, 1.0, 10.0, 100.0], "gamma": [1e-4, 3e-4, 1e-3]},
}


def job(grid, path, path_of_libsvm):
    text = {name: "[" + ", ".join(f'"{v}"' if isinstance(v, str) else repr(v) for v in values) + "]" for name, values in grid.items()}
    return "\n".join(["[data]", 'source = "hdf5"', f'path = "{path}"', "[estimator]", 'name = "SVC"',
                      *(["warm_start_along_c = false"] if path_of_libsvm else []), "[search]", "cv = 5",
                      "[search.grid]", *(f"{name} = {values}" for name, values in text.items()), "[output]", 'path = "out.h5"', ""])


def candidates(grid):
    """Every point of a grid in the order of cv_results_: names ascending, the last fastest."""
    points = [{}]
    for name in sorted(grid):
        points = [{**point, name: value} for point in points for value in grid[name]]
    return points


def chosen(case, n_subset):
    """Which candidates the peers do."""
    if case != "c-gamma":
        return list(range(len(candidates(GRIDS[case]))))
    every = [c * 10 + 3 * c % 10 for c in range(10)]
    return [every[i * 10 // n_subset] for i in range(min(n_subset, 10))]


def peer(X, y, some, ranks, intelex, folder):
    name = folder / "peer.npz"
    given = pickle.dumps((X, y, some, ranks, intelex, str(name)))
    subprocess.run([sys.executable, "-c", PEER], input=given, check=True, stdout=subprocess.DEVNULL)
    with np.load(name) as found:
        return float(found["seconds"]), found["scores"]


def compare(case, args, folder):
    X, y = data(case, args.rows)
    with h5py.File(folder / "data.h5", "w") as file:
        file["X"], file["y"] = X, y
    grid, points = GRIDS[case], candidates(GRIDS[case])
    at = chosen(case, args.subset)
    scale = len(points) / len(at)
    scores = {}

    def ours(name, path_of_libsvm):
        def run():
            start = time.perf_counter()
            output = rankfit(job(grid, folder / "data.h5", path_of_libsvm), folder, args.ranks)
            seconds = time.perf_counter() - start
            with h5py.File(output) as file:
                table = file["cv_results"]
                scores[name] = np.stack([table[f"split{f}_test_score"][:] for f in range(5)], axis=1)
            return seconds
        return run

    def theirs(name):
        def run():
            seconds, scores[name] = peer(X, y, [points[i] for i in at], args.ranks, name == "intelex", folder)
            return seconds * scale
        return run

    programs = {"rankfit": ours("rankfit", False), EXACT: ours(EXACT, True)}
    figures = in_turn({**programs, **{name: theirs(name) for name in args.peers.split(",") if name}}, args.repeats)
    print(f"{case}:", near(scores.pop("rankfit"), scores[EXACT], X.shape[0] // 5))
    for name, found in scores.items():
        wrong = np.argwhere(found != scores[EXACT][at]) if name != EXACT else []
        if name == "scikit-learn" and len(wrong):
            for i, fold in wrong:
                print(f"{case} {points[at[i]]} fold {fold}: {found[i, fold]} {scores['rankfit'][at[i], fold]}")
            sys.exit(f"{case}: {len(wrong)} of {found.size} scores are not scikit-learn's")
        if name == "intelex":
            apart = np.abs(found - scores[EXACT][at]).max()
            print(f"{case}: {len(wrong)} of {found.size} scores of the Intel extension differ, by {apart:.4f} at most")
    title = f"{case}: {X.shape[0]:,} x {X.shape[1]:,}, {5 * len(points)} fits"
    if scale != 1:
        title += f"; peers: {5 * len(at)} of them, seconds times {scale:g}"
    show(title, figures)
    median = {name: statistics.median(figures[name]) for name in figures if name != "rankfit"}
    exact = median.pop(EXACT)
    print("on libsvm's path:", ", ".join(f"{name} {seconds / exact:.2f}x" for name, seconds in median.items()))
    if args.csv:
        keep(args.csv, title, figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--cases", default=",".join(GRIDS))
    parser.add_argument("--peers", default="scikit-learn,intelex")
    parser.add_argument("--subset", type=int, default=10)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--csv", type=pathlib.Path)
    args = parser.parse_args()
    print(machine())
    for case in args.cases.split(","):
        with tempfile.TemporaryDirectory() as folder:
            compare(case, args, pathlib.Path(folder))


if __name__ == "__main__":
    main()
