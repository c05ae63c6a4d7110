#!/bin/sh
# `batchlab compare`: a results folder, an experiment file that stands for one, and reference files on either side come to
# the verdict that `check` gives for the same runs; what is neither gives one message.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID BATCHLAB_DATA
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

compare() { # words ...
  "$binary" compare "$@" >out 2>err || fail "compare $*: exit code $?"
  [ ! -s err ] || fail "compare $*: something on stderr"
}

sed 's/"experiment": "smoke"/"experiment": "mine"/' "$root/experiments/smoke.json" >mine.json
"$binary" check mine.json --update --reference mine_reference.json 'layouts.replicas=1' seeds=0..5 >out 2>err || fail "check --update"
"$binary" check mine.json --reference mine_reference.json 'layouts.replicas=1' seeds=100..105 --results fresh >verdicts 2>err
grep -c 'examples than the reference' verdicts | grep -qx 4 || fail "check gives no four verdicts"

# ---- the same runs
compare results/mine mine_reference.json
[ "$(grep -c 'same: the same bits' out)" -eq 4 ] || fail "a folder and its own reference are the same bits"
compare mine_reference.json mine.json
[ "$(grep -c 'same: the same bits' out)" -eq 4 ] || fail "an experiment file stands for its results"

# ---- other seeds: the gate's sentences, from a file and from a folder
for side in mine_reference.json results/mine; do
  compare "$side" fresh/mine
  sed -n 's/.*B = \([0-9]*\): .*; \([a-z]*: .*\)/\1 \2/p' out >ours
  sed -n 's/.*B = \([0-9]*\): \([a-z]*: .*\)/\1 \2/p' verdicts | cmp -s - ours || fail "compare $side fresh/mine: other verdicts than check's"
  [ "$(grep -c 'ratio [0-9.]* ([0-9.]* to [0-9.]*)' out)" -eq 4 ] || fail "no ratio with its interval"
done

# ---- half the examples, in the file
awk '/"examples_to_target"/ { match($0, /[0-9.]+/); x = substr($0, RSTART, RLENGTH); sub(/[0-9.]+/, x / 2) } { print }' \
  mine_reference.json >half.json
compare half.json fresh/mine
grep -q '; slower: ' out || fail "twice the examples are slower"
compare fresh/mine half.json --json
grep -q '"verdict": "faster"' out || fail "and the other way round faster"
if command -v python3 >/dev/null; then
  python3 - out <<'PY' || fail "compare --json"
import json, sys
root = json.load(open(sys.argv[1]))
assert root["reference"]["kind"] == "results" and root["checked"]["kind"] == "reference"
assert len(root["cells"]) == 4 and root["only_reference"] == root["only_checked"] == []
for cell in root["cells"]:
    assert cell["ratio_lo"] < cell["ratio"] < cell["ratio_hi"] and cell["same_settings"]
    assert abs(cell["ratio"] - 1 - cell["slowdown"]) < 1e-12 and cell["runs_reference"] == cell["runs_checked"] == 6
PY
else
  echo "the JSON is not looked into: python3 is not installed"
fi

# ---- cells without a partner are named
awk '/"global_batch": 32,/ { sub(/32/, "33") } { print }' mine_reference.json >moved.json
compare moved.json results/mine
grep -q 'momentum, B = 33: only in the reference' out || fail "a cell of the first that has no partner"
grep -q 'momentum, B = 32: only in what is checked' out || fail "a cell of the second that has no partner"

# ---- bad words: one message, its code, nothing on stdout
bad() { # code, message, words ...
  want=$1 says=$2
  shift 2
  "$binary" compare "$@" >out 2>err
  code=$?
  [ "$code" -eq "$want" ] || fail "compare $*: exit code $code, not $want"
  [ ! -s out ] && [ "$(grep -c '^batchlab: ' err)" -eq 1 ] && grep -q '^  hint: ' err || fail "compare $*: not one message with a hint"
  grep -qF -- "$says" err || fail "compare $*: no '$says'"
}
mkdir empty
echo '# no JSON' >text.md
echo '{"runs": []}' >other.json
echo '{"experiment": "x", "cells": [{"series": 1}]}' >broken.json
bad 66 'neither a results folder nor a reference: it does not exist' nowhere mine_reference.json
bad 66 'neither a results folder nor a reference: a folder without experiment.json' results/mine empty
bad 2 'neither a results folder nor a reference: a JSON file without cells' other.json results/mine
bad 2 "taking 'text.md'" results/mine text.md
bad 2 'lacks config, series, global_batch or runs' broken.json results/mine
bad 66 'holds no results' results/mine mine.json --results elsewhere
bad 2 'takes two results folders or references, not 1' results/mine
bad 2 'not a fraction' results/mine results/mine --margin 1
echo "folders and files compare as the gate does"
