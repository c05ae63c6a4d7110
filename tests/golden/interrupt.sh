#!/bin/sh
# One trial that is interrupted in every way there is, and goes on each time from its last checkpoint on another number of
# replicas: SIGUSR1, SIGTERM, Ctrl-C, under our mpirun and under somebody else's, a killed rank, damaged checkpoints. It ends with
# the bits of a trial that nobody disturbed.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive
work=$(mktemp -d) || exit 1
results=$work/results # stands in the command line of every process of ours
printf '%s' "$results" >"$work/pattern"
ours() {
  grep -laF -f "$work/pattern" /proc/[0-9]*/cmdline 2>/dev/null | sed 's|/proc/\([0-9]*\)/.*|\1|'
}
clean() {
  # shellcheck disable=SC2046 # a list
  kill -KILL $(ours) 2>/dev/null
  rm -rf "$work"
}
trap clean EXIT
fail() {
  echo "FAILED: $*"
  sed 's/^/  stderr: /' "$work/err"
  exit 1
}

cat >"$work/long.json" <<'JSON'
{
  "experiment": "long",
  "question": "Does an interrupted trial end as an undisturbed one?",
  "trial": {
    "dataset": {"name": "glyphs", "train": 1000, "valid": 100, "test": 100},
    "model": {"name": "mlp", "hidden": [128]},
    "global_batch": 128, "mini_batch": 32,
    "optimizer": {"name": "lamb"},
    "lr": {"base": 0.001, "base_batch": 32, "scaling": "adascale", "schedule": "cosine"},
    "stop": {"epochs": 200},
    "eval": {"every_examples": 20000},
    "weight_ema": {"half_life_examples": 5000}
  },
  "layouts": {"mode": "full", "checkpoint_s": 0.02}
}
JSON
start() { # folder, replicas, further words ...
  folder=$1 replicas=$2
  shift 2
  env --default-signal=INT setsid "$binary" run "$work/long.json" --results "$results/$folder" "layouts.replicas=[$replicas]" "$@" \
    >"$work/out" 2>"$work/err" </dev/null &
  driver=$!
}
start_in_place() { # folder
  setsid mpirun --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 -n 2 "$binary" run "$work/long.json" \
    --results "$results/$1" 'layouts.replicas=[2]' >"$work/out" 2>"$work/err" </dev/null &
  driver=$!
}
wait_until() { # seconds, command ...
  limit=$(($1 * 20))
  shift
  while [ "$limit" -gt 0 ] && ! "$@"; do
    limit=$((limit - 1))
    sleep 0.05
  done
  "$@"
}
checkpoints() { # folder
  find "$results/$1/long/trials" -name 'checkpoint-*' ! -name '*.tmp-*' 2>/dev/null | sort
}
newest() { # folder
  checkpoints "$1" | tail -n 1 | sed 's/.*-0*//'
}
goes_on() { [ "$(newest long)" -gt "$reached" ] 2>/dev/null; }
a_new_checkpoint() {
  wait_until 60 goes_on || fail "$1: no checkpoint after step $reached in a minute"
}
is_gone() { ! kill -0 "$driver" 2>/dev/null; }
none_left() { [ -z "$(ours)" ]; }
# Threads that train never run a handler, which oneDNN does not survive (launch.h): all but one block INT, USR1 and TERM. That
# one waits for them.
expect_deaf() { # words of its command line
  n_deaf=0
  for pid in $(ours); do
    [ "$(tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null | head -n 2 | tr '\n' ' ')" = "$binary $1 " ] || continue
    n_open=0
    for thread in "$pid" $(ls "/proc/$pid/task"); do # the first one twice: it is not the one that waits
      mask=$(sed -n 's/^SigBlk:.*\(........\)$/0x\1/p' "/proc/$pid/task/$thread/status" 2>/dev/null)
      [ -n "$mask" ] || continue # it has ended since: checkpoints are written by threads that come and go
      [ $((mask & 0x4202)) -eq $((0x4202)) ] || n_open=$((n_open + 1))
    done
    [ "$n_open" -eq 1 ] || fail "$n_open threads of '$1' do not block signals"
    n_deaf=$((n_deaf + 1))
  done
  [ "$n_deaf" -gt 0 ] || fail "no process '$1' is seen"
}
# The driver ends with that code within 10 s, nobody is left, and there is a checkpoint that is not older than before.
expect_stop() { # what, code
  wait_until 10 is_gone || fail "$1: still there after 10 s"
  wait "$driver"
  code=$?
  [ "$2" = any ] || [ "$code" -eq "$2" ] || fail "$1: exit code $code, not $2"
  wait_until 10 none_left || fail "$1: processes are left"
  [ "$(newest long)" -ge "$reached" ] || fail "$1: no checkpoint is left"
  reached=$(newest long)
  echo "$1: stopped after step $reached"
}
fact() { # folder, run, column
  "$binary" export "$results/$1/long" | awk -F '\t' -v run="-$2\$" -v column="$3" '
    NR == 1 { for (i = 1; i <= NF; i++) { sub(/ .*/, "", $i); at[$i] = i }; next }
    $1 ~ run { print $at[column] }'
}
facts() { # folder, run
  for column in outcome steps_run final_valid_accuracy best_valid_accuracy final_valid_loss weights_sha256 trajectory_sha256; do
    echo "$column $(fact "$1" "$2" "$column")"
  done
}

