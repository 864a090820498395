#!/usr/bin/env bash
# Both cases of the tutorial through the program on 2 ranks: the answers are checked, and h5py reads the files when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/mpi_env.sh

rankfit=${CARGO_TARGET_DIR:-target}/release/rankfit
[[ -x $rankfit ]] || cargo build --release --locked
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

echo "end to end: K-means on 2 ranks"
mpi_run 2 "$rankfit" run examples/kmeans_small.toml --set data.n_samples=120000 --set data.block_rows=10000 \
  --set output.labels=true --output "$out/kmeans.h5"
echo "end to end: grid search over SVC on 2 ranks"
mpi_run 2 "$rankfit" run examples/svc_grid.toml --output "$out/svc_grid.h5"

"$rankfit" inspect --json "$out/svc_grid.h5" | grep -q '"best_score_": 0.9119000000000002' ||
  { echo "end to end: the grid search's best_score_ is not 0.9119000000000002" >&2; exit 1; }

# apt's h5py belongs to /usr/bin/python3, which need not be the first on the PATH.
for python in ${PYTHON:-python3 /usr/bin/python3}; do
  "$python" -c 'import h5py' 2>/dev/null && break
  python=
done
if [[ -n $python ]]; then
  "$python" scripts/check_results.py "$out/kmeans.h5" "$out/svc_grid.h5"
else
  echo "end to end: h5py is not installed, so the files were not read from outside (scripts/install.sh --tests)"
fi
