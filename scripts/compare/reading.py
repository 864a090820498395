#!/usr/bin/env python3
"""Reading HDF5 (contiguous and chunked) against h5py and CSV against pandas and pyarrow: the same files, warm, in turn.

    . scripts/mpi_env.sh && python scripts/compare/reading.py --hdf5-gb 4 --csv-gb 1

Needs h5py, pandas, pyarrow; `rankfit` and `mpirun` on the PATH. Ours is the `load` phase of a job that computes column means and
variances in one streamed pass, on the slowest rank; theirs is the whole table read into an array, block by block for h5py.
"""
import argparse
import pathlib
import sys
import time

import h5py
import numpy as np
import pandas
import pyarrow
from pyarrow import csv as arrow_csv

from side_by_side import folder, in_turn, keep, machine, rankfit, show

COLUMNS = 20
BLOCK = 100_000

JOB = """[data]
source = "{source}"
path = "{path}"
{more}
residency = "stream"
[estimator]
name = "StandardScaler"
"""


def rows_of(rng, n):
    return rng.standard_normal((n, COLUMNS))


def make_hdf5(path, gigabytes, chunked):
    n = int(gigabytes * 1e9 / 8 / COLUMNS)
    if path.exists():
        return n
    rng = np.random.default_rng(0)
    with h5py.File(path.with_suffix(".part"), "w") as file:
        chunks = (10_000, COLUMNS) if chunked else None
        x = file.create_dataset("X", (n, COLUMNS), "f8", chunks=chunks)
        for start in range(0, n, BLOCK):
            x[start:start + BLOCK] = rows_of(rng, min(BLOCK, n - start))
    path.with_suffix(".part").rename(path)
    return n


def make_csv(path, gigabytes):
    if path.exists():
        return
    rng = np.random.default_rng(0)
    part = path.with_suffix(".part")
    with part.open("w") as file:
        file.write(",".join(f"x{i}" for i in range(COLUMNS)) + "\n")
        while part.stat().st_size < gigabytes * 1e9:
            np.savetxt(file, rows_of(rng, 20_000), fmt="%.17g", delimiter=",")
            file.flush()
    part.rename(path)


def ours(job, args, ranks, means):
    with h5py.File(rankfit(job, args.folder / "rankfit_compare", ranks)) as file:
        means["rankfit"] = file["model/mean_"][()]
        return float(np.max(file["timing/load"][()]))


def timed(read, label, means):
    start = time.perf_counter()
    mean = read()
    seconds = time.perf_counter() - start
    means[label] = mean() if callable(mean) else mean
    return seconds


def read_h5py(path, n):
    x = np.empty((n, COLUMNS))
    with h5py.File(path) as file:
        for start in range(0, n, BLOCK):
            stop = min(start + BLOCK, n)
            file["X"].read_direct(x, np.s_[start:stop], np.s_[start:stop])
    return lambda: x.mean(axis=0)


def read_pandas(path):
    x = pandas.read_csv(path, engine="c").to_numpy()
    return lambda: x.mean(axis=0)


def read_arrow(path):
    table = arrow_csv.read_csv(path)
    return lambda: np.array([np.mean(column.to_numpy()) for column in table.columns])


def compare(title, runs, args, means):
    in_turn(runs, 1)
    expected = means["rankfit"]
    for label, mean in means.items():
        if not np.allclose(mean, expected, rtol=1e-9, atol=1e-12):
            sys.exit(f"{title}: {label} read other numbers: no comparison of times")
    figures = in_turn(runs, args.repeats)
    show(title, figures)
    keep(args.csv, title, figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hdf5-gb", type=float, default=4)
    parser.add_argument("--csv-gb", type=float, default=1)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=folder, default="/tmp")
    parser.add_argument("--csv", type=pathlib.Path, default=pathlib.Path("reading.csv"))
    args = parser.parse_args()
    print(machine())
    for kind in ("contiguous", "chunked"):
        path = args.folder / f"reading_{kind}_{args.hdf5_gb}.h5"
        n, means = make_hdf5(path, args.hdf5_gb, kind == "chunked"), {}
        job = JOB.format(source="hdf5", path=path, more="")
        compare(f"HDF5, {kind}, {args.hdf5_gb} GB", {
            f"h5py {h5py.__version__}": lambda: timed(lambda: read_h5py(path, n), "h5py", means),
            "rankfit, 1 rank": lambda: ours(job, args, 1, means),
            f"rankfit, {args.ranks} ranks": lambda: ours(job, args, args.ranks, means),
        }, args, means)
    path, means = args.folder / f"reading_{args.csv_gb}.csv", {}
    make_csv(path, args.csv_gb)
    job = JOB.format(source="csv", path=path, more="")
    compare(f"CSV, {args.csv_gb} GB", {
        f"pandas {pandas.__version__}, C engine": lambda: timed(lambda: read_pandas(path), "pandas", means),
        f"pyarrow {pyarrow.__version__}, all cores": lambda: timed(lambda: read_arrow(path), "pyarrow", means),
        "rankfit, 1 rank": lambda: ours(job, args, 1, means),
        f"rankfit, {args.ranks} ranks": lambda: ours(job, args, args.ranks, means),
    }, args, means)


if __name__ == "__main__":
    main()