start reference 1
wait "$driver" || fail "the reference: exit code $?"
facts reference r1t1 >"$work/reference"
grep -Eq "^trajectory_sha256 [0-9a-f]{64}$" "$work/reference" || fail "the reference: $(cat "$work/reference")"
reached=0

start long 1
a_new_checkpoint "one replica"
expect_deaf _work
kill -USR1 "$driver"
expect_stop "SIGUSR1, one replica" 85

start long 2
a_new_checkpoint "two replicas"
kill -TERM "$driver"
expect_stop "SIGTERM, two replicas" 85
grep -q "goes on after step" "$work/err" || fail "no word on where it goes on"

start_in_place long
a_new_checkpoint "in place"
expect_deaf run
kill -USR1 "$driver"
expect_stop "SIGUSR1 to mpirun" 85

start_in_place long # mpirun gives its ranks one second
a_new_checkpoint "in place"
kill -TERM "$driver"
expect_stop "SIGTERM to mpirun" any

# ---- a damaged checkpoint: the one before, loudly
damaged=$(checkpoints long | tail -n 1)
before=$(checkpoints long | head -n 1 | sed 's/.*-0*//')
printf 'x' | dd of="$damaged" bs=1 seek=5000 conv=notrunc 2>/dev/null
start long 3
a_new_checkpoint "after a damaged checkpoint"
kill -INT -"$driver"
expect_stop "Ctrl-C, three replicas" 85
grep -q "$damaged' is damaged: .*trying the one before" "$work/err" || fail "a damaged checkpoint: no word about it"
grep -q "goes on after step $before\$" "$work/err" || fail "a damaged checkpoint: it did not go on from the one before"

# ---- kill -9 of one rank: named, and the rest of the job follows it
rank_1() {
  for pid in $(ours); do
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = batchlab ] && grep -qz '^OMPI_COMM_WORLD_RANK=1$' "/proc/$pid/environ" 2>/dev/null &&
      echo "$pid" && return
  done
  return 1
}
start long 2
a_new_checkpoint "two replicas"
victim=$(rank_1) || fail "there is no rank 1"
ranks=$(ours | grep -vx "$driver")
kill -KILL "$victim"
job_is_gone() { for pid in $ranks; do ! kill -0 "$pid" 2>/dev/null || return 1; done; }
wait_until 10 job_is_gone || fail "a killed rank: the others are there after 10 s"
wait "$driver" || fail "a killed rank: exit code $?"
trial=$(fact long r2t1 trial_id)
grep -q "the run $trial-r2t1 brought its job down (rank 1 on .* was killed by signal 9); it gets another chance" "$work/err" ||
  fail "a killed rank: no word on which and where"
facts long r2t1 | cmp -s - "$work/reference" || fail "after all of this the results differ: $(facts long r2t1)"
[ "$(fact long r2t1 resumed_from)" -gt 0 ] || fail "the last run did not resume"
[ -z "$(checkpoints long)" ] || fail "checkpoints are left: $(checkpoints long)"
[ "$(fact long r1t1 outcome)" = interrupted ] || fail "the interrupted run on one replica is not gathered"

# ---- both damaged: from the start, loudly
two_checkpoints() { [ "$(checkpoints worse | wc -l)" -ge 2 ]; }
start worse 1
wait_until 60 two_checkpoints || fail "no two checkpoints"
kill -USR1 "$driver"
wait "$driver"
checkpoints worse | while read -r file; do truncate -s 1000 "$file"; done
start worse 1
wait "$driver" || fail "both checkpoints damaged: exit code $?"
[ "$(grep -c 'is shorter than it should be' "$work/err")" -eq 2 ] || fail "both checkpoints damaged: they are not named"
grep -q 'starts again at step 0' "$work/err" || fail "both checkpoints damaged: no word on what follows"
[ "$(fact worse r1t1 resumed_from)" -eq 0 ] || fail "both checkpoints damaged: it resumed from one"
facts worse r1t1 | cmp -s - "$work/reference" || fail "both checkpoints damaged: the results differ"

# ---- layouts.max_seconds: every call takes each trial one turn further, although workers run side by side
turn() {
  "$binary" run "$work/long.json" --results "$results/turns" seeds=3 layouts.max_seconds=0.1 >"$work/out" 2>"$work/err" </dev/null ||
    fail "max_seconds, turn $1: exit code $?"
  grep -q '3 runs ended as interrupted at layouts.max_seconds' "$work/err" || fail "max_seconds, turn $1: not three runs"
  [ "$(find "$results/turns" -name 'journal.interrupted-*' | wc -l)" -eq "$2" ] || fail "max_seconds, turn $1: a trial was taken twice"
}
turn 1 0
turn 2 3
[ "$("$binary" export --json "$results/turns/long" | grep -c '"resumed_from": [1-9]')" -eq 3 ] || fail "max_seconds: no resume"

# ---- no room for checkpoints: said once, and the run goes on without
(
  ulimit -f 2400 # units of 512 bytes; a checkpoint has 3200
  exec "$binary" run "$work/long.json" --results "$results/full" trial.stop.epochs=40 layouts.checkpoint_s=0.001
) >"$work/out" 2>"$work/err" </dev/null || fail "no room for checkpoints: exit code $?"
[ "$(grep -c 'no checkpoint at step [0-9]*, but the run goes on' "$work/err")" -eq 1 ] || fail "no room for checkpoints: not said once"
[ -z "$(find "$results/full/long/trials" -name 'checkpoint-*')" ] || fail "no room for checkpoints: something is left"
echo "all ends as undisturbed"
