#!/bin/sh
# Training steps of the four model families, ours against PyTorch's CPU build, one thread each, in alternation on one core,
# in CPU seconds. Prints medians, the ratio of neighbours, the share of the sgemm peak that was measured in the same
# process, and the CPU time stolen by the host meanwhile.
#   bench_models.sh [--threads N] [ROUNDS] [SECONDS] [MODEL ...]   (defaults 7, 2 and all: mlp simple_cnn resnet transformer)
# With --threads both use N threads, unpinned, by the clock: an idle machine, and the batches that have work for them.
# Exit 77 with a reason when python3-torch is not there.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BATCHLAB_BUILD:-$root/build/release}
program=$build/tests/bench_trial
cmake --build "$build" --target bench_trial >/dev/null
threads=
[ "${1:-}" != --threads ] || { threads=$2 && shift 2; }
rounds=${1:-7} seconds=${2:-2} python=/usr/bin/python3
[ $# -gt 2 ] && shift 2 && models=$* || models="mlp simple_cnn resnet transformer"
core=$(($(nproc) - 1))
"$python" -c 'import torch' 2>/dev/null || {
  echo "skipped: python3-torch is not installed (apt-get install python3-torch)"
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
head -c 600000 /dev/urandom >"$work/bytes"

trial() { # model, global_batch, mini_batch
  optimizer='{"name": "momentum", "weight_decay": 1e-4}'
  case $1 in
    mlp) dataset='"glyphs"' net='{"name": "mlp", "hidden": [512, 512]}' ;;
    simple_cnn) dataset='"glyphs"' net='{"name": "simple_cnn"}' ;;
    resnet) dataset='"tiles"' net='{"name": "resnet", "n": 1}' ;;
    transformer)
      dataset="{\"name\": \"text\", \"path\": \"$work/bytes\", \"context\": 128}" optimizer='"adamw"'
      net='{"name": "transformer", "width": 128, "depth": 4, "heads": 4}'
      ;;
  esac
  cat <<JSON
{"dataset": $dataset, "model": $net, "global_batch": $2, "mini_batch": $3, "optimizer": $optimizer,
 "lr": {"base": 0.0001}, "stop": {"steps": 100000}, "eval": {"every_examples": 1000000000}}
JSON
}
cases() { # global_batch:mini_batch:goal
  case $1$threads in
    mlp[1-9]*) echo 256:64:1.3 2048:128:1.1 ;;
    simple_cnn[1-9]*) echo 256:64:1.25 ;;
    resnet[1-9]*) echo 256:64:1.6 ;;
    transformer[1-9]*) echo 32:8:1.4 ;;
    mlp) echo 32:32:2.0 256:64:1.3 2048:128:1.1 ;;
    simple_cnn) echo 32:32:1.25 256:64:1.25 ;;
    resnet) echo 32:32:1.6 256:64:1.6 ;;
    transformer) echo 8:8:1.4 32:32:1.4 ;;
    *) echo "no such model: $1" >&2 && exit 2 ;;
  esac
}
on() { # threads and cores, then the command
  if [ -n "$threads" ]; then
    OMP_NUM_THREADS=$threads "$@"
  else
    OMP_NUM_THREADS=1 taskset -c "$core" "$@"
  fi
}
stolen() { awk '/^cpu /{print $9}' /proc/stat; }
steal=$(stolen) begin=$(date +%s)
for model in $models; do
  for case in $(cases "$model"); do
    batch=${case%%:*} rest=${case#*:}
    mini=${rest%:*} goal=${rest#*:}
    trial "$model" "$batch" "$mini" >"$work/trial.json"
    : >"$work/ours"
    : >"$work/peer"
    i=0
    while [ "$i" -lt "$rounds" ]; do
      on "$program" "$work/trial.json" "$seconds" ${threads:+"$threads"} >>"$work/ours"
      on "$python" -B "$root/tests/bench/bench_models.py" "$model" "$batch" "$seconds" ${threads:+"$threads"} >>"$work/peer"
      i=$((i + 1))
    done
    paste "$work/ours" "$work/peer" | "$python" -c "
import statistics, sys
rows = [tuple(map(float, line.split())) for line in sys.stdin]
ours, flops, share, peer = (statistics.median(column) for column in zip(*rows))
ratios = sorted(row[0] / row[3] for row in rows)
print('%-11s B %4d  b %3d  ours %7.1f (%.0f GFLOP/s, %.0f %% of peak)  PyTorch %7.1f examples/s  ratio %.2f (%.2f to %.2f; goal %s)'
      % ('$model', $batch, $mini, ours, flops, 100 * share, peer, statistics.median(ratios), ratios[0], ratios[-1], '$goal'))"
  done
done
echo "stolen by the host: $((($(stolen) - steal) * 100 / (($(date +%s) - begin + 1) * 100))) % of a core; load $(cut -d' ' -f1 /proc/loadavg)"
