"""Makes tests/data/kmeans/*.json: what scikit-learn's KMeans finds from given centres.

Usage: python scripts/golden/make_kmeans.py   (from the root of the repository)

Data are rounded to a few decimals, so that the text holds them exactly. `inertia` of f32 cases is recomputed in f64
from scikit-learn's labels and the means of their rows, because scikit-learn sums it in f32.
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

OUT = pathlib.Path("tests/data/kmeans")


def case(name, x, init, weights=None, tol=1e-4, max_iter=300, dtype="f64", decimals=3):
    kind = {"f64": np.float64, "f32": np.float32}[dtype]
    x = np.round(np.asarray(x, dtype=np.float64), decimals)
    init = np.round(np.asarray(init, dtype=np.float64), decimals)
    km = KMeans(len(init), init=init.astype(kind), n_init=1, tol=tol, max_iter=max_iter)
    km.fit(x.astype(kind), sample_weight=weights)
    inertia, centers = float(km.inertia_), km.cluster_centers_.astype(np.float64)
    if dtype == "f32":
        exact = x.astype(kind).astype(np.float64)
        centers = np.array([exact[km.labels_ == j].mean(axis=0) for j in range(len(init))])
        inertia = float(((exact - centers[km.labels_]) ** 2).sum())
    record = {
        "origin": f"scikit-learn {sklearn.__version__}, numpy {np.__version__}, KMeans(init=<array>, n_init=1, "
        f"tol={tol}, max_iter={max_iter}).fit(X, sample_weight=weights)",
        "dtype": dtype,
        "n_features": x.shape[1],
        "x": x.ravel().tolist(),
        "weights": [] if weights is None else list(map(float, weights)),
        "init": init.ravel().tolist(),
        "tol": tol,
        "max_iter": max_iter,
        "labels": km.labels_.tolist(),
        "inertia": inertia,
        "n_iter": int(km.n_iter_),
        "cluster_centers": centers.ravel().tolist(),
    }
    text = json.dumps(record, separators=(",", ":"))
    (OUT / f"{name}.json").write_text(text + "\n")
    print(f"{name}: {len(text) // 1000} kB, n_iter {record['n_iter']}, inertia {inertia}")


def tutorial_centers():
    """The centres of the tutorial's mixture: the means of make_blobs' rows by label."""
    x, y = make_blobs(1000, centers=12, n_features=20, random_state=0)
    means = np.array([x[y == j].mean(axis=0) for j in range(12)])
    np.savetxt(OUT / "tutorial_centers.csv", means, delimiter=",", fmt="%.17g")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    tutorial_centers()
    rng = np.random.default_rng(0)
    blobs, _ = make_blobs(500, centers=6, n_features=4, random_state=1)
    pick = rng.choice(500, 6, replace=False)
    case("blobs", blobs, blobs[pick])
    case("blobs_f32", blobs, blobs[pick], dtype="f32", tol=0)
    overlapping = rng.normal(size=(1500, 5))
    case("overlapping", overlapping, overlapping[:9])
    case("overlapping_strict", overlapping, overlapping[:9], tol=0)
    case("overlapping_max_iter", overlapping, overlapping[:9], max_iter=7)
    case("overlapping_f32", overlapping[:700], overlapping[:5], dtype="f32", tol=0)
    for empty in (1, 2, 4):
        init = blobs[pick].copy()
        init[:empty] = 1000.0 + 10 * np.arange(empty)[:, None]
        case(f"empty_{empty}", blobs, init)
    case("one_cluster", blobs, blobs[:1])
    few = rng.normal(size=(23, 3))
    case("k_equals_n", few, few[::-1])
    repeated = np.repeat(np.array([[0.0, 0.0], [5.0, 1.0], [-3.0, 4.0]]), [7, 9, 5], axis=0)
    case("duplicates", repeated, [[1, 0], [4, 1], [0, 5], [9, 9], [-9, 2]])
    case("duplicates_same_start", repeated, [[0, 0], [0, 0], [5, 1], [5, 1], [-3, 4], [-3, 4]])
    line = np.concatenate([rng.normal(-3, 1, 300), rng.normal(2, 1.5, 300)])[:, None]
    case("one_feature", line, [[-9.0], [0.0], [0.5], [9.0]])
    wide, _ = make_blobs(60, centers=4, n_features=300, cluster_std=8.0, random_state=2)
    case("wide", wide, wide[:4], decimals=1)
    case("far", blobs + 1e6, blobs[pick] + 1e6)
    weights = np.round(rng.uniform(0, 3, size=700), 2)
    weights[::10] = 0.0
    case("weights", overlapping[:700], overlapping[:7], weights=weights)
    init = overlapping[:5].copy()
    init[[1, 3]] = [[50.0] * 5, [60.0] * 5]
    case("weights_empty", overlapping[:400], init, weights=weights[:400] + 0.25)
    # Points halfway between two centres: ties go to the lower one.
    grid = np.array([[i, j] for i in range(-6, 7) for j in range(-6, 7)], dtype=float)
    case("ties", grid, [[-3, 0], [3, 0], [0, 4], [0, -4]], tol=0)


if __name__ == "__main__":
    main()
