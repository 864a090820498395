"""Makes examples/centers.csv: the tutorial's 12 centres.

They are the means, label by label, of make_blobs(n_samples=1000, centers=12, n_features=20, random_state=0).
One centre a row, no header, numbers written so that they read back to the same bits. Last made with scikit-learn 1.9.1.

    python scripts/golden/make_centers.py
"""

from pathlib import Path

import sklearn
from sklearn.datasets import make_blobs

N_CENTERS, N_FEATURES = 12, 20

x, y = make_blobs(n_samples=1000, centers=N_CENTERS, n_features=N_FEATURES, random_state=0)
rows = [x[y == label].mean(0) for label in range(N_CENTERS)]
target = Path(__file__).resolve().parents[2] / "examples" / "centers.csv"
target.write_text("".join(",".join(repr(float(v)) for v in row) + "\n" for row in rows))
print(f"{target}: {len(rows)} centres, scikit-learn {sklearn.__version__}")
