#!/bin/sh
# `run --pull` and `--push`: results come from a bucket before a run and go back after it, also when it is stopped; what fails is
# said, and costs nothing that is here.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive
work=$(mktemp -d) || exit 1
results=$work/results
driver=''
trap '[ -z "$driver" ] || kill -KILL "$driver" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  sed 's/^/  stderr: /' "$work/err"
  exit 1
}
cat >"$work/small.json" <<'JSON'
{
  "experiment": "small",
  "question": "Do results travel?",
  "trial": {
    "dataset": {"name": "blobs", "train": 20000},
    "model": {"name": "mlp", "hidden": [64]},
    "global_batch": 32,
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.01},
    "stop": {"epochs": 1}
  },
  "seeds": 2,
  "layouts": {"mode": "full", "checkpoint_s": 0.05}
}
JSON
export BUCKET="$work/bucket" # of the test, for its hooks
mkdir "$BUCKET"
# shellcheck disable=SC2016 # the hook's shell expands it
push='echo "push $BATCHLAB_EXPERIMENT $BATCHLAB_EXIT $BATCHLAB_RESULTS"; echo "$BATCHLAB_EXIT" >>"$BUCKET/../pushed"; cp -r "$BATCHLAB_FOLDER/." "$BUCKET/"'
# shellcheck disable=SC2016
pull='echo "pull $BATCHLAB_EXPERIMENT ${BATCHLAB_EXIT-none}"; echo x >>"$BUCKET/../pulled"; cp -r "$BUCKET/." "$BATCHLAB_FOLDER/"'
run() { # further words ...
  rm -f "$work/pushed" "$work/pulled"
  "$binary" run "$work/small.json" --results "$results" "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
}
lines() { if [ -f "$1" ]; then wc -l <"$1"; else echo 0; fi; }
called() { # pulls, pushes
  [ "$(lines "$work/pulled")" -eq "$1" ] && [ "$(lines "$work/pushed")" -eq "$2" ]
}

# ---- there and back
run --pull "$pull" --push "$push"
[ "$code" -eq 0 ] && called 1 1 || fail "with both: exit code $code"
grep -qx 'pull small none' "$work/err" && grep -qx "push small 0 $results" "$work/err" || fail "the hooks were not told where they are"
[ "$(cat "$work/out")" = "$results/small/report.html" ] || fail "a hook speaks on stdout: $(cat "$work/out")"
[ -s "$BUCKET/report.html" ] && [ "$(find "$BUCKET/runs" -name journal | wc -l)" -eq 2 ] || fail "not everything is in the bucket"
rm -r "$results"
run --pull "$pull"
[ "$code" -eq 0 ] && called 1 0 || fail "pulled: exit code $code"
grep -q 'all 2 runs are done already' "$work/err" || fail "what was pulled is done again"

# ---- a pull that fails: nothing begins
rm -r "$results"
run --pull 'echo no such bucket; exit 7' --push "$push"
[ "$code" -eq 66 ] && called 0 0 || fail "a failing pull: exit code $code, not 66"
grep -qx 'no such bucket' "$work/err" && grep -q "the pull .* ended with exit code 7" "$work/err" || fail "a failing pull: no word about it"
[ -z "$(find "$results" -type f)" ] || fail "a failing pull leaves $(find "$results" -type f)"
run --config 0000 --pull "$pull" --push "$push"
[ "$code" -eq 2 ] && called 0 0 || fail "a refused experiment: exit code $code, or a hook was called"
run --dry-run --pull "$pull" --push "$push"
[ "$code" -eq 0 ] && called 0 0 || fail "a dry run: exit code $code, or a hook was called"

# ---- a push that fails once, and one that fails twice
# shellcheck disable=SC2016
run --push 'echo x >>"$BUCKET/../pushed"; [ "$(wc -l <"$BUCKET/../pushed")" -eq 2 ]'
[ "$code" -eq 0 ] && called 0 2 || fail "a push that fails once: exit code $code"
# shellcheck disable=SC2016
run --push 'echo x >>"$BUCKET/../pushed"; kill -KILL $$'
[ "$code" -eq 74 ] && called 0 2 || fail "a push that fails twice: exit code $code, not 74"
grep -q 'the push .* ended with exit code 137, twice' "$work/err" || fail "a push that fails twice: no word about it"
[ "$(cat "$work/out")" = "$results/small/report.html" ] && [ -s "$results/small/report.html" ] || fail "a failing push costs the report"

