#!/bin/sh
# `advise` on a small study: what a person and a program read, for named clusters and described ones, and how it refuses.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
  echo "FAILED: $*"
  cat out err
  exit 1
}
run() {
  "$binary" "$@" >out 2>err </dev/null || fail "batchlab $* leaves with $?"
}
says() {
  grep -qF -- "$1" out || fail "advise does not say '$1'"
}
refuses() { # exit code, words, arguments
  code=$1 words=$2
  shift 2
  "$binary" advise "$@" >out 2>err </dev/null
  [ $? -eq "$code" ] || fail "advise $* does not leave with $code"
  grep -qF -- "$words" err || fail "advise $* does not say '$words'"
}
cat >study.json <<'JSON'
{
  "experiment": "study",
  "question": "Which batch on which machine?",
  "trial": {
    "dataset": {"name": "blobs"},
    "model": {"name": "mlp", "hidden": [16]},
    "global_batch": 32,
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.05},
    "stop": {"metric": "valid_accuracy", "target": 0.9, "epochs": 20}
  },
  "sweep": {"global_batch": [32, 64, 128, 256]},
  "seeds": 2,
  "layouts": {"replicas": [1], "steps": 20}
}
JSON
run run study.json

run advise study.json --cluster ethernet_10g
says "fastest at >= 80 % efficiency"
says "cheapest"
says "assumed"
says "512 replicas"
figure=$(tail -n 1 out)
[ "$figure" = results/study/figures/advice.svg ] && [ -s "$figure" ] || fail "the last line names no figure: '$figure'"
[ -s results/study/tables/advice.tsv ] || fail "no table"
run report results/study
grep -q 'id="figure-advice"' results/study/report.html || fail "the report has no map"
grep -qF 'on ethernet_10g' results/study/report.html || fail "the report's map is of another cluster"

run advise results/study --cluster infiniband_100g --json
says '"cluster": "infiniband_100g"'
says '"seconds_to_target_90"'
if command -v python3 >/dev/null; then
  python3 - out <<'PY' || fail "the JSON is not what it should be"
import json, sys
a = json.load(open(sys.argv[1]))
f, e, c = a["fastest"], a["efficient"], a["cheapest"]
assert f["seconds_to_target"] <= e["seconds_to_target"] and e["efficiency"] >= 0.8, (f, e)
assert c["replica_seconds"] <= min(f["replica_seconds"], e["replica_seconds"]) and a["assumed"], c
PY
fi

sed 's/"nodes": 16/"nodse": 16/' "$root/experiments/clusters/ethernet_10g.json" >bad.json
refuses 2 "did you mean 'nodes'" results/study --cluster bad.json
refuses 66 "did you mean 'ethernet_10g'" results/study --cluster ethernet_01g
refuses 2 "batchlab bench comm" results/study --cluster two_cores --calibration nowhere.h5
refuses 66 "several replicas" results/study
refuses 66 "no line 'sgd'" results/study --cluster ethernet_10g --line sgd
refuses 66 "there is no" nowhere --cluster ethernet_10g
run run study.json experiment=aimless 'trial.stop={"epochs": 1}'
refuses 66 "no batch reached a target" results/aimless --cluster ethernet_10g
echo "advise advises, and refuses with a reason"
