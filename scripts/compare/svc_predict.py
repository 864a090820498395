#!/usr/bin/env python3
"""Prediction by a fitted SVC, and single large fits: scikit-learn beside rankfit on N ranks.

    python scripts/compare/svc_predict.py [--rankfit target/release/rankfit] [--ranks 2] [--repeats 3]
                                          [--cases predict,fit-50k] [--intelex] [--csv svc_predict.csv]

predict: 100,000 rows by some 5,000 support vectors, rbf, 20 features; rankfit fits the model, and the peer predicts with
its own fit on the same rows. Before any time is looked at, rankfit's labels are compared with scikit-learn's, and must all
be equal; how many of the extension's differ is told. Seconds are those of SVC.predict for the peer; for rankfit those of the
whole program, from mpirun to the written file.

fit-50k, fit-50k-c100, fit-100k, fit-100k-c100: one fit, 50,000 x 20 or 100,000 x 50, rbf, C = 1 or 100. The optimality gap of both
solutions is recomputed on 300 of the rows in double precision; ours must be within the tolerance that scikit-learn was given.
scikit-learn takes minutes to hours for these: --limit gives the seconds after which it is stopped, and is told as "more than".
--intelex takes scikit-learn-intelex as the peer.
"""
import argparse
import csv
import multiprocessing
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
FITS = {
    "fit-50k": (50_000, 20, 1.0), "fit-50k-c100": (50_000, 20, 100.0),
    "fit-100k": (100_000, 50, 1.0), "fit-100k-c100": (100_000, 50, 100.0),
}
TOL = 1e-3


def made(n, d, flip_y=0.1):
    from sklearn.datasets import make_classification
    return make_classification(n_samples=n, n_features=d, n_informative=10, n_redundant=5, flip_y=flip_y, class_sep=0.7,
                               random_state=3)


def write(path, X, y):
    with h5py.File(path, "w") as file:
        file["X"], file["y"] = X, y


def run(args, *command):
    """Seconds of the program on the ranks asked for."""
    launcher = ["mpirun", "--oversubscribe", "-n", str(args.ranks)] if args.ranks > 1 else []
    start = time.perf_counter()
    subprocess.run([*launcher, str(args.rankfit), *command], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def fit_ours(args, folder, c):
    """Seconds of a fit of the rows in train.h5; the model is in fit.h5."""
    (folder / "fit.toml").write_text(
        f'[data]\nsource = "hdf5"\npath = "{folder}/train.h5"\n\n[estimator]\nname = "SVC"\ngamma = "auto"\nC = {c}\n\n'
        f'[output]\npath = "{folder}/fit.h5"\n')
    return run(args, "run", str(folder / "fit.toml"), "--on-existing", "replace")


def svc(args):
    """The peer's estimator."""
    if args.intelex:
        from sklearnex.svm import SVC
    else:
        from sklearn.svm import SVC
    return SVC


def predict(args, folder):
    from sklearn.svm import SVC
    X, y = made(107_200, 20, flip_y=0.25)
    train, test = slice(0, 7_200), slice(7_200, None)
    write(folder / "train.h5", X[train], y[train])
    write(folder / "test.h5", X[test], y[test])
    fit_ours(args, folder, 1.0)
    expected = SVC(gamma="auto").fit(X[train], y[train]).predict(X[test])
    peer, seconds = svc(args)(gamma="auto").fit(X[train], y[train]), {"peer": [], "rankfit": []}
    for _ in range(args.repeats):
        start = time.perf_counter()
        others = np.sum(peer.predict(X[test]) != expected)
        seconds["peer"].append(time.perf_counter() - start)
        seconds["rankfit"].append(run(args, "predict", "--model", str(folder / "fit.h5"), "--data", str(folder / "test.h5"),
                                      "--output", str(folder / "labels.h5"), "--on-existing", "replace"))
        with h5py.File(folder / "labels.h5") as file:
            found = file["predictions"][:]
        if not np.array_equal(found, expected):
            sys.exit(f"predict: {np.sum(found != expected)} of {len(found)} labels are not scikit-learn's")
    return (f"{len(expected):,} labels by {len(peer.support_):,} support vectors, rankfit's all equal scikit-learn's, "
            f"{others} of the peer's do not"), seconds


def optimality(X, y, c, gamma, support, dual_coef):
    """m - M over 300 rows of the fit, half of them support vectors, in double precision."""
    sign, signed = np.where(y == 1, 1.0, -1.0), np.zeros(len(y))
    signed[support] = dual_coef
    rows = np.concatenate([support[:: max(1, len(support) // 150)], np.arange(0, len(y), len(y) // 150)])
    distance = (X[rows] ** 2).sum(1)[:, None] + (X[support] ** 2).sum(1)[None, :] - 2 * X[rows] @ X[support].T
    f = sign[rows] - np.exp(-gamma * distance) @ dual_coef
    alpha = signed * sign
    up = np.where(sign > 0, alpha < c, alpha > 0)[rows]
    low = np.where(sign > 0, alpha > 0, alpha < c)[rows]
    return f[up].max() - f[low].min()


def theirs(args, X, y, c, queue):
    start = time.perf_counter()
    model = svc(args)(C=c, gamma="auto", cache_size=2000, tol=TOL).fit(X, y)
    queue.put((time.perf_counter() - start, model.support_, model.dual_coef_[0]))


def fit(args, folder, case):
    n, d, c = FITS[case]
    X, y = made(n, d)
    write(folder / "train.h5", X, y)
    seconds = {"peer": [], "rankfit": []}
    for _ in range(args.repeats):
        seconds["rankfit"].append(fit_ours(args, folder, c))
    with h5py.File(folder / "fit.h5") as file:
        model = file["model"]
        ours = optimality(X, y, c, 1 / d, model["support_"][:], model["dual_coef_"][0])
    if ours > TOL + 1e-4:
        sys.exit(f"{case}: a gap of {ours:.2e} among 300 rows, more than {TOL}")
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=theirs, args=(args, X, y, c, queue))
    process.start()
    try:
        peer_s, support, dual_coef = queue.get(timeout=args.limit)
    except Exception:
        process.kill()
        seconds["peer"].append(args.limit)
        return f"gap {ours:.1e}; the peer was stopped: more than", seconds
    process.join()
    seconds["peer"].append(peer_s)
    gap = optimality(X, y, c, 1 / d, support, dual_coef)
    return f"gaps {ours:.1e} and {gap:.1e}, {len(support):,} support vectors", seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rankfit", type=pathlib.Path, default=ROOT / "target/release/rankfit")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=3600.0)
    parser.add_argument("--cases", default="predict,fit-50k")
    parser.add_argument("--intelex", action="store_true")
    parser.add_argument("--csv", type=pathlib.Path)
    args = parser.parse_args()
    name, rows = "scikit-learn-intelex" if args.intelex else "scikit-learn", []
    for case in args.cases.split(","):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            what, seconds = predict(args, folder) if case == "predict" else fit(args, folder, case)
        median = {name: statistics.median(values) for name, values in seconds.items()}
        ratio = median["peer"] / median["rankfit"]
        print(f"{case}: {what}; {name} {median['peer']:.2f} s, rankfit {median['rankfit']:.2f} s on {args.ranks} ranks, "
              f"{ratio:.1f} times as fast", flush=True)
        for program, values in seconds.items():
            rows += [[case, name if program == "peer" else program, args.ranks, repeat, f"{value:.4f}"] for repeat, value in enumerate(values)]
    if args.csv:
        with open(args.csv, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["case", "program", "ranks", "repeat", "seconds"])
            writer.writerows(rows)


if __name__ == "__main__":
    main()
