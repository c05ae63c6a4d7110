#!/bin/sh
# What a second replica pays, on a machine of two idle cores; all by the clock, in alternation, medians of ROUNDS.
#   bench_replicas.sh [ROUNDS] [SECONDS]      (defaults 5 and 3)
# 1. Examples per second of two replicas that train one trial together over those of two copies of one replica, each with the
#    core of its own at the same moment: the parallel efficiency, free of what the cores take from each other. Beside it
#    the same of two copies that share nothing and only wait for each other after every step: what uneven cores cost.
# 2. The same two replicas against PyTorch's DistributedDataParallel, two processes over gloo (skipped without python3-torch).
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${BATCHLAB_BUILD:-$root/build/release}
program=$build/tests/bench_trial
cmake --build "$build" --target bench_trial >/dev/null
rounds=${1:-5} seconds=${2:-3} python=/usr/bin/python3
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
alone() { # core, output
  taskset -c "$1" "$program" "$work/trial.json" "$seconds" 1 >"$2"
}
together() { mpirun -n 2 --bind-to core "$program" "$work/ranks.json" 1 | cut -d' ' -f1; }
apart() { mpirun -n 2 --bind-to core "$program" "$work/apart.json" 1 1 apart | awk '{ print 2 * $1 }'; }
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
  : >"$work/efficiency"
  : >"$work/apart"
  : >"$work/lead"
  i=0
  while [ "$i" -lt "$rounds" ]; do
    alone 0 "$work/a" &
    alone 1 "$work/b"
    wait
    copies=$(cat "$work/a" "$work/b" | awk '{ s += $1 } END { print s }')
    trial "$model" "$batch" "$mini" "$(echo "$copies $seconds $batch" | awk '{ print int($1 * $2 / $3) + 8 }')" >"$work/ranks.json"
    trial "$model" "$batch" "$mini" "$(echo "$copies $seconds $batch" | awk '{ print int($1 * $2 / $3 / 2) + 8 }')" >"$work/apart.json"
    ours=$(together)
    echo "$(apart) $copies" | awk '{ print $1 / $2 }' >>"$work/apart"
    echo "$ours $copies" | awk '{ print $1 / $2 }' >>"$work/efficiency"
    if [ -n "$torch" ] && [ "$peer_goal" != - ]; then
      echo "$ours $(peer "$model" "$batch")" | awk '{ print $1 / $2 }' >>"$work/lead"
    fi
    i=$((i + 1))
  done
  printf '%-11s B %4d  b %3d  two replicas %.0f examples/s  efficiency %.3f (goal %s; of copies that wait %.3f)' "$model" "$batch" "$mini" "$ours" \
    "$(middle <"$work/efficiency")" "$goal" "$(middle <"$work/apart")"
  [ ! -s "$work/lead" ] || printf '  over DDP %.2f (goal %s)' "$(middle <"$work/lead")" "$peer_goal"
  echo
done
[ -n "$torch" ] || echo "DDP skipped: python3-torch is not installed (apt-get install python3-torch)"
echo "stolen by the host: $((($(stolen) - steal) * 100 / (($(date +%s) - begin + 1) * 100))) % of a core; load $(cut -d' ' -f1 /proc/loadavg)"
