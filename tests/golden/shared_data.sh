#!/bin/sh
# The processes of a run hold its data once: what the driver and the ranks have resident, each page divided among those that
# share it, grows by the size of the data and not by so much for every process. The plan says so.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
[ -r /proc/self/smaps_rollup ] || { echo "this kernel does not tell how memory is shared (/proc/self/smaps_rollup)" && exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
  echo "FAILED: $*"
  tail -n 20 "$work/err" | sed 's/^/  stderr: /'
  exit 1
}

write_experiment() { # training images, replicas
  cat >shared.json <<JSON
{
  "experiment": "shared", "question": "How much memory does a host need?",
  "trial": {
    "dataset": {"name": "glyphs", "train": $1, "valid": 500, "test": 500}, "model": {"name": "softmax"},
    "global_batch": 64, "mini_batch": 16, "optimizer": {"name": "sgd"}, "lr": {"base": 0.001}, "stop": {"steps": 3000}
  },
  "layouts": {"replicas": $2, "threads": 1, "mode": "full"}
}
JSON
}

# Proportional share of the run's processes, kB: the largest sum seen.
measure() {
  rm -rf "results-$$"
  "$binary" run shared.json --results "results-$$" >out 2>err &
  run=$!
  most=0
  while kill -0 "$run" 2>/dev/null; do
    sum=0
    for pid in $(grep -laF "results-$$" /proc/[0-9]*/cmdline 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|'); do
      [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = batchlab ] || continue
      pss=$(awk '/^Pss:/ { print $2 }' "/proc/$pid/smaps_rollup" 2>/dev/null)
      sum=$((sum + ${pss:-0}))
    done
    [ "$sum" -gt "$most" ] && most=$sum
    sleep 0.1
  done
  wait "$run" || fail "the run"
}

write_experiment 1000 3
measure
small=$most
write_experiment 60000 3
measure
data=$((59000 * 788 / 1024)) # 28 x 28 pixels and a label each
echo "data of $((data / 1024)) MB: three ranks and their driver grew from $((small / 1024)) to $((most / 1024)) MB"
[ $((most - small)) -gt $((data * 8 / 10)) ] || fail "the data was not seen at all"
[ $((most - small)) -lt $((data * 16 / 10)) ] || fail "the data is there more than once"

"$binary" plan shared.json --results planned | grep -q "MB of it data, held once by a host" || fail "the plan"
"$binary" plan shared.json --results planned --json >plan.json || fail "the plan as JSON"
awk -v d="$data" '/"data_bytes"/ { planned = $2 / 1024 } END { exit !(planned > 0.98 * d && planned < 1.05 * d) }' plan.json ||
  fail "data_bytes of the plan: $(grep data_bytes plan.json)"
