#!/bin/sh
# What a second replica pays, on two cores; by the clock.
#   bench_replicas.sh [STEPS] [ROUNDS] [SECONDS]      (defaults 100, 5 and 3)
# 1. The parallel efficiency: examples per second of two replicas that train one trial together over those of two copies of
#    one replica at the same moment. bench_pair takes a step of each in turn, because a machine's speed changes from second
#    to second; median and quartiles over STEPS.
# 2. Two replicas against PyTorch's DistributedDataParallel, two processes over gloo, ROUNDS of SECONDS in alternation
#    (skipped without python3-torch).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BATCHLAB_BUILD:-$root/build/release}
program=$build/tests/bench_trial
cmake --build "$build" --target bench_trial --target bench_pair >/dev/null
steps=${1:-100} rounds=${2:-5} seconds=${3:-3} python=/usr/bin/python3
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM

trial() { # model, global_batch, mini_batch, steps
  case $1 in
    mlp) net='{"name": "mlp", "hidden": [512, 512]}' ;;
    simple_cnn) net='{"name": "simple_cnn"}' ;;
  esac
  cat <<JSON
{"dataset": "glyphs", "model": $net, "global_batch": $2, "mini_batch": $3,
 "optimizer": {"name": "momentum", "weight_decay": 1e-4}, "lr": {"base": 0.0001}, "stop": {"steps": $4},
 "eval": {"every_examples": 1000000000}}
JSON
}
pair() { mpirun -n 2 --bind-to core "$build/tests/bench_pair" "$work/trial.json" "$steps"; }
together() { mpirun -n 2 --bind-to core "$program" "$work/ranks.json" 1 | cut -d' ' -f1; }
peer() { "$python" -B "$root/tests/bench/bench_models.py" "$1" "$2" "$seconds" 1 2; }
middle() { sort -g | awk '{ x[NR] = $1 } END { print (x[int((NR + 1) / 2)] + x[int(NR / 2) + 1]) / 2 }'; }
stolen() { awk '/^cpu /{print $9}' /proc/stat; }
steal=$(stolen) begin=$(date +%s)
torch=yes
"$python" -c 'import torch' 2>/dev/null || torch=

for case in mlp:2048:128:0.95:1.15 mlp:256:64:-:1.9 simple_cnn:256:64:0.97:-; do
  IFS=: read -r model batch mini goal peer_goal <<CASE
$case
CASE
  trial "$model" "$batch" "$mini" 100000 >"$work/trial.json"
  pair >"$work/pair"
  read -r rate median low high <"$work/pair"
  printf '%-11s B %4d  b %3d  two replicas %5.0f examples/s  efficiency %s (%s to %s; goal %s)' "$model" "$batch" "$mini" \
    "$rate" "$median" "$low" "$high" "$goal"
  if [ -n "$torch" ] && [ "$peer_goal" != - ]; then
    trial "$model" "$batch" "$mini" "$(echo "$rate $seconds $batch" | awk '{ print int($1 * $2 / $3) + 8 }')" >"$work/ranks.json"
    : >"$work/lead"
    i=0
    while [ "$i" -lt "$rounds" ]; do
      echo "$(together) $(peer "$model" "$batch")" | awk '{ print $1 / $2 }' >>"$work/lead"
      i=$((i + 1))
    done
    printf '  over DDP %.2f (goal %s)' "$(middle <"$work/lead")" "$peer_goal"
  fi
  echo
done
[ -n "$torch" ] || echo "DDP skipped: python3-torch is not installed (apt-get install python3-torch)"
echo "stolen by the host: $((($(stolen) - steal) * 100 / (($(date +%s) - begin + 1) * 100))) % of a core; load $(cut -d' ' -f1 /proc/loadavg)"
