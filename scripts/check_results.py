#!/usr/bin/env python3
"""Opens results files with h5py, as a user would, and checks what they promise: names, shapes, types.

    python3 scripts/check_results.py KMEANS.h5 SVC_GRID.h5

The first is the result of a K-means job, the second of a grid search over SVC with refit. Knows nothing of rankfit's code.
"""

import json
import sys

import h5py
import numpy as np

failures = []


def expect(condition, message):
    if not condition:
        failures.append(message)


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def array(group, name, shape, kind):
    """The dataset, checked for its shape (None: any length) and numpy kind ('f', 'i', 'O', ...)."""
    if name not in group:
        failures.append(f"{group.file.filename}: no {group.name}/{name} among {sorted(group)}")
        return None
    data = group[name]
    place = f"{group.file.filename}:{data.name}"
    fits = len(data.shape) == len(shape) and all(w in (None, n) for n, w in zip(data.shape, shape))
    expect(fits, f"{place}: shape {data.shape}, expected {shape}")
    expect(data.dtype.kind in kind, f"{place}: dtype {data.dtype}, expected kind {kind}")
    values = data[()]
    if data.dtype.kind == "f" and not name.endswith("_time"):
        expect(np.isfinite(values).all(), f"{place}: not finite")
    return values


def check_root(file, estimator):
    for name in ("format", "format_version", "software", "software_version", "status"):
        expect(name in file.attrs, f"{file.filename}: no attribute {name}")
    expect(text(file.attrs.get("format")) == "rankfit-results", f"{file.filename}: format")
    expect(text(file.attrs.get("status")) == "complete", f"{file.filename}: status")
    for group in ("model", "timing", "provenance"):
        expect(group in file, f"{file.filename}: no group {group}")
    expect(text(file["model"].attrs.get("estimator")) == estimator, f"{file.filename}: estimator")
    check_timing(file)


def check_timing(file):
    timing = file["timing"]
    total = array(timing, "total", (None,), "f")
    for phase in ("load", "compute", "communicate", "wait", "write"):
        array(timing, phase, (None if total is None else len(total),), "f")


def check_kmeans(path):
    with h5py.File(path) as file:
        check_root(file, "KMeans")
        centers = array(file["model"], "cluster_centers_", (None, None), "f")
        inertia = array(file["model"], "inertia_", (), "f")
        n_iter = array(file["model"], "n_iter_", (), "iu")
        expect(inertia > 0 and n_iter >= 1, f"{path}: inertia_ {inertia}, n_iter_ {n_iter}")
        history = array(file["history"], "inertia", (None,), "f")
        array(file["history"], "center_shift", (len(history),), "f")
        if "labels_" in file["model"]:
            labels = array(file["model"], "labels_", (None,), "i")
            expect(labels.min() >= 0 and labels.max() < len(centers), f"{path}: labels_ out of range")
        print(f"{path}: {len(centers)} centres of {centers.shape[1]} numbers, inertia_ {inertia!r}, n_iter_ {n_iter}")


def check_search(path):
    with h5py.File(path) as file:
        check_root(file, "SVC")
        table = file["cv_results"]
        mean = array(table, "mean_test_score", (None,), "f")
        n = len(mean)
        for name in ("std_test_score", "split0_test_score", "mean_fit_time", "std_fit_time", "mean_score_time"):
            array(table, name, (n,), "f")
        array(table, "rank_test_score", (n,), "iu")
        array(table, "param_C", (n,), "fO")
        params = [json.loads(text(p)) for p in array(table, "params", (n,), "OS")]
        best = int(table.attrs["best_index_"])
        expect(table.attrs["best_score_"] == mean[best] == mean.max(), f"{path}: best_score_ is not the best")
        expect(json.loads(text(table.attrs["best_params_"])) == params[best], f"{path}: best_params_")
        model = file["model"]
        support = array(model, "support_", (None,), "iu")
        vectors = array(model, "support_vectors_", (len(support), None), "f")
        array(model, "dual_coef_", (None, len(support)), "f")
        array(model, "intercept_", (None,), "f")
        classes = array(model, "classes_", (None,), "ifO")
        counts = array(model, "n_support_", (len(classes),), "iu")
        expect(counts.sum() == len(support), f"{path}: n_support_ does not add up")
        print(f"{path}: best {params[best]} with {float(mean[best])!r}, {len(vectors)} support vectors")


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    check_kmeans(sys.argv[1])
    check_search(sys.argv[2])
    if failures:
        sys.exit("\n".join(failures))
    print(f"h5py {h5py.__version__} reads both files as promised")


if __name__ == "__main__":
    main()
