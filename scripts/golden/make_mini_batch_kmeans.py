"""Makes tests/data/mini_batch_kmeans.json: what scikit-learn's step of MiniBatchKMeans makes of given batches.

Usage: python scripts/golden/make_mini_batch_kmeans.py   (from the root of the repository)

The step is private (`_mini_batch_step`): the public estimator draws its batches itself, by other random numbers.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.cluster._kmeans import _mini_batch_step

OUT = pathlib.Path("tests/data/mini_batch_kmeans.json")
rng = np.random.default_rng(31)
d, k, size = 3, 4, 25
start = np.round(rng.normal(size=(k, d)) * 3, 3)
# A centroid that no row is nearest to at first.
start[3] = 40.0
centers, sums = start.copy(), np.zeros(k)
out = {
    "origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, sklearn.cluster._kmeans._mini_batch_step",
    "n_features": d, "start": start.ravel().tolist(),
    "batches": [], "weights": [], "centers": [], "weight_sums": [], "inertia": [],
}
for step in range(5):
    x = np.round(rng.normal(size=(size, d)) + start[rng.integers(0, 3, size=size)], 3)
    weights = np.ones(size) if step < 3 else rng.integers(0, 4, size=size) / 2.0
    new = np.empty_like(centers)
    inertia = _mini_batch_step(x, weights, centers, new, sums, np.random.RandomState(0), random_reassign=False)
    centers = new
    out["batches"].append(x.ravel().tolist())
    out["weights"].append(weights.tolist())
    out["centers"].append(centers.ravel().tolist())
    out["weight_sums"].append(sums.tolist())
    out["inertia"].append(float(inertia))
OUT.write_text(json.dumps(out) + "\n")