# ---- stopped: the checkpoint reaches the bucket, and another machine goes on from it
rm -r "$results" "$BUCKET"
mkdir "$BUCKET"
start() { # further words ...
  rm -f "$work/pushed" "$work/pulled"
  "$binary" run "$work/small.json" --results "$results" "$@" >"$work/out" 2>"$work/err" </dev/null &
  driver=$!
}
has_checkpoint() { [ -n "$(find "$results" -name 'checkpoint-*' ! -name '*.tmp-*' 2>/dev/null)" ]; }
wait_until() { # command ...
  limit=200
  while [ "$limit" -gt 0 ] && ! "$@"; do
    limit=$((limit - 1))
    sleep 0.1
  done
  "$@"
}
stop() { # signal
  kill -"$1" "$driver"
  wait "$driver"
  code=$?
  driver=''
}
start trial.stop.epochs=2000 --push "$push"
wait_until has_checkpoint || fail "no checkpoint appears"
stop TERM
[ "$code" -eq 85 ] && called 0 1 || fail "stopped: exit code $code, not 85"
[ "$(cat "$work/pushed")" = 85 ] || fail "stopped: the push was told $(cat "$work/pushed")"
[ -n "$(find "$BUCKET/trials" -name 'checkpoint-*')" ] || fail "stopped: no checkpoint in the bucket"
rm -r "$results"
start trial.stop.epochs=2000 --pull "$pull" --push false
wait_until grep -q 'goes on after step [1-9]' "$work/err" || fail "another machine does not go on from the bucket"
stop TERM
[ "$code" -eq 74 ] || fail "stopped, and a failing push: exit code $code, not 74"
grep -q 'stopped on request' "$work/err" && grep -q 'the push .* twice' "$work/err" || fail "stopped, and a failing push: not both are told"
[ -n "$(find "$results/small/trials" -name 'checkpoint-*')" ] || fail "a failing push costs the checkpoint"

# ---- stopped during the pull
start --pull 'echo here; sleep 31.7; echo slept' --push "$push"
wait_until grep -qx here "$work/err" || fail "the pull does not start"
stop TERM
[ "$code" -eq 85 ] && called 0 0 || fail "stopped during the pull: exit code $code, not 85"
! grep -lazF 31.7 /proc/[0-9]*/cmdline 2>/dev/null | xargs -r grep -laF sleep 2>/dev/null | grep . || fail "stopped during the pull: it leaves its processes"

# ---- ranks that somebody else started: the first of them, once
rm -r "$results" "$BUCKET"
mkdir "$BUCKET"
rm -f "$work/pushed" "$work/pulled"
in_place() {
  rm -f "$work/pushed" "$work/pulled"
  mpirun -q --oversubscribe -n 2 "$binary" run "$work/small.json" --results "$results" "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
}
in_place --pull "$pull" --push "$push"
[ "$code" -eq 0 ] && called 1 1 || fail "inside mpirun: exit code $code, $(lines "$work/pulled") pulls, $(lines "$work/pushed") pushes"
[ -s "$BUCKET/report.html" ] || fail "inside mpirun: no report in the bucket"
in_place --pull false --push "$push"
[ "$code" -ne 0 ] && called 0 0 || fail "inside mpirun: a failing pull ends with exit code $code"
[ "$(grep -c 'the pull .* ended with exit code 1' "$work/err")" -eq 1 ] || fail "inside mpirun: a failing pull is told $(grep -c 'the pull' "$work/err") times"

# ---- a job carries them
"$binary" submit "$work/small.json" --target slurm --set walltime=2h --set "pull=rclone copy 'b:x' \"\$BATCHLAB_FOLDER\"" \
  --set push='rclone copy "$BATCHLAB_FOLDER" b:x' --out "$work/job" 2>"$work/err" || fail "submit with hooks: exit code $?"
grep '^command=' "$work/job" | grep -qF "rclone copy" || fail "submit: the job lacks its hooks"
sed -n 's/^command=(\(.*\))$/set -- \1/p' "$work/job" >"$work/words"
# shellcheck source=/dev/null
. "$work/words"
found=''
for word in "$@"; do
  # shellcheck disable=SC2016
  case $word in
  'rclone copy '\''b:x'\'' "$BATCHLAB_FOLDER"') found=${found}pull ;;
  'rclone copy "$BATCHLAB_FOLDER" b:x') found=${found}push ;;
  esac
done
[ "$found" = pullpush ] || fail "submit: the words of the job are not those of its hooks: $(cat "$work/words")"
echo "results travel"
