#!/bin/sh
# scaling_validation.sh [FOLDER]: how far the scaling model misses what it has not seen, on this machine. By hand: a few
# minutes, and honest only while nobody else computes here.
#
# 1. One host: calibrates (bench comm), fits single-replica layouts at two batches and two mini-batches, predicts other batches
#    and mini-batches on one and two replicas.
#    Any study's own layouts, each batch predicted from the others: scaling_predict RESULTS RESULTS two_cores CALIBRATION.h5
# 2. Two and three hosts (network namespaces; needs root): calibrates messages over a link of 1 Gb/s, predicts sums over links
#    of 1, 0.5 and 0.2 Gb/s, for `noop` models of two sizes.
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${BATCHLAB_BUILD:-$root/build/release}
binary=$build/batchlab
predict=$build/tests/tools/scaling_predict
work=${1:-$(mktemp -d)}
mkdir -p "$work" || exit 1
export BATCHLAB_ROOT="$root"

fail() {
  echo "FAILED: $*"
  exit 1
}
steal() { awk '/^cpu / { print $9 }' /proc/stat; }
stolen=$(steal)
run() { # name, then overrides
  name=$1
  shift
  "$binary" run "$work/$name.json" --results "$work/results" "$@" >"$work/out" 2>"$work/err" || {
    cat "$work/out" "$work/err"
    fail "run $name"
  }
}

cat >"$work/base.json" <<'JSON'
{
  "experiment": "seen",
  "question": "How wrong is the scaling model?",
  "trial": {
    "dataset": {"name": "glyphs"},
    "model": {"name": "mlp", "hidden": [512, 512]},
    "global_batch": 1024, "mini_batch": 64,
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.02},
    "stop": {"steps": 60},
    "eval": {"every_examples": 1000000}
  },
  "sweep": {"global_batch": [256, 1024], "mini_batch": [32, 128]},
  "layouts": {"replicas": [1, 2], "mode": "verify", "steps": 40}
}
JSON
cp "$work/base.json" "$work/seen.json"
echo "== one host"
"$binary" bench comm --seconds 1 --results "$work/results" >"$work/comm" 2>&1 || fail "bench comm"
run seen
run base experiment=unseen 'sweep={"global_batch": [512, 2048, 4096], "mini_batch": [16, 64]}'
calibration=$work/results/calibration/$(uname -n).h5
"$predict" "$work/results/seen" "$work/results/unseen" two_cores "$calibration" || fail "prediction"

echo "== several hosts"
cat >"$work/noop.json" <<'JSON'
{
  "experiment": "noop",
  "question": "What does the link cost?",
  "trial": {
    "dataset": {"name": "glyphs"},
    "model": {"name": "noop", "weights": 1000000},
    "global_batch": 48, "mini_batch": 4,
    "optimizer": {"name": "sgd"},
    "lr": {"base": 0.02},
    "stop": {"steps": 40},
    "eval": {"every_examples": 1000000}
  },
  "sweep": {"model.weights": [100000, 1000000]},
  "layouts": {"replicas": [1], "mode": "verify", "steps": 30}
}
JSON
over() { # hosts, rate, what runs
  hosts=$1 rate=$2
  shift 2
  for i in $(seq "$hosts"); do echo "10.77.0.$i slots=1"; done >"$work/hostfile"
  sh "$root/tests/tools/lan.sh" "$hosts" "$rate" timeout 300 mpirun --hostfile "$work/hostfile" -n "$hosts" "$@" \
    >"$work/out" 2>"$work/err"
  code=$?
  [ "$code" -ne 77 ] || {
    cat "$work/out"
    exit 0
  }
  [ "$code" -eq 0 ] || {
    cat "$work/out" "$work/err"
    fail "$hosts hosts: exit code $code"
  }
}
run noop
over 2 1gbit "$binary" bench comm --seconds 0.5 --results "$work/lan"
lan=$work/lan/calibration/lan1.h5
cat >"$work/lan.json" <<'JSON'
{"cluster": "lan", "nodes": 3, "ranks_per_node": 1, "cores_per_node": 2}
JSON
for hosts in 2 3; do
  for factor in 1 0.5 0.2; do
    rate=$(awk -v f="$factor" 'BEGIN { print f * 1000 "mbit" }')
    over "$hosts" "$rate" "$binary" run "$work/noop.json" "layouts.replicas=[$hosts]" --results "$work/lan-$hosts-$factor"
    echo "-- $hosts hosts, $rate"
    "$predict" "$work/results/noop" "$work/lan-$hosts-$factor/noop" "$work/lan.json" "$lan" "$factor" || fail "prediction"
  done
done | tee "$work/hosts"
awk '/measured/ { for (i = 1; i <= NF; i++) if ($i == "%") e = $(i - 1)
    n++; x[n] = e < 0 ? -e : e }
  END { for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++) if (x[j] < x[i]) { t = x[i]; x[i] = x[j]; x[j] = t }
    printf "several hosts together: %d layouts, error %.1f %% median, %.1f %% worst\n", n, x[int((n + 1) / 2)], x[n] }' "$work/hosts"
echo "CPU stolen by the host meanwhile: $((($(steal) - stolen) / 100)) s"
