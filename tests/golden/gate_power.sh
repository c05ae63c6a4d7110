#!/bin/sh
# The gate with fresh seeds, on the workload of tests/tools/gate_power.sh, which plants regressions in the sources and counts
# over 20 repetitions: here once each, planted through settings. JUnit validates, --update shows what changes.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
cp "$root/tests/tools/gate_power.json" . || exit 1

fail() {
  echo "FAILED: $*"
  cat out err
  exit 1
}

check() { # code, what, words ...
  expected=$1 what=$2
  shift 2
  "$binary" check gate_power.json --reference reference.json "$@" >out 2>err
  code=$?
  [ "$code" -eq "$expected" ] || fail "$what: exit code $code, not $expected"
}

said() { # cells, verdict, what
  [ "$(grep -c "$2" out)" -eq "$1" ] || fail "$3: not $1 cells with '$2'"
}

junit() { # what
  command -v xmllint >/dev/null || return 0
  xmllint --noout --schema "$root/tests/golden/junit.xsd" junit.xml 2>err || fail "JUnit of $1"
}

optimizers() { # learning rate and momentum of the one, learning rate of the other
  echo "sweep.zip=[{\"optimizer\": [{\"name\": \"momentum\", \"momentum\": $2}, {\"name\": \"lamb\"}], \"lr.base\": [$1, $3]}]"
}

check 0 "a new reference" --update seeds=16
check 0 "the reference's own seeds" seeds=3 --junit junit.xml
said 4 'same: the same bits' "the reference's own seeds"
junit "the same bits"
check 0 "fresh seeds" seeds=1000..1004 --junit junit.xml
said 4 'same: .* 5 seeds see a slowdown of' "fresh seeds"
grep -q '^4 cells: 4 same, margin 2.0 %, unchanged training fails one check in 20; reference of 20' out || fail "the summary"
junit "fresh seeds"
check 3 "a slower learning rate" seeds=2000..2004 "$(optimizers 0.0028 0.9 0.0014)" --junit junit.xml
said 4 'slower: .* against other settings of lr.base (' "a slower learning rate"
grep -q 'failures="4"' junit.xml || fail "JUnit counts the slower ones"
junit "slower cells"
check 3 "less momentum" seeds=2000..2004 "$(optimizers 0.004 0.8 0.002)"
said 2 '^momentum.*slower: .* optimizer.momentum (0.8 for 0.9)' "less momentum"
said 2 '^lamb.*same: ' "the other optimizer"
check 3 "a target out of reach in time" seeds=2000..2001 trial.stop.epochs=0.5
said 4 'missed: 2 of 2 runs missed the target (reference: 0 of 16)' "no time"
check 0 "a batch size between" seeds=2000..2004 'sweep.global_batch=[64]'
said 2 'same: .*; interpolated between batch sizes' "a batch size between"
check 0 "a batch size beyond" seeds=2000..2004 'sweep.global_batch=[256]' --junit junit.xml
said 2 'unknown: the reference has neither' "a batch size beyond"
grep -q 'skipped="2"' junit.xml || fail "JUnit skips what is unknown"
junit "unknown cells"
sed -i 's/"trajectory_sha256": "../"trajectory_sha256": "zz/' reference.json
check 0 "other bits" seeds=3
said 4 "the bits of the reference's seeds have changed" "other bits"
check 0 "another reference" --update seeds=8 'sweep.global_batch=[32, 64]'
[ "$(grep -c 'B = 32: [0-9,]* (16 runs) -> [0-9,]* (8 runs); same' err)" -eq 2 ] || fail "what changes by an update"
[ "$(grep -c 'B = 64: nothing -> ' err)" -eq 2 ] || fail "new cells of an update"
[ "$(grep -c 'B = 128: .* (16 runs) -> gone' err)" -eq 2 ] || fail "cells that an update drops"
command -v xmllint >/dev/null || echo "xmllint is not installed: JUnit's shape was not validated"
echo "fresh seeds pass, planted regressions are caught, and the rest is said"
