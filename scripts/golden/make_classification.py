"""Makes tests/data/classification.h5: the data set of the tutorial's grid search.

    make_classification(n_samples=10000, n_features=4, random_state=0)

X (10000, 4) f64 and y (10000,) i64, chunked, shuffled and gzipped by h5py. The versions are attributes of the file.

    python scripts/golden/make_classification.py
"""

from pathlib import Path

import h5py
import numpy
import sklearn
from sklearn.datasets import make_classification

x, y = make_classification(n_samples=10000, n_features=4, random_state=0)
target = Path(__file__).resolve().parents[2] / "tests" / "data" / "classification.h5"
target.parent.mkdir(parents=True, exist_ok=True)
with h5py.File(target, "w") as file:
    options = dict(compression="gzip", compression_opts=9, shuffle=True, chunks=True)
    file.create_dataset("X", data=x, **options)
    file.create_dataset("y", data=y, **options)
    file.attrs["origin"] = "sklearn.datasets.make_classification(n_samples=10000, n_features=4, random_state=0)"
    file.attrs["versions"] = f"scikit-learn {sklearn.__version__}, numpy {numpy.__version__}, h5py {h5py.__version__}"
print(f"{target}: {target.stat().st_size} bytes")
