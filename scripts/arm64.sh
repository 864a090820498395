#!/usr/bin/env bash
# Tests the program for 64-bit ARM on an x86-64 machine: the kernels' tests, then jobs whose results must have the bits of
# this machine's own program. As root, on Debian; not part of scripts/test.sh.
#
#   scripts/arm64.sh [FOLDER]
#   RANKFIT=PROGRAM scripts/arm64.sh [FOLDER]   compares with that program in place of building one
#
# FOLDER (default: arm64/ in cargo's target folder) gets a Debian 13 of its own with a cross compiler, HDF5 for ARM and
# qemu, 5 GB with what is built there; it is made once, and deleting it is all there is to undo. The program for ARM is
# built without MPI and optimised little, as tests are. On two cores about 9 minutes the first time, then 4, and
# what building this machine's own program takes.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
folder=$(realpath -m "${1:-$target/arm64}")
root=$folder/root
triple=aarch64-unknown-linux-gnu
# A compiler that is recent enough comes from the backports. HDF5 for x86-64 is what its crate's build script asks for the version.
packages=(ca-certificates rustc cargo libstd-rust-dev:arm64 gcc libc6-dev gcc-aarch64-linux-gnu libc6-dev:arm64
  libhdf5-dev:arm64 libhdf5-310 hdf5-tools qemu-user pkg-config)

say() { echo "arm64: $*"; }
die() { say "$*" >&2; exit 1; }

[[ $(id -u) -eq 0 ]] || die "run it as root: it makes a root folder and changes into it"

# A command in the root. What is mounted for it is there for it alone.
inside() {
  # shellcheck disable=SC2016
  unshare --mount bash -euc '
    root=$1 sources=$2 crates=$3
    shift 3
    mkdir -p "$root"/{src,cargo,td,results}
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind "$sources" "$root/src"
    mount --bind "$crates" "$root/cargo"
    exec chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
      CARGO_HOME=/cargo CARGO_TARGET_DIR=/td CARGO_PROFILE_DEV_DEBUG=false \
      CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
      CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64 \
      PKG_CONFIG_ALLOW_CROSS=1 PKG_CONFIG_PATH=/usr/lib/aarch64-linux-gnu/pkgconfig \
      "$@"' inside "$root" "$PWD" "${CARGO_HOME:-$HOME/.cargo}" "$@"
}

make_root() {
  local mirror
  # That of this machine's own packages.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' | sed -n 1p)
  [[ -n $mirror ]] || die "apt knows no archive of Debian's: write one into its sources"
  say "making $root"
  command -v mmdebstrap >/dev/null || { apt-get update -q && apt-get install -y -q --no-install-recommends mmdebstrap; }
  rm -rf "$root"
  mkdir -p "$folder"
  mmdebstrap --quiet --variant=apt --architectures=amd64,arm64 trixie "$root" \
    "deb $mirror trixie main" "deb $mirror trixie-backports main"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  inside apt-get update -qq
  inside apt-get install -y -qq --no-install-recommends -t trixie-backports "${packages[@]}"
  ln -s /usr/lib/x86_64-linux-gnu/libhdf5_serial.so.310 "$root/usr/local/lib/libhdf5.so"
  touch "$folder/made"
}

# cargo's arguments for ARM. The sources of the crates are this machine's cargo's.
on_arm() { inside sh -c 'cd /src && exec "$@"' sh cargo "$@" --target "$triple" --no-default-features --locked --offline; }

# Both programs run the job; what they found, numbers in hexadecimal, must be the same text.
compare() {
  local name=$1 job=$2 part
  shift 2
  say "$name"
  "$here" run "$job" "$@" --quiet --output "$folder/x86.h5" --on-existing replace >/dev/null
  inside sh -c 'cd /src && exec "$@"' sh qemu-aarch64 "/td/$triple/debug/rankfit" run "$job" "$@" --quiet \
    --output /results/arm.h5 --on-existing replace >/dev/null
  mv "$folder/x86.h5" "$root/results/x86.h5"
  for machine in x86 arm; do
    for part in model cv_results; do
      # Times are no results, and what file it is stands at the top.
      inside h5dump -m %a -g "/$part" "/results/$machine.h5" 2>/dev/null | sed 1d | awk '/(DATASET|ATTRIBUTE) ".*_time_?"/ { skip = 1 }
        !skip { print } /^   }/ { skip = 0 }' || true
    done > "$folder/$machine.txt"
  done
  [[ $(wc -l < "$folder/x86.txt") -gt 20 ]] || die "$name: no results"
  if ! cmp -s "$folder/x86.txt" "$folder/arm.txt"; then
    diff "$folder/x86.txt" "$folder/arm.txt" | head -n 20
    die "$name: the bits differ"
  fi
}

[[ -e $folder/made ]] || make_root
cargo fetch --locked --quiet
here=${RANKFIT:-$target/release/rankfit}
[[ -n ${RANKFIT:-} ]] || cargo build --release --locked --quiet

say "the kernels' tests"
on_arm test --lib kernel::
on_arm build --bin rankfit
inside qemu-aarch64 "/td/$triple/debug/rankfit" info

# Not those of PCA, TruncatedSVD and LinearRegression: the crate that finds their axes adds in an order of its own on each
# instruction set. Their last digits differ, as they do between x86-64 with and without AVX2.
blobs=(--set data.n_samples=40000 --set data.block_rows=5000)
compare "K-means" examples/kmeans_small.toml "${blobs[@]}"
compare "K-means in single precision" examples/kmeans_small.toml "${blobs[@]}" --set data.dtype=f32
compare "grid search over SVC" examples/svc_grid_small.toml
compare "logistic regression" examples/logistic.toml --set data.n_samples=20000
compare "search over forests" examples/forest.toml --set data.n_samples=1000 --set 'search.grid.n_estimators=[20]'
say "the same bits on x86-64 and ARM"
