#!/usr/bin/env python3
"""Linear regression, ridge and PCA against scikit-learn (and its Intel extension) on the same rows, in turn.

    . scripts/mpi_env.sh && python scripts/compare/decompositions.py --ranks 2 --repeats 3

Needs scikit-learn and h5py, scikit-learn-intelex if it is to take part; `rankfit` and `mpirun` on the PATH. Answers are compared
before times. A fit's time is the fit alone on both sides: arrays in memory there, `/timing` without loading and writing
here.
"""
import argparse
import pathlib
import sys
import time

import h5py
import numpy as np
import sklearn
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, Ridge
from threadpoolctl import threadpool_limits

from side_by_side import folder, in_turn, keep, machine, rankfit, show

JOB = """[data]
source = "hdf5"
path = "{data}"
residency = "memory"
memory_per_rank = "64GiB"
{without_y}
[estimator]
name = "{name}"
{parameters}
"""

# Ours under its name: the peer's estimator, the attributes to compare, the job's lines.
CASES = {
    "LinearRegression": (LinearRegression, {}, ["coef_", "intercept_"]),
    "Ridge": (Ridge, {"alpha": 10.0}, ["coef_", "intercept_"]),
    "PCA": (PCA, {"n_components": 10}, ["explained_variance_", "components_"]),
}


def make(path, n, d):
    """Correlated columns, a noisy target; kept between runs."""
    if path.exists():
        return
    rng = np.random.default_rng(0)
    mix = rng.standard_normal((d, d)) * np.linspace(0.2, 2.0, d)
    coef = rng.standard_normal(d)
    with h5py.File(path.with_suffix(".part"), "w") as file:
        xs, ys = file.create_dataset("X", (n, d), "f8"), file.create_dataset("y", (n,), "f8")
        for start in range(0, n, 100_000):
            x = rng.standard_normal((min(100_000, n - start), d)) @ mix + 3.0
            xs[start:start + len(x)] = x
            ys[start:start + len(x)] = x @ coef + rng.standard_normal(len(x))
    path.with_suffix(".part").rename(path)


def lines(parameters):
    return "\n".join(f"{name} = {value}" for name, value in parameters.items())


def ours(name, args, data, answers):
    _, parameters, attributes = CASES[name]
    job = JOB.format(data=data, name=name, parameters=lines(parameters), without_y="")
    with h5py.File(rankfit(job, args.folder / "rankfit_compare", args.ranks)) as file:
        answers[f"rankfit {name}"] = [np.ravel(file["model"][a][()]) for a in attributes]
        timing = file["timing"]
        return float(np.max(timing["total"][()] - timing["load"][()] - timing["write"][()]))


def theirs(label, make_estimator, name, args, x, y, answers):
    _, parameters, attributes = CASES[name]
    estimator = make_estimator(**parameters)
    start = time.perf_counter()
    with threadpool_limits(args.ranks):
        estimator.fit(x, y)
    seconds = time.perf_counter() - start
    answers[label] = [np.ravel(getattr(estimator, a)) for a in attributes]
    return seconds


def patched(name):
    """The Intel extension's estimator, if it is installed."""
    try:
        from sklearnex import decomposition, linear_model
    except ImportError:
        return None
    return getattr(decomposition if name == "PCA" else linear_model, name)


def compare(name, n, d, args):
    data = args.folder / f"decompositions_{n}x{d}.h5"
    make(data, n, d)
    with h5py.File(data) as file:
        x, y = file["X"][()], file["y"][()]
    answers, label = {}, f"scikit-learn {sklearn.__version__}"
    runs = {label: lambda: theirs(label, CASES[name][0], name, args, x, y, answers),
            f"rankfit {name}": lambda: ours(name, args, data, answers)}
    if patched(name):
        runs["scikit-learn-intelex"] = lambda: theirs("scikit-learn-intelex", patched(name), name, args, x, y, answers)
    in_turn(runs, 1)
    for who, arrays in answers.items():
        for got, expected in zip(arrays, answers[label]):
            if not np.allclose(got, expected, rtol=1e-6, atol=1e-8):
                sys.exit(f"{name}: {who} and {label} differ by {np.max(np.abs(got - expected)):.3g}: no comparison of times")
    title = f"{name}, {n} x {d} f64"
    figures = in_turn(runs, args.repeats)
    show(title, figures)
    keep(args.csv, title, figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000_000, help="rows of 20 features; a tenth of them of 200")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=folder, default="/tmp")
    parser.add_argument("--csv", type=pathlib.Path, default=pathlib.Path("decompositions.csv"))
    args = parser.parse_args()
    print(f"{machine()}; {args.ranks} ranks or threads; the fit alone")
    for name, n, d in [("LinearRegression", args.rows, 20), ("Ridge", args.rows, 20), ("PCA", args.rows, 20),
                       ("Ridge", args.rows // 10, 200), ("PCA", args.rows // 10, 200)]:
        compare(name, n, d, args)


if __name__ == "__main__":
    main()
