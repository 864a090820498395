#!/usr/bin/env bash
# Strong and weak scaling of a job: how the time falls with more ranks, and how it holds when the data grow with them.
#
#   scripts/scaling_study.sh JOB.toml [--set key=value]...
#   RANKS="1 2 4" REPEATS=3 OUT=scaling scripts/scaling_study.sh examples/kmeans_small.toml
#
# Strong: the job as it is on each number of ranks. Weak: n_samples times the number of ranks (jobs whose data are generated).
# Times are the slowest rank's total in the results file; medians over the repeats. In OUT (default ./scaling):
#   NAME_runs.csv      every run        NAME_scaling.csv   medians, speed-up, efficiency
#   NAME_scaling.png   the figure, when python3 has matplotlib (scripts/install.sh --figures)
# Inside a Slurm allocation the ranks are started there. RANKFIT=/path/to/rankfit takes another program.
set -euo pipefail
[[ $# -ge 1 && -f $1 ]] || { sed -n '2,11p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
. "$here/mpi_env.sh"

job=$1
shift
overrides=("$@")
ranks=${RANKS:-1 2}
repeats=${REPEATS:-3}
out=${OUT:-scaling}
rankfit=${RANKFIT:-${CARGO_TARGET_DIR:-$here/../target}/release/rankfit}
name=$(basename "$job" .toml)
runs=$out/${name}_runs.csv
table=$out/${name}_scaling.csv

if [[ ! -x $rankfit ]]; then (cd "$here/.." && cargo build --release --locked); fi
mkdir -p "$out"
scratch=$(mktemp -d "$out/.study.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# The largest number of a per-rank array of /timing in the JSON that `rankfit inspect --json` printed to file $1.
slowest() {
  awk -v key="\"$2\":" '
    /^  "timing":/ { inside = 1 }
    /^  }/ { inside = 0 }
    inside && $1 == key { reading = 1; next }
    reading && /\]/ { exit }
    reading { gsub(/[ ,]/, ""); if ($0 + 0 > most) most = $0 + 0 }
    END { printf "%.6f", most }' "$1"
}

# One run: appends "mode,ranks,repeat,n_samples,total,compute,communicate,wait" (seconds of the slowest rank).
measure() {
  local mode=$1 n=$2 repeat=$3 rows=$4 extra=()
  [[ $mode == weak ]] && extra=(--set "data.n_samples=$rows")
  mpi_run "$n" "$rankfit" run "$job" ${overrides[@]+"${overrides[@]}"} ${extra[@]+"${extra[@]}"} \
    --output "$scratch/run.h5" --on-existing replace >"$scratch/log" 2>&1 ||
    { cat "$scratch/log" >&2; echo "scaling_study: the run on $n ranks failed" >&2; exit 1; }
  "$rankfit" inspect --json "$scratch/run.h5" >"$scratch/run.json"
  local line="$mode,$n,$repeat,$rows"
  for phase in total compute communicate wait; do line+=",$(slowest "$scratch/run.json" "$phase")"; done
  echo "$line" | tee -a "$runs"
}

# n_samples of the job file or of a --set, without underscores; empty when the data are not generated.
rows=$(printf '%s\n' ${overrides[@]+"${overrides[@]}"} | sed -n 's/^\(--set=\)\{0,1\}data\.n_samples=\([0-9_]*\)$/\2/p' | tail -n 1)
[[ -n $rows ]] || rows=$(sed -n 's/^[[:space:]]*n_samples[[:space:]]*=[[:space:]]*\([0-9_]*\).*/\1/p' "$job" | head -n 1)
rows=${rows//_/}

echo "mode,ranks,repeat,n_samples,total_s,compute_s,communicate_s,wait_s" | tee "$runs"
for n in $ranks; do
  for repeat in $(seq "$repeats"); do measure strong "$n" "$repeat" "$rows"; done
done
if [[ -n $rows ]]; then
  for n in $ranks; do
    for repeat in $(seq "$repeats"); do measure weak "$n" "$repeat" $((rows * n)); done
  done
else
  echo "scaling_study: no weak scaling: this job's data have a fixed size" >&2
fi

# Medians over the repeats; speed-up and efficiency against the first number of ranks.
tail -n +2 "$runs" | sort -t, -k1,1 -k2,2n -k5,5g | awk -F, '
  function close_group() {
    if (!count) return
    middle = int((count + 1) / 2)
    median = count % 2 ? time[middle] : (time[middle] + time[middle + 1]) / 2
    if (mode != base_mode) { base_mode = mode; base_ranks = ranks; base_time = median }
    speedup = mode == "strong" ? base_time / median : base_time * ranks / (median * base_ranks)
    printf "%s,%d,%s,%.6f,%.6f,%.6f,%.4f,%.4f\n", mode, ranks, rows, median, time[1], time[count],
           speedup, speedup * base_ranks / ranks
    count = 0
  }
  BEGIN { print "mode,ranks,n_samples,median_s,min_s,max_s,speedup,efficiency" }
  $1 != mode || $2 != ranks { close_group(); mode = $1; ranks = $2; rows = $4 }
  { time[++count] = $5 }
  END { close_group() }' >"$table"

echo
cat "$table"
echo
echo "Figures in numbers: $table (every run: $runs)"
# apt's matplotlib belongs to /usr/bin/python3, which need not be the first on the PATH.
for python in ${PYTHON:-python3 /usr/bin/python3}; do
  "$python" -c 'import matplotlib' 2>/dev/null && break
  python=
done
if [[ -n $python ]]; then
  "$python" "$here/plot_scaling.py" "$table" "$out/${name}_scaling.png"
else
  echo "No picture: python3 has no matplotlib here (scripts/install.sh --figures; then python3 scripts/plot_scaling.py $table)"
fi
