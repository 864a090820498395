#!/usr/bin/env bash
# Installs what is missing and runs every test: unit and doc tests, the black-box tests of the program, the tests that start
# 1 to 4 ranks under mpirun, and one end-to-end run of both tutorial jobs whose files h5py reads.
# Arguments go to cargo test: scripts/test.sh kmeans
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/install.sh --tests
. scripts/mpi_env.sh
# Tests that need mpirun fail, instead of being left out, when it is not there.
export RANKFIT_REQUIRE_MPI=1

log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo test --release --locked --no-fail-fast "$@" 2>&1 | tee "$log"
scripts/end_to_end.sh

# One line for all the closing lines of cargo's test runner above.
awk '/^test result:/ { programs++; passed += $4; failed += $6; ignored += $8 }
     END { printf "scripts/test.sh: %d passed, %d failed, %d ignored in %d test programs; end to end ok\n",
                  passed, failed, ignored, programs }' "$log"
