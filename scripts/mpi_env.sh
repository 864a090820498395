# The environment in which every script here starts ranks. Source it: `. scripts/mpi_env.sh`
#
# After that `mpirun -n N PROGRAM` works as root (containers, continuous integration) and with more ranks than cores, on
# Open MPI 4 and 5, MPICH and Intel MPI; `mpi_run N PROGRAM...` does the same with whatever launcher there is.
# MPIRUN=/path/to/launcher picks one.

# Open MPI refuses to run as root unless told twice; PRRTE is the launcher inside Open MPI 5.
if [ "$(id -u)" = 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

# More ranks than cores, for Open MPI 4 and 5. Only outside Slurm: there the allocation says how many ranks may run.
if [ -z "${SLURM_JOB_ID:-}" ]; then
  export OMPI_MCA_rmaps_base_oversubscribe=1
  export PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe
fi

# The launcher's path; fails when there is none.
mpi_launcher() {
  command -v "${MPIRUN:-mpirun}" || command -v mpiexec
}

# mpi_run N PROGRAM [ARGUMENT]...: N ranks of PROGRAM.
mpi_run() {
  local ranks=$1 launcher
  shift
  launcher=$(mpi_launcher) || {
    echo "mpi_env.sh: neither mpirun nor mpiexec is on the PATH; scripts/install.sh installs Open MPI" >&2
    return 127
  }
  # Ranks that share a core must not spin while they wait for one another.
  if [ "$ranks" -gt "$(nproc 2>/dev/null || echo 1)" ]; then
    OMPI_MCA_mpi_yield_when_idle=1 "$launcher" -n "$ranks" "$@"
  else
    "$launcher" -n "$ranks" "$@"
  fi
}
