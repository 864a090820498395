#!/usr/bin/env python3
"""Logistic regression against scikit-learn on the same rows, in turn: answers first, then medians, spread and ratio.

    . scripts/mpi_env.sh && python scripts/compare/logistic.py --rows 4000000 --features 20 --ranks 2 --repeats 3

Needs scikit-learn, h5py and threadpoolctl, scikit-learn-intelex if it is to take part; `rankfit` and `mpirun` on the PATH. The rows are made once in --folder.
A fit's time is the fit alone on both sides: arrays in memory there, `/timing` without loading and writing here.
"""
import argparse
import csv
import os
import pathlib
import statistics
import subprocess
import sys
import time

import h5py
import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from side_by_side import folder

JOB = """[data]
source = "hdf5"
path = "{data}"
residency = "memory"
memory_per_rank = "64GiB"
[estimator]
name = "LogisticRegression"
C = {c}
solver = "{solver}"
tol = {tol}
[output]
path = "{output}"
"""


def make(path, n, d, dtype):
    """Two noisy classes with correlated features; kept between runs."""
    if path.exists():
        return
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((d, d)) / d ** 0.5 + np.eye(d)
    coef = rng.standard_normal(d) * 0.5
    with h5py.File(path.with_suffix(".part"), "w") as file:
        xs, ys = file.create_dataset("X", (n, d), dtype), file.create_dataset("y", (n,), "i8")
        for start in range(0, n, 200_000):
            x = rng.standard_normal((min(200_000, n - start), d)) @ mix
            p = 1 / (1 + np.exp(-(x @ coef + 0.3)))
            xs[start:start + len(x)] = x
            ys[start:start + len(x)] = rng.random(len(x)) < p
    path.with_suffix(".part").rename(path)


def objective(x, y, coef, intercept, c):
    """Mean loss with its share of the penalty, the same sum for everybody."""
    eta = x @ coef + intercept
    return float(np.mean(np.logaddexp(0, eta) - y * eta) + 0.5 / (c * len(y)) * coef @ coef)


def ours(solver, tol, args, data):
    job, output = args.folder / "logistic_job.toml", args.folder / "logistic_out.h5"
    job.write_text(JOB.format(data=data, c=args.C, solver=solver, tol=tol, output=output))
    command = ["mpirun", "-n", str(args.ranks)] if args.ranks > 1 else []
    if os.geteuid() == 0 and command:
        command.append("--allow-run-as-root")
    subprocess.run([*command, "rankfit", "run", "-q", "--on-existing", "replace", str(job)],
                   check=True, stdout=subprocess.DEVNULL)
    with h5py.File(output) as file:
        model, timing = file["model"], file["timing"]
        spent = timing["total"][()] - timing["load"][()] - timing["write"][()]
        return (float(np.max(spent)), model["coef_"][0], float(model["intercept_"][0]), int(model["n_iter_"][0]))


def theirs(solver, tol, args, x, y, estimator=LogisticRegression):
    model = estimator(C=args.C, solver=solver, tol=tol, max_iter=1000)
    start = time.perf_counter()
    with threadpool_limits(args.ranks):
        model.fit(x, y)
    return time.perf_counter() - start, model.coef_[0], float(model.intercept_[0]), int(model.n_iter_[0])


def accelerated():
    """The Intel extension's estimator, which has its own lbfgs, if it is installed."""
    try:
        from sklearnex import linear_model
    except ImportError:
        return None
    return linear_model.LogisticRegression


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--C", type=float, default=1.0)
    parser.add_argument("--dtype", default="f8", choices=["f8", "f4"])
    parser.add_argument("--tol", type=float, default=1e-5)
    parser.add_argument("--folder", type=folder, default="/tmp")
    parser.add_argument("--csv", type=pathlib.Path, default=pathlib.Path("logistic.csv"))
    args = parser.parse_args()
    data = args.folder / f"logistic_{args.rows}x{args.features}_{args.dtype}.h5"
    make(data, args.rows, args.features, args.dtype)
    with h5py.File(data) as file:
        x, y = file["X"][()], file["y"][()]
    runs = {}
    for solver in ("lbfgs", "newton-cholesky"):
        runs[f"scikit-learn {sklearn.__version__} {solver}"] = lambda s=solver: theirs(s, args.tol, args, x, y)
        runs[f"rankfit {solver}"] = lambda s=solver: ours(s, args.tol, args, data)
    if accelerated():
        runs["scikit-learn-intelex lbfgs"] = lambda: theirs("lbfgs", args.tol, args, x, y, accelerated())
    figures = {name: [] for name in runs}
    losses = {}
    for repeat in range(args.repeats):
        for name, run in runs.items():
            seconds, coef, intercept, n_iter = run()
            figures[name].append((seconds, n_iter))
            losses[name] = objective(x, y, coef, intercept, args.C)
    best = min(losses.values())
    for name, loss in losses.items():
        if loss - best > 1e-7 * abs(best):
            sys.exit(f"{name}: loss {loss:.12g} is not the best, {best:.12g}: no comparison of times")
    with args.csv.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "repeat", "rows", "features", "ranks", "seconds", "n_iter", "loss"])
        for name, figure in figures.items():
            for i, (seconds, n_iter) in enumerate(figure):
                row = [name, i, args.rows, args.features, args.ranks, f"{seconds:.6f}", n_iter, repr(losses[name])]
                writer.writerow(row)
    median = {name: statistics.median(s for s, _ in figure) for name, figure in figures.items()}
    peer = min(m for name, m in median.items() if name.startswith("scikit"))
    print(f"{args.rows} x {args.features} {args.dtype}, {args.ranks} ranks or threads; the fit alone, seconds")
    print(f"{'':34} {'median':>8} {'least':>8} {'most':>8} {'n_iter':>6} {'against the best peer':>26}")
    for name, figure in figures.items():
        times = [s for s, _ in figure]
        print(f"{name:34} {median[name]:8.3f} {min(times):8.3f} {max(times):8.3f} {figure[0][1]:6} "
              f"{peer / median[name]:25.2f}x")


if __name__ == "__main__":
    main()
