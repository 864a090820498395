#!/usr/bin/env python3
"""Lloyd's iterations against scikit-learn, its Intel extension, oneDAL over MPI and FAISS on the same rows, in turn.

    . scripts/mpi_env.sh && python scripts/compare/kmeans.py --ranks 2                 (a few minutes)
    . scripts/mpi_env.sh && python scripts/compare/kmeans.py --ranks 2 --rows 4000000  (the README's figures)

Needs `requirements.txt` beside this file; `rankfit` and `mpirun` on the PATH. scikit-learn-intelex, FAISS (`faiss-cpu`)
and oneDAL over Intel MPI (`impi-rt`, which puts `mpiexec.hydra` beside python) take part when they are installed. Call
python by its path: an activated environment would put Intel's `mpirun` before the one that rankfit was built for. The
rows are made once in --folder. Everybody starts from the same centres. Figures: seconds an iteration over a few iterations
for each of --clusters; seconds of a whole run until no label changes, or --most iterations, for each of --whole, and the
same a row and iteration; and seconds of making rows in blobs against NumPy's normals alone. Answers are compared before
times: centroids after the few iterations, the inertia of the final centroids after the run (late rows on the border may
fall either way, and FAISS, which has no such end, does as many iterations as rankfit). rankfit's time is the sum of
`/history/seconds`; the others' that of the fit, arrays in memory.
"""
import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import h5py
import numpy as np
import sklearn
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from side_by_side import folder, in_turn, keep, machine, rankfit, show

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
"""

# How far the 12 centres of the rows lie apart, in units of their noise.
SPREAD = {"blobs": 10.0, "overlap": 1.0, "uniform": 0.0}


def make(path, n, d, kind, dtype):
    """Rows kept between runs: around 12 centres, far apart or overlapping, or uniform."""
    if path.exists():
        return
    rng = np.random.default_rng(0)
    centers = rng.uniform(-1, 1, (12, d)) * SPREAD[kind]
    part = path.with_suffix(".part")
    with h5py.File(part, "w") as file:
        xs = file.create_dataset("X", (n, d), dtype)
        for start in range(0, n, 200_000):
            rows = min(200_000, n - start)
            noise = rng.uniform(-1, 1, (rows, d)) if kind == "uniform" else rng.standard_normal((rows, d))
            xs[start:start + rows] = centers[rng.integers(0, 12, rows)] + noise
    part.rename(path)


class Case:
    """Rows, their start, and what each program answered: (centroids, iterations)."""

    def __init__(self, args, kind, dtype, k, iterations):
        self.args, self.k, self.dtype, self.iterations = args, k, dtype, iterations
        self.path = args.folder / f"{kind}_{args.rows}_{args.features}_{dtype}.h5"
        make(self.path, args.rows, args.features, kind, dtype)
        with h5py.File(self.path) as file:
            self.x = file["X"][()]
        self.start = self.x[:k].copy()
        self.init = args.folder / f"init_{kind}_{k}_{dtype}.csv"
        # 17 digits: exact.
        np.savetxt(self.init, self.start.astype("f8"), delimiter=",", fmt="%.17g")
        self.answers = {}

    def rankfit(self):
        job = JOB.format(data=self.path, dtype={"f4": "f32", "f8": "f64"}[self.dtype], k=self.k, init=self.init,
                         iterations=self.iterations)
        with h5py.File(rankfit(job, self.args.folder / "job", self.args.ranks)) as file:
            seconds = file["history/seconds"][()]
            self.answers["rankfit"] = file["model/cluster_centers_"][()], len(seconds)
        return seconds.sum()

    def scikit_learn(self, name, estimator):
        model = estimator(n_clusters=self.k, init=self.start, n_init=1, max_iter=self.iterations, tol=0,
                          algorithm="lloyd")
        start = time.perf_counter()
        model.fit(self.x)
        seconds = time.perf_counter() - start
        self.answers[name] = model.cluster_centers_, model.n_iter_
        return seconds

    def faiss(self):
        import faiss
        faiss.omp_set_num_threads(self.args.ranks)
        iterations = self.answers["rankfit"][1]
        model = faiss.Kmeans(self.x.shape[1], self.k, niter=iterations, max_points_per_centroid=len(self.x), nredo=1)
        start = time.perf_counter()
        model.train(self.x, init_centroids=self.start)
        seconds = time.perf_counter() - start
        self.answers["FAISS"] = model.centroids, iterations
        return seconds

    def onedal(self, launcher):
        script = pathlib.Path(__file__).with_name("onedal_mpi_kmeans.py")
        output = self.args.folder / "onedal.npy"
        libraries = [str(pathlib.Path(sys.prefix) / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]
        environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, libraries))}
        command = [launcher, "-n", str(self.args.ranks), sys.executable, script, self.path, self.init,
                   self.iterations, output]
        done = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True,
                              env=environment)
        found = json.loads(done.stdout.strip().splitlines()[-1])
        self.answers["oneDAL over MPI"] = np.load(output), found["iterations"]
        return found["seconds"]

    def programs(self):
        """Those that are installed, rankfit first."""
        found = {"rankfit": self.rankfit, "scikit-learn": lambda: self.scikit_learn("scikit-learn", KMeans)}
        if importlib.util.find_spec("sklearnex"):
            from sklearnex.cluster import KMeans as Patched
            found["scikit-learn-intelex"] = lambda: self.scikit_learn("scikit-learn-intelex", Patched)
        launcher = pathlib.Path(sys.prefix) / "bin" / "mpiexec.hydra"
        if launcher.exists() and importlib.util.find_spec("daal4py"):
            found["oneDAL over MPI"] = lambda: self.onedal(launcher)
        if self.dtype == "f4" and importlib.util.find_spec("faiss"):
            found["FAISS"] = self.faiss
        return found


def inertia(x, centers):
    """Mean squared distance to the nearest centroid, in double precision, of every so many rows."""
    rows = x[:: max(1, len(x) // 200_000)].astype("f8")
    centers = centers.astype("f8")
    squares = (rows**2).sum(1)[:, None] - 2 * rows @ centers.T + (centers**2).sum(1)
    return squares.min(1).mean()


def check(case, whole):
    """Ends the comparison when answers differ."""
    ours = case.answers["rankfit"][0]
    for name, (centers, _) in case.answers.items():
        if whole:
            error, most = abs(inertia(case.x, centers) / inertia(case.x, ours) - 1), 1e-3
        else:
            error, most = np.abs(centers - ours).max(), {"f4": 1e-2, "f8": 1e-6}[case.dtype]
        if not error <= most:
            sys.exit(f"{name}: answers differ by {error} (k = {case.k}, {case.dtype})")


GENERATED = """[data]
source = "blobs"
n_samples = {rows}
n_features = {features}
centers = 12
residency = "stream"
[estimator]
name = "KMeans"
n_clusters = 12
init = "random"
n_init = 1
max_iter = 2
tol = 0.0
"""


def generator(args):
    """Seconds in which one rank makes the rows, and NumPy as many normals."""
    def ours():
        job = GENERATED.format(rows=args.rows, features=args.features)
        with h5py.File(rankfit(job, args.folder / "job", args.ranks)) as file:
            made = file["timing/load_bytes"][()].sum() / (8 * args.features)
            return file["timing/load"][()].sum() / made * args.rows

    def numpy():
        rng, start = np.random.default_rng(0), time.perf_counter()
        for first in range(0, args.rows, 3125):
            rng.standard_normal((min(3125, args.rows - first), args.features))
        return time.perf_counter() - start

    title = f"blobs made, {args.rows} x {args.features} f8, on one core"
    figures = in_turn({"rankfit": ours, "NumPy standard_normal": numpy}, args.repeats)
    show(title, figures)
    keep(args.folder / "kmeans.csv", title, figures)


def compare(args, kind, dtype, k, whole):
    case = Case(args, kind, dtype, k, args.most if whole else args.iterations)
    figures = in_turn(case.programs(), args.repeats)
    check(case, whole)
    iterations = {name: count for name, (_, count) in case.answers.items()}
    title = f"{kind}, {args.rows} x {args.features} {dtype}, k = {k}, "
    if whole:
        title += f"whole run ({', '.join(f'{name} {count}' for name, count in iterations.items())} iterations)"
    else:
        title += "an iteration"
        figures = {name: [s / iterations[name] for s in seconds] for name, seconds in figures.items()}
    show(title, figures)
    each = {name: statistics.median(seconds) / args.rows / (iterations[name] if whole else 1)
            for name, seconds in figures.items()}
    print("ns a row and iteration: " + ", ".join(f"{name} {1e9 * s:.1f}" for name, s in each.items()))
    keep(args.folder / "kmeans.csv", title, figures)
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=500_000)
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--clusters", type=int, nargs="*", default=[12], help="of the figures for one iteration")
    parser.add_argument("--whole", type=int, nargs="*", default=[100], help="clusters of the whole runs")
    parser.add_argument("--dtypes", nargs="+", choices=["f4", "f8"], default=["f8", "f4"])
    parser.add_argument("--kinds", nargs="+", choices=list(SPREAD), default=list(SPREAD))
    parser.add_argument("--iterations", type=int, default=10, help="of the figure for one iteration")
    parser.add_argument("--most", type=int, default=60, help="iterations of a whole run")
    parser.add_argument("--ranks", type=int, default=2, help="threads of the others, too")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=folder, default="target/compare")
    args = parser.parse_args()
    args.folder = args.folder.resolve()
    print(f"{machine()}; scikit-learn {sklearn.__version__}, {args.ranks} ranks or threads, "
          f"load {os.getloadavg()[0]:.1f}")
    with threadpool_limits(args.ranks):
        for kind in args.kinds:
            for dtype in args.dtypes:
                for k in args.clusters:
                    compare(args, kind, dtype, k, whole=False)
                for k in args.whole:
                    compare(args, kind, dtype, k, whole=True)
    generator(args)


if __name__ == "__main__":
    main()
