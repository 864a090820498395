#!/usr/bin/env python3
"""A grid search over RandomForestClassifier, or with --extra over ExtraTreesClassifier: scikit-learn with n_jobs=N beside rankfit on N ranks.

    python scripts/compare/forest.py [--rankfit target/release/rankfit] [--ranks 2] [--repeats 1] [--rows 20000]
                                     [--small] [--extra] [--csv forest.csv]

n_estimators x max_depth x max_features on 20,000 rows of 30 features, 5 folds. The two draw different random numbers, so
no two forests are the same: before any time is looked at, the mean scores of each candidate are compared, and one that is
farther off than chance allows ends the script with status 1. Chance is what scikit-learn's own mean scores differ by from
seed to seed, measured on the smallest and shallowest forest and taken to fall with the root of the number of trees (all folds
of one search share a seed, so it cannot be told from the folds); six standard deviations of a difference are allowed. Seconds are those of the whole search with its refit: GridSearchCV.fit for scikit-learn, the whole program from
mpirun to the results file for rankfit. User seconds are those of all processes, and less noisy on a busy machine.
"""
import argparse
import csv
import os
import pathlib
import pickle
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
import sklearn
from sklearn import ensemble
from sklearn.datasets import make_classification
from sklearn.model_selection import cross_val_score

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRID = {"n_estimators": [50, 100, 200], "max_depth": [5, 10, 20], "max_features": ["sqrt", 0.5]}
SMALL = {"n_estimators": [10, 20], "max_depth": [5, 10], "max_features": ["sqrt", 0.5]}


def user_seconds():
    """User time of all children that have ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime


def job(grid, name, folder):
    lists = {name: "[" + ", ".join(f'"{v}"' if isinstance(v, str) else repr(v) for v in values) + "]" for name, values in grid.items()}
    return "\n".join([
        "[data]", 'source = "hdf5"', f'path = "{folder / "data.h5"}"', "[estimator]", f'name = "{name}"',
        "[search]", "cv = 5", "[search.grid]", *(f"{name} = {values}" for name, values in lists.items()),
        "[output]", f'path = "{folder / "forest.h5"}"', "",
    ])


def peer(X, y, grid, estimator, ranks):
    """Seconds, user seconds and scores (candidates, folds) of scikit-learn, in a process of its own."""
    program = (
        "import sys, time, numpy as np, pickle\n"
        f"from sklearn.ensemble import {estimator}\n"
        "from sklearn.model_selection import GridSearchCV\n"
        "X, y, grid, ranks, name = pickle.load(sys.stdin.buffer)\n"
        "start = time.perf_counter()\n"
        f"search = GridSearchCV({estimator}(random_state=0), grid, cv=5, n_jobs=ranks).fit(X, y)\n"
        "seconds = time.perf_counter() - start\n"
        "r = search.cv_results_\n"
        "scores = np.stack([r[f'split{f}_test_score'] for f in range(5)], axis=1)\n"
        "np.savez(name, seconds=seconds, scores=scores, params=np.array([str(p) for p in r['params']]))\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        name = str(pathlib.Path(folder) / "peer.npz")
        before = user_seconds()
        given = pickle.dumps((X, y, grid, ranks, name))
        subprocess.run([sys.executable, "-c", program], input=given, check=True)
        with np.load(name) as found:
            return float(found["seconds"]), user_seconds() - before, found["params"], found["scores"]


def chance(X, y, grid, estimator, ranks):
    """The standard deviation from seed to seed of the mean score of a forest of one tree, by way of a small forest."""
    n_trees, depth = min(grid["n_estimators"]), min(grid["max_depth"])
    means = [cross_val_score(getattr(ensemble, estimator)(n_trees, max_depth=depth, max_features=0.5, random_state=seed), X, y, cv=5,
                             n_jobs=ranks).mean() for seed in range(1, 7)]
    return np.std(means, ddof=1) * np.sqrt(n_trees)


def ours(program, grid, estimator, ranks, folder):
    """The same of rankfit."""
    (folder / "forest.toml").write_text(job(grid, estimator, folder))
    launcher = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
    if launcher and os.geteuid() == 0:
        launcher.append("--allow-run-as-root")
    command = [*launcher, str(program), "run", str(folder / "forest.toml"), "--on-existing", "replace"]
    start, before = time.perf_counter(), user_seconds()
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    seconds = time.perf_counter() - start
    with h5py.File(folder / "forest.h5") as file:
        table = file["cv_results"]
        scores = np.stack([table[f"split{fold}_test_score"][:] for fold in range(5)], axis=1)
    return seconds, user_seconds() - before, scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rankfit", type=pathlib.Path, default=ROOT / "target/release/rankfit")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--small", action="store_true", help="a grid of smaller forests")
    parser.add_argument("--csv", type=pathlib.Path)
    parser.add_argument("--extra", action="store_true", help="ExtraTreesClassifier")
    args = parser.parse_args()
    estimator = "ExtraTreesClassifier" if args.extra else "RandomForestClassifier"
    grid = SMALL if args.small else GRID
    X, y = make_classification(args.rows, 30, n_informative=12, n_redundant=6, flip_y=0.1, random_state=0)
    # Single precision is what both look at.
    X = X.astype(np.float32).astype(np.float64)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        with h5py.File(folder / "data.h5", "w") as file:
            file["X"], file["y"] = X, y
        one_tree = chance(X, y, grid, estimator, args.ranks)
        for repeat in range(args.repeats):
            theirs, their_user, params, expected = peer(X, y, grid, estimator, args.ranks)
            mine, my_user, found = ours(args.rankfit, grid, estimator, args.ranks, folder)
            apart = found.mean(axis=1) - expected.mean(axis=1)
            n_trees = np.array([int(re.search(r"'n_estimators': (\d+)", text).group(1)) for text in params])
            allowed = 6 * np.sqrt(2) * one_tree / np.sqrt(n_trees)
            for at in np.flatnonzero(np.abs(apart) > allowed):
                print(f"{params[at]}: {expected[at].mean():.4f} {found[at].mean():.4f}")
            if (np.abs(apart) > allowed).any():
                sys.exit("scores differ by more than chance allows")
            print(f"{expected.size} fits, means within {np.abs(apart).max():.4f}")
            rows += [["scikit-learn", args.ranks, repeat, f"{theirs:.3f}", f"{their_user:.3f}"]]
            rows += [["rankfit", args.ranks, repeat, f"{mine:.3f}", f"{my_user:.3f}"]]
    median = {name: [statistics.median(float(r[c]) for r in rows if r[0] == name) for c in (3, 4)] for name in ("scikit-learn", "rankfit")}
    for column, what in enumerate(("seconds", "user seconds")):
        a, b = median["scikit-learn"][column], median["rankfit"][column]
        print(f"{what}: scikit-learn {sklearn.__version__} {a:.2f}, rankfit {b:.2f}, {a / b:.1f} times as fast")
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["program", "ranks", "repeat", "seconds", "user_seconds"])
            writer.writerows(rows)


if __name__ == "__main__":
    main()
