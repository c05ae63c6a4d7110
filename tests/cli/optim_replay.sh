#!/bin/sh
# optim_replay: the committed reference numbers replay, wrong ones are found wherever they stand, and what it does not know
# is never taken for a pass.
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
replay=${BATCHLAB_BUILD:-$root/build/release}/tests/tools/optim_replay
fixtures=$root/tests/unit/optimizer_fixtures.json
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  grep -v '^replayed' "$work/out" | tail -n 20
  exit 1
}
run() { # file; sets code and last
  "$replay" "$1" >"$work/out" 2>"$work/err"
  code=$?
  last=$(tail -n 1 "$work/out")
}

run "$fixtures"
[ "$code" -eq 0 ] || fail "the committed fixtures: exit code $code, $last"
[ "$last" = "89 replayed, 0 failed, 5 unsupported" ] || fail "the committed fixtures: $last"
[ "$(grep -c '^replayed .* optimizers ' "$work/out")" -eq 53 ] || fail "not all 53 optimizer traces"

run "$root/tests/unit/optimizer_more_traces.json"
[ "$code" -eq 0 ] && [ "$last" = "12 replayed, 0 failed, 0 unsupported" ] || fail "the other traces: $last"

# A number that is off by a few parts in 10^9, of every sort.
planted=0
wrong() { # what it is, text, wrong text
  grep -qF -- "$2" "$fixtures" || fail "$1: the fixtures do not hold $2"
  sed "s/$2/$3/" "$fixtures" >"$work/wrong.json"
  run "$work/wrong.json"
  [ "$code" -ne 0 ] && grep -q '^FAILED' "$work/out" || fail "$1: $3 passes for $2"
  planted=$((planted + 1))
}
wrong "a trust ratio" 0.00518348561533862 0.00518348565
wrong "a local rate" 0.002603754026401373 0.00260375406
wrong "a ratio of the gradient" 0.8754887885106802 0.8754887889
wrong "a clip's divisor" 0.29647934160747186 0.296479345
wrong "a clip's factor" 0.07692307100591762 0.07692307150
wrong "a one-cycle rate" 0.9504846320134737 0.9504846325
wrong "a decayed rate" 7.6562734375 7.65627348
wrong "a warmed rate" 0.14375000000000002 0.143750001
wrong "a smoothed loss" 0.46631129665715704 0.4663112971
wrong "a deviation" 0.034020690871988585 0.03402069092
wrong "a batch that grew" 3200 3201
for key in params state lr; do # the last number under each of these, in the last trace
  awk -v key="\"$key\"" '{ line[NR] = $0 } index($0, key) { at = NR } /"misc"/ && !end { end = NR; stop = at }
    END { for (i = 1; i <= NR; i++) {
      if (i >= stop && !done && match(line[i], /[0-9]\.[0-9]+/)) {
        line[i] = substr(line[i], 1, RSTART + 1) "987" substr(line[i], RSTART + 2); done = 1 }
      print line[i] } }' "$fixtures" >"$work/wrong.json"
  run "$work/wrong.json"
  [ "$code" -ne 0 ] && grep -q '^FAILED.*optimizers ' "$work/out" || fail "a wrong number under $key passes"
done

# What it does not know: unsupported, with the reason.
unknown() { # text, other text, reason
  sed "s/$1/$2/" "$fixtures" >"$work/other.json"
  run "$work/other.json"
  grep '^unsupported' "$work/out" | grep -qF -- "$3" || fail "$2 is not unsupported for: $3"
}
unknown '"goyal": true' '"goyall": true' 'goyall'
unknown '"flavour": "bolts"' '"flavour": "volts"' 'volts'
unknown '"name": "lamb_optax"' '"name": "sophia_optax"' 'sophia_optax'
unknown '"policy": "scale"' '"policy": "adam"' 'adam'
unknown '"wsd_sqrt_Tw2_decay0.4"' '"wsd_cubic_Tw2_decay0.4"' 'wsd_cubic'

# Nothing replayed, or nothing to read.
for text in '{}' '{"optimizers": []}' '{"optimizers": [{"name": "sophia", "hyper": {}, "steps": [], "grads": [], "lrs": []}]}' \
  '{"optimizers": [{"name": "sgd_plain"}]}' '[1]' '{'; do
  printf '%s' "$text" >"$work/empty.json"
  run "$work/empty.json"
  [ "$code" -ne 0 ] || fail "exit code 0 for $text"
done
run "$work/absent.json"
[ "$code" -ne 0 ] || fail "exit code 0 for a file that is not there"

# More than the committed ones hold: nested tensors, an empty one, longer grads and lrs, a step rule by hand:
# w = 1 - 0.5 * 2, then w - 0.25 * 2 with weight decay on W alone.
cat >"$work/more.json" <<'JSON'
{"optimizers": [{"name": "sgd_wd_other", "hyper": {"wd": 0.5}, "excluded": ["bias"], "lrs": [0.5, 0.25, 7, 7],
"init": {"kernel": [[1, 2], [4, 8]], "bias": [], "gain": [1]},
"grads": [{"kernel": [[2, 0], [0, 0]], "bias": [], "gain": [0]}, {"kernel": [[0, 0], [0, 0]], "bias": [], "gain": [1]}, {}],
"steps": [{"params": {"kernel": [[-0.25, 1.5], [3, 6]], "bias": [], "gain": [0.75]}, "state": {}},
{"params": {"kernel": [[-0.21875, 1.3125], [2.625, 5.25]], "bias": [], "gain": [0.40625]}, "state": {}}]}]}
JSON
run "$work/more.json"
[ "$code" -eq 0 ] && [ "$last" = "1 replayed, 0 failed, 0 unsupported" ] || fail "other shapes: $last"
echo "$planted numbers planted and found"
