#!/usr/bin/env bash
# Installs what rankfit is built from and started with, where it is missing: MPI, HDF5, clang (for bindgen), make.
#
#   scripts/install.sh              what building and running need
#   scripts/install.sh --tests      and python3-h5py, with which the tests read a results file from outside, and procps, with whose
#                                   kill and pgrep they stop programs
#   scripts/install.sh --figures    and python3-matplotlib, with which scripts/scaling_study.sh draws
#
# On Debian and Ubuntu it uses apt (through sudo unless root). Elsewhere it says what to install and goes on when it is there.
# Running it again does nothing. Rust itself comes from https://rustup.rs.
set -euo pipefail

say() { echo "install: $*"; }

packages=(gcc libc6-dev make pkg-config openmpi-bin libopenmpi-dev libhdf5-dev libclang-dev clang)
for option in "$@"; do
  case $option in
    --tests) packages+=(python3-h5py procps) ;;
    --figures) packages+=(python3-matplotlib) ;;
    *) echo "install: unknown option $option" >&2; sed -n '2,10p' "$0" >&2; exit 2 ;;
  esac
done

# Whether a Debian package is installed and configured.
installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# The packages of the list that are not there, one a line.
missing_packages() {
  local package
  for package in "${packages[@]}"; do installed "$package" || echo "$package"; done
}

install_with_apt() {
  local missing sudo=()
  mapfile -t missing < <(missing_packages)
  if [[ ${#missing[@]} -eq 0 ]]; then
    say "every package is there: ${packages[*]}"
    return
  fi
  if [[ $(id -u) -ne 0 ]]; then
    command -v sudo >/dev/null || { say "not root and no sudo; ask for: apt-get install ${missing[*]}"; exit 1; }
    sudo=(sudo)
  fi
  say "installing with apt: ${missing[*]}"
  "${sudo[@]}" apt-get update -q
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# Without apt: look for the tools themselves and name what is not found.
check_by_hand() {
  local absent=()
  command -v cc >/dev/null || absent+=("a C compiler")
  command -v make >/dev/null || absent+=("make")
  command -v pkg-config >/dev/null || absent+=("pkg-config")
  command -v clang >/dev/null || absent+=("clang with libclang")
  command -v mpicc >/dev/null || absent+=("an MPI with mpicc (Open MPI 4 or 5, MPICH)")
  command -v h5cc >/dev/null || pkg-config --exists hdf5 2>/dev/null || [[ -n ${HDF5_DIR:-} ]] ||
    absent+=("the HDF5 library with headers (set HDF5_DIR to where it lies)")
  if [[ ${#absent[@]} -eq 0 ]]; then
    say "no apt here, but everything that is needed was found"
    return
  fi
  say "no apt here; please install, or load as modules:"
  printf '  - %s\n' "${absent[@]}"
  exit 1
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  install_with_apt
else
  check_by_hand
fi

command -v cargo >/dev/null || {
  say "cargo was not found: install Rust 1.89 or newer from https://rustup.rs and run this again"
  exit 1
}
say "$(cargo --version), $( (mpirun --version 2>/dev/null || mpiexec --version 2>/dev/null) | head -n 1)"
