"""Writes tests/data/classification.h5: the data set of the tutorial's grid search.

make_classification(n_samples=10000, n_features=4, random_state=0), X in f64 (10000, 4), y in i64 (10000,).
"""
import pathlib

import h5py
import sklearn
from sklearn.datasets import make_classification

out = pathlib.Path(__file__).parents[2] / "tests/data/classification.h5"
X, y = make_classification(n_samples=10000, n_features=4, random_state=0)
with h5py.File(out, "w") as f:
    f.attrs["origin"] = "sklearn.datasets.make_classification(n_samples=10000, n_features=4, random_state=0)"
    f.attrs["sklearn"] = sklearn.__version__
    f.create_dataset("X", data=X, compression="gzip", shuffle=True)
    f.create_dataset("y", data=y.astype("i8"), compression="gzip", shuffle=True)
print(out, out.stat().st_size, "bytes")
