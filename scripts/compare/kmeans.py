#!/usr/bin/env python3
"""Lloyd's iterations against scikit-learn on the same rows, in turn: answers first, then medians, spread and ratio.

    . scripts/mpi_env.sh && python scripts/compare/kmeans.py --rows 4000000 --ranks 2 --repeats 3

Needs `requirements.txt` beside this file; `rankfit` and `mpirun` on the PATH. scikit-learn-intelex and FAISS take
part when they are installed. The rows are made once in --folder. Everybody starts from the same centroids and does
the same number of iterations; a figure is nanoseconds a row and iteration. rankfit's are those of `/history`, the
others' the time of a fit divided by its iterations.
"""
import argparse
import csv
import importlib.util
import os
import pathlib
import statistics
import subprocess
import sys
import time

import h5py
import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

JOB = """[data]
source = "hdf5"
path = "{data}"
residency = "memory"
memory_per_rank = "64GiB"
dtype = "{dtype}"
[estimator]
name = "KMeans"
n_clusters = {k}
init = {{ file = "{init}" }}
n_init = 1
max_iter = {iterations}
tol = 0.0
[output]
path = "{output}"
"""


def make(path, n, d, kind, dtype):
    """Rows kept between runs: around 12 centres, far apart or overlapping, or uniform."""
    if path.exists():
        return
    rng = np.random.default_rng(0)
    centers = rng.uniform(-10, 10, (12, d)) * {"blobs": 1.0, "overlap": 0.1, "uniform": 0.0}[kind]
    part = path.with_suffix(".part")
    with h5py.File(part, "w") as file:
        xs = file.create_dataset("X", (n, d), dtype)
        for start in range(0, n, 200_000):
            rows = min(200_000, n - start)
            noise = rng.uniform(-1, 1, (rows, d)) if kind == "uniform" else rng.standard_normal((rows, d))
            xs[start:start + rows] = centers[rng.integers(0, 12, rows)] + noise
    part.rename(path)


def rankfit(path, init, k, iterations, dtype, ranks, folder):
    """Seconds of each iteration, and the centroids."""
    output = folder / "compare.h5"
    job = folder / "compare.toml"
    names = {"f4": "f32", "f8": "f64"}
    job.write_text(JOB.format(data=path, dtype=names[dtype], k=k, init=init, iterations=iterations, output=output))
    command = ["mpirun", "-n", str(ranks), "rankfit", "run", str(job), "--on-existing", "replace"]
    subprocess.run(command, check=True, capture_output=True)
    with h5py.File(output) as file:
        return file["history/seconds"][()], file["model/cluster_centers_"][()]


def scikit_learn(estimator, x, init, k, iterations):
    """Seconds of each iteration, on average, and the centroids."""
    model = estimator(n_clusters=k, init=init.astype(x.dtype), n_init=1, max_iter=iterations, tol=0, algorithm="lloyd")
    start = time.perf_counter()
    model.fit(x)
    return [(time.perf_counter() - start) / model.n_iter_], model.cluster_centers_


def faiss(x, init, k, iterations, threads):
    """As scikit_learn."""
    import faiss as library
    library.omp_set_num_threads(threads)
    model = library.Kmeans(x.shape[1], k, niter=iterations, max_points_per_centroid=len(x), nredo=1)
    start = time.perf_counter()
    model.train(x, init_centroids=init.astype("f4"))
    return [(time.perf_counter() - start) / iterations], model.centroids


def peers(dtype, threads):
    """The others that are installed, by name."""
    found = {"scikit-learn": lambda *given: scikit_learn(KMeans, *given)}
    if importlib.util.find_spec("sklearnex"):
        from sklearnex.cluster import KMeans as Patched
        found["scikit-learn-intelex"] = lambda *given: scikit_learn(Patched, *given)
    if dtype == "f4" and importlib.util.find_spec("faiss"):
        found["faiss"] = lambda *given: faiss(*given, threads)
    return found


def compare(args, dtype, k, writer):
    """One line of the table for each program."""
    path = args.folder / f"{args.kind}_{args.rows}_{args.features}_{dtype}.h5"
    make(path, args.rows, args.features, args.kind, dtype)
    with h5py.File(path) as file:
        x = file["X"][()]
    init = args.folder / f"init_{k}_{dtype}.csv"
    # Rows as they are in the file: repr of a double is exact.
    np.savetxt(init, x[:k].astype("f8"), delimiter=",", fmt="%.17g")
    start = x[:k].copy()
    programs = {"rankfit": lambda: rankfit(path, init, k, args.iterations, dtype, args.ranks, args.folder)}
    for name, run in peers(dtype, args.ranks).items():
        programs[name] = lambda run=run: run(x, start, k, args.iterations)

    figures = {name: [] for name in programs}
    answers = {}
    for repeat in range(args.repeats):
        for name, run in programs.items():
            seconds, centers = run()
            answers[name] = centers
            # The first iteration reads or makes the rows.
            steady = seconds[1:] if len(seconds) > 1 else seconds
            figure = statistics.median(steady) / args.rows * 1e9
            figures[name].append(figure)
            writer.writerow([args.kind, args.rows, args.features, k, dtype, name, repeat, f"{figure:.3f}"])
    for name, centers in answers.items():
        error = float(np.abs(centers - answers["rankfit"]).max())
        if error > {"f4": 1e-2, "f8": 1e-6}[dtype]:
            sys.exit(f"{name}: centroids differ by {error} (k = {k}, {dtype})")
    ours = statistics.median(figures["rankfit"])
    for name, values in figures.items():
        median = statistics.median(values)
        spread = f"{min(values):.1f} - {max(values):.1f}"
        print(f"{args.kind:8} {k:4} {dtype:4} {name:22} {median:8.1f} {spread:>17} {median / ours:6.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--clusters", type=int, nargs="+", default=[12, 100])
    parser.add_argument("--dtypes", nargs="+", choices=["f4", "f8"], default=["f8", "f4"])
    parser.add_argument("--kind", choices=["blobs", "overlap", "uniform"], default="overlap")
    parser.add_argument("--iterations", type=int, default=10)
    parser.add_argument("--ranks", type=int, default=2, help="threads of the others, too")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("target/compare"))
    args = parser.parse_args()
    args.folder = args.folder.resolve()
    args.folder.mkdir(parents=True, exist_ok=True)
    print(f"# load {os.getloadavg()[0]:.1f}; ns a row and iteration; ratio: times rankfit's")
    print(f"{'data':8} {'k':>4} {'type':4} {'program':22} {'median':>8} {'spread':>17} {'ratio':>6}")
    with open(args.folder / "kmeans.csv", "a", newline="") as file, threadpool_limits(args.ranks):
        writer = csv.writer(file)
        if file.tell() == 0:
            writer.writerow(["data", "rows", "features", "k", "dtype", "program", "repeat", "ns_per_row_iteration"])
        for dtype in args.dtypes:
            for k in args.clusters:
                compare(args, dtype, k, writer)


if __name__ == "__main__":
    main()
