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
    "global_batch": 64, "mini_batch": 16, "optimizer": {"name": "sgd"}, "lr": {"base": 0.001}, "stop": {"steps": 6000}
  },
  "layouts": {"replicas": $2, "threads": 1, "mode": "full"}
}
JSON
}

# Proportional share of the run's four processes, kB, while each has at least so much resident. The smallest sum seen: processes are
# looked at one after the other, and a page that another one maps meanwhile counts twice.
measure() { # resident at least, kB
  rm -rf "results-$$"
  "$binary" run shared.json --results "results-$$" >out 2>err &
  run=$!
  least=
  while kill -0 "$run" 2>/dev/null; do
    sum=0
    n=0
    for pid in $(grep -laF "results-$$" /proc/[0-9]*/cmdline 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|'); do
      [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = batchlab ] || continue
      pss=$(awk -v wanted="$1" '/^Rss:/ { rss = $2 } /^Pss:/ { pss = $2 } END { if (rss >= wanted) print pss }' \
        "/proc/$pid/smaps_rollup" 2>/dev/null)
      [ -n "$pss" ] && sum=$((sum + pss)) && n=$((n + 1))
    done
    [ "$n" -eq 4 ] && [ "$sum" -lt "${least:-$((sum + 1))}" ] && least=$sum
    sleep 0.1
  done
  wait "$run" || fail "the run"
  [ -n "$least" ] || fail "the driver and its three ranks were never seen together"
}

data=$((59000 * 788 / 1024)) # 28 x 28 pixels and a label each
write_experiment 1000 3
measure 20000
small=$least
write_experiment 60000 3
measure $((data + 20000))
echo "data of $((data / 1024)) MB: three ranks and their driver grew from $((small / 1024)) to $((least / 1024)) MB"
[ $((least - small)) -gt $((data * 8 / 10)) ] || fail "the data was not seen at all"
[ $((least - small)) -lt $((data * 16 / 10)) ] || fail "the data is there more than once"

"$binary" plan shared.json --results planned | grep -q "MB of it data, held once by a host" || fail "the plan"
"$binary" plan shared.json --results planned --json >plan.json || fail "the plan as JSON"
awk -v d="$data" '/"data_bytes"/ { planned = $2 / 1024 } END { exit !(planned > 0.98 * d && planned < 1.05 * d) }' plan.json ||
  fail "data_bytes of the plan: $(grep data_bytes plan.json)"
