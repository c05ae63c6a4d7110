#!/bin/sh
# The gate on the smoke experiment: against the committed reference it passes (the same bits where platform and libraries
# match, statistics elsewhere); against references that were half as slow, or that nobody missed, it fails with exit code 3;
# `faster` fails too. JUnit is well-formed.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
experiment=$root/experiments/smoke.json
reference=$root/experiments/reference/smoke.json

fail() {
  echo "FAILED: $*"
  cat out err
  exit 1
}

check() { # code, what, words ...
  expected=$1 what=$2
  shift 2
  "$binary" check "$experiment" "$@" >out 2>err
  code=$?
  [ "$code" -eq "$expected" ] || fail "$what: exit code $code, not $expected"
}

check 0 "the committed reference" --junit junit.xml
[ "$(grep -c ': same:' out)" -eq 4 ] || fail "four cells are the same"
grep -q 'tests="4" failures="0"' junit.xml || fail "JUnit counts"
grep 'same bits' out >/dev/null || echo "another platform than the reference's: compared by statistics"

# other seeds, so that bits cannot help: what the statistics say
seeds='seeds=[1000,1001,1002,1003,1004,1005,1006,1007]'
check 0 "fresh seeds" "$seeds"
grep -q 'seeds see a slowdown' out || fail "the verdict states its power"

scaled() { # factor: the reference as if training had needed that much
  awk -v f="$1" '/"examples_to_target"/ { match($0, /[0-9.]+/); x = substr($0, RSTART, RLENGTH); sub(/[0-9.]+/, x * f) } { print }' \
    "$reference" >scaled.json
}
scaled 0.5
check 3 "twice as slow as the reference" "$seeds" --reference scaled.json --junit junit.xml
grep -q ': slower:' out || fail "slower is said"
grep -q '<failure type="slower"' junit.xml || fail "JUnit shows the failure"
scaled 2
check 3 "twice as fast as the reference" "$seeds" --reference scaled.json
grep -q ': faster:' out || fail "faster is said"
check 3 "runs that miss" "$seeds" trial.stop.epochs=0.5 --results missed --reference scaled.json --json
check 66 "no reference" --reference none.json
check 2 "a broken reference" --reference "$experiment"
check 2 "a margin that is none" --margin 2
echo "the gate passes what is the same and refuses slower, faster and missed"
