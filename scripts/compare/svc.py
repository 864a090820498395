#!/usr/bin/env python3
"""Grid searches over SVC: scikit-learn with n_jobs=N beside rankfit on N ranks.

    python scripts/compare/svc.py [--rankfit target/release/rankfit] [--ranks 2] [--repeats 3]
                                  [--cases tutorial,kernels] [--csv svc.csv]

Both do every search in turn, `--repeats` times, rankfit as it does by default and on libsvm's path, with
warm_start_along_c = false. The scores of every fold are compared before any time is looked at: where one of libsvm's path
differs, the script ends with status 1. Where the default leaves that path, one score in twenty may differ, by two rows at most,
and how many do is told. Seconds are those of the whole search with its refit: GridSearchCV.fit for scikit-learn, the whole
program from mpirun to the results file for rankfit.
"""
import argparse
import csv
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import h5py
import numpy as np
import sklearn
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from side_by_side import near

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "tests/data/classification.h5"
C = [0.001, 0.1, 1.0, 2.5, 5.0, 10.0]
EXACT = "rankfit, libsvm's path"
CASES = {
    "tutorial": {"C": C},
    "kernels": {"C": C, "kernel": ["rbf", "poly", "linear"], "shrinking": [True, False]},
}


def toml(value):
    """A value as TOML writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return repr(value)


def job(grid, output, path_of_libsvm):
    lines = ["[data]", 'source = "hdf5"', f'path = "{DATA}"', "", "[estimator]", 'name = "SVC"', 'gamma = "auto"',
             *(["warm_start_along_c = false"] if path_of_libsvm else []), ""]
    lines += ["[search]", 'kind = "grid"', "cv = 5", 'scoring = "accuracy"', "refit = true", "", "[search.grid]"]
    lines += [f"{name} = {toml(values)}" for name, values in grid.items()]
    return "\n".join([*lines, "", "[output]", f'path = "{output}"', ""])


def peer(grid, ranks):
    """Seconds and scores (candidates, folds) of scikit-learn."""
    with h5py.File(DATA) as file:
        X, y = file["X"][:], file["y"][:]
    search = GridSearchCV(SVC(gamma="auto", cache_size=2000), grid, cv=5, scoring="accuracy", n_jobs=ranks)
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.fit(X, y)
    seconds = time.perf_counter() - start
    results = search.cv_results_
    scores = np.stack([results[f"split{fold}_test_score"] for fold in range(5)], axis=1)
    return seconds, results["params"], scores


def ours(program, grid, ranks, folder, path_of_libsvm):
    """The same of rankfit."""
    output = folder / "svc.h5"
    (folder / "svc.toml").write_text(job(grid, output, path_of_libsvm))
    launcher = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
    command = [*launcher, str(program), "run", str(folder / "svc.toml"), "--on-existing", "replace"]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    with h5py.File(output) as file:
        table = file["cv_results"]
        scores = np.stack([table[f"split{fold}_test_score"][:] for fold in range(5)], axis=1)
    return seconds, scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rankfit", type=pathlib.Path, default=ROOT / "target/release/rankfit")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--csv", type=pathlib.Path)
    args = parser.parse_args()
    rows = []
    for case in args.cases.split(","):
        grid, seconds = CASES[case], {"scikit-learn": [], "rankfit": [], EXACT: []}
        for _ in range(args.repeats):
            theirs, params, expected = peer(grid, args.ranks)
            with tempfile.TemporaryDirectory() as folder:
                mine, by_default = ours(args.rankfit, grid, args.ranks, pathlib.Path(folder), False)
                exact, found = ours(args.rankfit, grid, args.ranks, pathlib.Path(folder), True)
            if found.shape != expected.shape or not np.array_equal(found, expected):
                for at in np.argwhere(found != expected) if found.shape == expected.shape else []:
                    print(f"{case} {params[at[0]]} fold {at[1]}: {expected[tuple(at)]} {found[tuple(at)]}")
                sys.exit(f"{case}: the scores of {found.shape} fits are not scikit-learn's")
            told = near(by_default, expected, 2_000)
            seconds["scikit-learn"].append(theirs)
            seconds["rankfit"].append(mine)
            seconds[EXACT].append(exact)
        median = {name: statistics.median(values) for name, values in seconds.items()}
        ratio = {name: median["scikit-learn"] / seconds for name, seconds in median.items()}
        print(f"{case}: {expected.size} fits, scikit-learn {sklearn.__version__} {median['scikit-learn']:.2f} s, rankfit "
              f"{median['rankfit']:.2f} s, {ratio['rankfit']:.1f} times as fast; {told}")
        print(f"{case}: on libsvm's path every score equal; {median[EXACT]:.2f} s, {ratio[EXACT]:.1f} times as fast")
        for name, values in seconds.items():
            rows += [[case, name, args.ranks, repeat, f"{value:.4f}"] for repeat, value in enumerate(values)]
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["case", "program", "ranks", "repeat", "seconds"])
            writer.writerows(rows)


if __name__ == "__main__":
    main()
