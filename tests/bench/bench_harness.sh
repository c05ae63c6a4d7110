#!/bin/sh
# What the harness costs around trials that take a millisecond, and around thousands of runs.
#   bench_harness.sh [ROUNDS] [FOLDER]      (defaults 5 and a new folder below TMPDIR; results go there)
# 1. 200 trials of the size of smoke.json, as a sweep over the learning rate and as a search: the wall time of
#    `batchlab run`, report included, against the same trials without any harness (bench_trials) on as many processes, in
#    alternation; medians. Limit: 5 ms a trial. Processor seconds do not depend on what else runs here.
#    Not within five minutes of deleting thousands of files from the same disk: ext4 passes by every inode that was
#    freed lately, and a new file costs milliseconds.
# 2. plan, fit, plot and report of 2,000 runs, the report with and without gathering. Limit: 20 s together.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BATCHLAB_BUILD:-$root/build/release}
binary=${BATCHLAB_BINARY:-$build/batchlab}
rounds=${1:-5}
work=${2:-}
[ -x "$build/tests/bench_trials" ] || cmake --build "$build" --target bench_trials >/dev/null
if [ -z "$work" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT INT TERM
fi
mkdir -p "$work"

experiment() { # name, further members
  cat <<JSON
{
  "experiment": "$1",
  "question": "What does the harness cost?",
  "trial": {
    "dataset": {"name": "blobs"},
    "model": {"name": "mlp", "hidden": [16]},
    "global_batch": 32, "mini_batch": "auto",
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.01, "base_batch": 32},
    "stop": {"metric": "valid_accuracy", "target": 0.95, "epochs": 20},
    "eval": {"every_examples": 128}
  },
  $2
  "layouts": {"mode": "full"}
}
JSON
}
rates() { # count, ratio
  awk -v n="$1" -v ratio="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s%.6g", i ? ", " : "", 0.005 * ratio ^ i }'
}
experiment sweep "\"sweep\": {\"lr.base\": [$(rates 200 1.01)]}," >"$work/sweep.json"
experiment search '"search": {"trials": 200, "rerun_seeds": 0,
    "space": {"lr.base": {"min": 0.005, "max": 0.04, "scale": "log"}}},' >"$work/search.json"
experiment many "\"sweep\": {\"lr.base\": [$(rates 50 1.05)], \"global_batch\": [16, 32, 64, 128],
    \"optimizer\": [{\"name\": \"momentum\"}, {\"name\": \"lamb\"}]}, \"seeds\": 5," >"$work/many.json"

median() { # of a column of a file
  awk -v column="$1" '{ print $column }' "$2" | sort -g |
    awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'
}
alone() { "$build/tests/bench_trials" "$@"; }
timed() { # a line of bench_trials: 0, wall seconds, processor seconds
  "$build/tests/bench_trials" -- "$@" 2>"$work/err" || {
    cat "$work/err" >&2
    return 1
  }
}
wall() { timed "$@" | awk '{ print $2 }'; }
stolen() { awk '/^cpu /{print $9}' /proc/stat; }
steal=$(stolen) start=$(date +%s)

for name in sweep search; do
  rm -f "$work/run" "$work/alone"
  i=0
  while [ "$i" -lt "$rounds" ]; do
    alone "$work/$name.json" >>"$work/alone"
    timed "$binary" run "$work/$name.json" --results "$work/results$i" >>"$work/run"
    i=$((i + 1))
  done
  echo "$(median 1 "$work/alone") $(median 2 "$work/run") $(median 2 "$work/alone") $(median 3 "$work/run") $(median 3 "$work/alone")" |
    awk -v name=$name '{
      printf "%-6s %d trials: %.2f s, trained alone %.2f s: overhead %.1f ms a trial (limit 5); %.1f ms of a processor\n",
        name, $1, $2, $3, 1000 * ($2 - $3) / $1, 1000 * ($4 - $5) / $1 }'
done

"$binary" run "$work/many.json" --results "$work/results" >/dev/null 2>&1
rm "$work/results/many/many.h5"
plan=$(wall "$binary" plan "$work/many.json" --results "$work/results")
fit=$(wall "$binary" fit "$work/results/many")
plot=$(wall "$binary" plot "$work/results/many")
report=$(wall "$binary" report "$work/results/many")
again=$(wall "$binary" report "$work/results/many")
echo "$plan $fit $plot $report $again" | awk '{
  printf "2,000 runs: plan %.1f, fit %.1f, plot %.1f, report %.1f s (nothing new: %.1f); together %.1f s (limit 20)\n",
    $1, $2, $3, $4, $5, $1 + $2 + $3 + $4 }'
echo "stolen by the host: $((($(stolen) - steal) * 100 / (($(date +%s) - start + 1) * 100))) % of a core; load $(cut -d' ' -f1 /proc/loadavg)"
