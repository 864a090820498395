#!/usr/bin/env python3
"""oneDAL's K-means over Intel MPI, for kmeans.py: `mpiexec.hydra -n 2 python onedal_mpi_kmeans.py DATA INIT ITERATIONS OUTPUT`.

Each rank reads its share of the rows. Rank 0 prints the seconds of the fit and its iterations, and saves the centroids.
"""
import json
import sys
import time

import daal4py
import h5py
import numpy as np


def main():
    path, init, iterations, output = sys.argv[1:]
    daal4py.daalinit(1)
    rank, size = daal4py.my_procid(), daal4py.num_procs()
    with h5py.File(path) as file:
        rows = len(file["X"])
        x = file["X"][rows * rank // size:rows * (rank + 1) // size]
    start = np.loadtxt(init, delimiter=",", ndmin=2).astype(x.dtype)
    algorithm = daal4py.kmeans(len(start), maxIterations=int(iterations), distributed=True, accuracyThreshold=0.0,
                               fptype="double" if x.dtype == np.float64 else "float")
    begin = time.perf_counter()
    result = algorithm.compute(x, start)
    seconds = time.perf_counter() - begin
    if rank == 0:
        np.save(output, result.centroids)
        done = int(np.asarray(result.nIterations).ravel()[0])
        print(json.dumps({"seconds": seconds, "iterations": done}), flush=True)
    daal4py.daalfini()


if __name__ == "__main__":
    main()
