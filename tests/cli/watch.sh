#!/bin/sh
# `batchlab watch` and `batchlab status` beside a sweep that runs, dies, goes on and ends: states, counts, exit codes, one
# screen on a pseudo-terminal, and that looking changes nothing.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID BATCHLAB_DATA
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
driver=
trap '[ -n "$driver" ] && kill -KILL "$driver" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
  echo "FAILED: $*"
  head -n 30 out err run.err 2>/dev/null
  exit 1
}
# One run diverges, one reaches its target, the last is long enough to be killed.
cat >live.json <<'JSON'
{
  "experiment": "live", "question": "What is seen of it?",
  "trial": {
    "dataset": {"name": "blobs"}, "model": {"name": "mlp", "hidden": [8]},
    "global_batch": 16, "mini_batch": 16, "optimizer": "momentum", "lr": {"base": 0.05},
    "stop": {"metric": "valid_accuracy", "target": 0.5, "epochs": 20}, "eval": {"every_examples": 256}
  },
  "sweep": {"zip": [{"lr.base": [1000000, 0.05, 1e-9], "stop.epochs": [20, 20, 100000]}]},
  "layouts": {"mode": "full"}
}
JSON
status() { # expected exit code, expected words
  "$binary" status live.json >out 2>err
  code=$?
  [ "$code" -eq "$1" ] || fail "status: exit code $code, not $1"
  grep -q "$2" out || fail "status does not say '$2'"
}
field() { # python expression over d, the parsed object of watch --once --json
  "$binary" watch live.json --once --json >json 2>err || fail "watch --once --json"
  /usr/bin/python3 -c "import json; d = json.load(open('json')); s = {r['state']: r for r in d['runs']}; print($1)"
}

"$binary" watch live.json --once >out 2>err
[ $? -eq 66 ] || fail "nothing there yet: exit code $?"
grep -q 'run the experiment first' err || fail "nothing there yet: no hint"
"$binary" watch live.json --every 0 >out 2>err
[ $? -eq 2 ] || fail "--every 0"

"$binary" run live.json >run.out 2>run.err </dev/null &
driver=$!
i=0
until "$binary" watch live.json --once --json 2>/dev/null >json && grep -q '"running":1' json && grep -q '"diverged":1' json &&
  grep -q '"reached":1' json; do
  i=$((i + 1))
  [ "$i" -lt 300 ] || fail "no run is seen running"
  sleep 0.1
done
status 5 '2 of 3 runs done (1 reached, 1 diverged), 1 running'
[ "$(field "d['planned'], d['done'], d['alive']")" = "3 2 True" ] || fail "counts of a live sweep"
first=$(field "s['running']['step']")
sleep 1.5
second=$(field "s['running']['step']")
[ "$second" -gt "$first" ] || fail "the running run stands still: $first, $second"
[ "$(field "s['running']['examples_per_s'] > 0 and s['running']['left_s'] > 0 and 0 <= s['running']['value'] <= 1")" = True ] ||
  fail "speed, time left or accuracy of the running run"
field "s['diverged']['reason']" | grep -q 'training loss' || fail "no reason why it diverged"
if command -v script >/dev/null; then # a screen, drawn again
  timeout 3 script -qec "'$binary' watch live.json --every 0.2" /dev/null >screen 2>/dev/null </dev/null
  [ "$(grep -c 'What is seen of it' screen)" -ge 3 ] || fail "the screen is not drawn again"
  grep -q "$(printf '\033')\\[H" screen || fail "no screen is drawn on a terminal"
fi
TMPDIR=$work "$binary" watch live.json --once --plot >out 2>err || fail "--plot"
[ "$(grep -c '\*\*' out)" -ge 2 ] || fail "nothing is drawn"
grep -q '^ *\*\*\*A\*\*\*[a-z]*, ' out || fail "the picture does not name the running run"
ls -d "$work"/batchlab-watch* 2>/dev/null && fail "the picture left a folder"
"$binary" watch live.json --plot >out 2>err
[ $? -eq 2 ] || fail "--plot without a terminal"
"$binary" watch live.json --once --prometheus metrics.prom >out 2>err || fail "--prometheus"
grep -q '^batchlab_runs{experiment="live",state="running"} 1$' metrics.prom || fail "metrics: running runs"
grep -q '^batchlab_run_step{experiment="live",run=".*"} [0-9]' metrics.prom || fail "metrics: steps"

# Told line by line where there is no terminal; it survives the sweep's death.
"$binary" watch live.json --every 0.2 >lines 2>err </dev/null &
watcher=$!
sleep 0.6
kill -KILL "$driver"
wait "$driver" 2>/dev/null
driver=
i=0
until grep -q 'is left at step' lines; do
  i=$((i + 1))
  [ "$i" -lt 150 ] || fail "the death of the sweep is not told: $(cat lines)"
  sleep 0.1
done
kill -0 "$watcher" 2>/dev/null || fail "watch ended with the sweep"
status 3 '1 left unfinished; nobody works on it'

# The same config from its results folder, shorter this time, to an end that watch sees.
kill "$watcher"
wait "$watcher" 2>/dev/null
sed -i 's/ 100000\]/ 1]/' live.json
"$binary" run live.json >run.out 2>run.err </dev/null || fail "the rerun"
timeout 60 "$binary" watch live.json >lines 2>err </dev/null || fail "watch does not end with a finished sweep"
grep -q 'ended: budget_spent at step' lines || fail "the end of a run is not told"
status 0 '3 of 3 runs done'
digests() { "$binary" export --json results/live | grep trajectory_sha256 | sort; }
digests >before
"$binary" run results/live/experiment.json >run.out 2>run.err </dev/null || fail "the config of the results folder does not run"
digests | cmp -s - before || fail "the config of the results folder is another one"
echo "watch and status see what happens"
