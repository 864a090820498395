#!/usr/bin/env bash
# From a fresh clone to both answers of the tutorial in one command, on 2 ranks:
#   1. the memory-bound case: K-means on blocks of a generated mixture of 12 normals in 20 dimensions;
#   2. the CPU-bound case: a cross-validated grid search over SVC, on the tutorial's own data set.
# Installs what is missing (apt), builds, runs, shows the results. RANKS=4 scripts/quickstart.sh takes more ranks.
# Its results go to ./quickstart, where a second run replaces them.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/mpi_env.sh

ranks=${RANKS:-2}
out=quickstart
rankfit=${CARGO_TARGET_DIR:-target}/release/rankfit

headline() { printf '\n== %s\n' "$*"; }

headline "Installing what is missing"
scripts/install.sh

headline "Building (about a minute the first time)"
cargo build --release --locked --quiet

mkdir -p "$out"

headline "Memory-bound: K-means over blocks, $ranks ranks (examples/kmeans_small.toml)"
mpi_run "$ranks" "$rankfit" run examples/kmeans_small.toml --output "$out/kmeans.h5" --on-existing replace

headline "CPU-bound: grid search over SVC, $ranks ranks (examples/svc_grid.toml)"
mpi_run "$ranks" "$rankfit" run examples/svc_grid.toml --output "$out/svc_grid.h5" --on-existing replace

headline "What lies in $out/kmeans.h5"
"$rankfit" inspect "$out/kmeans.h5"

headline "What lies in $out/svc_grid.h5"
"$rankfit" inspect "$out/svc_grid.h5"

headline "Done"
cat <<END
Results:       $out/kmeans.h5 and $out/svc_grid.h5 (HDF5; rankfit inspect FILE, or h5py)
The full size: mpirun -n $ranks $rankfit run examples/kmeans.toml   (100,000,000 rows, 16 GB, streamed)
On a cluster:  sbatch -N 4 -n 256 slurm/run.sbatch examples/kmeans.toml
END
