#!/bin/sh
# Three processes started at the same moment on one results folder share 60 trials: each is trained to its end exactly once. Killing
# any of them with -9 at random moments (the process alone, with all its workers, or one worker) changes nothing but time.
# The same on a file system without locks, where leases stand for them: a preloaded fcntl refuses every lock.
# usage: three_processes.sh [REPETITIONS [WITHOUT LOCKS]] (default 2 and 1), BATCHLAB_KILL_SEED=N for the same moments again
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
with_locks=${1:-2}
without_locks=${2:-1}
seed=${BATCHLAB_KILL_SEED:-$$}
work=$(mktemp -d) || exit 1
results=$work/results # stands in the command line of every process of ours
printf '%s' "$results" >"$work/pattern"

fail() {
  echo "FAILED: $* (seed $seed)"
  tail -n 20 "$work"/err* | sed 's/^/  stderr: /'
  exit 1
}
# shellcheck source=tests/tools/processes.sh
. "$root/tests/tools/processes.sh"
trap 'kill_all; rm -rf "$work"' EXIT

cat >"$work/three.json" <<'JSON'
{
  "experiment": "three",
  "question": "Do processes that share a folder do everything once?",
  "trial": {
    "dataset": {"name": "glyphs", "train": 2000, "valid": 200, "test": 200},
    "model": {"name": "mlp", "hidden": [64]},
    "global_batch": 64, "mini_batch": 16,
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.02},
    "stop": {"epochs": 2},
    "eval": {"every_examples": 1000}
  },
  "sweep": {"global_batch": [64, 128], "lr.base": [0.01, 0.02, 0.04]},
  "seeds": 10,
  "layouts": {"replicas": 1, "mode": "full", "checkpoint_s": 0.01}
}
JSON
n_trials=60
run() { # folder below results
  env ${preload:+LD_PRELOAD="$preload"} "$binary" run "$work/three.json" --results "$results/$1" >"$work/out" 2>"$work/err" </dev/null
}
preload=''
cat >"$work/no_locks.c" <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>
static int without_locks(int fd, int command, void *argument) {
    errno = ENOLCK;
    return command == F_OFD_SETLK || command == F_OFD_GETLK ? -1 : (int)syscall(SYS_fcntl, fd, command, argument);
}
#define DEFINE(name) int name(int fd, int command, ...) {\
    va_list rest; va_start(rest, command); void *argument = va_arg(rest, void *); va_end(rest);\
    return without_locks(fd, command, argument); }
DEFINE(fcntl)
DEFINE(fcntl64)
C
cc -shared -fPIC -o "$work/no_locks.so" "$work/no_locks.c" 2>"$work/err" || {
  echo "no compiler here: not without locks"
  without_locks=0
}
# Number k of the three, in a session of its own.
start() { # k, folder
  env ${preload:+LD_PRELOAD="$preload"} setsid "$binary" run "$work/three.json" --results "$results/$2" >"$work/out$1" 2>>"$work/err$1" </dev/null &
  echo $! >"$work/driver$1"
}
# What must be the same: identities, digests, counts, summary numbers; not seconds or dates.
facts() { # folder
  "$binary" export --json "$results/$1/three" >"$work/export" 2>"$work/err" || fail "export of $1"
  grep -E '"(run_id|trial_id|mode|outcome|optimizer|global_batch|mini_batch|seed|replicas|threads|steps_run|steps_to_target|examples_to_target|final_[a-z_]+|best_[a-z_]+|test_[a-z_]+|trajectory_sha256|weights_sha256)":' "$work/export"
}
# Journals with a last record, whose run was trained to its end: they may never be written again.
ended() { # folder
  find "$results/$1/three/runs" -name 'journal*' -exec grep -laZF '"outcome":"' {} + 2>/dev/null |
    xargs -0r stat -c '%n %i %s %.9Y' 2>/dev/null
}
note_ended() { # folder: again and again, until told to stop, or the test is over
  while [ -e "$work/noting" ]; do
    ended "$1"
    sleep 0.1
  done | sort -u >"$work/seen"
}
expect_once() { # folder
  find "$results/$1/three/runs" -name 'journal*' -exec grep -laF '"outcome":"' {} + | sed 's|/[^/]*$||' | sort | uniq -c >"$work/ends"
  [ "$(wc -l <"$work/ends")" -eq "$n_trials" ] || fail "$1: $(wc -l <"$work/ends") of $n_trials runs have an end"
  ! awk '$1 > 1' "$work/ends" | grep . || fail "$1: a trial was trained to its end more than once"
  ended "$1" | sort >"$work/now"
  [ -z "$(comm -23 "$work/seen" "$work/now")" ] || fail "$1: a finished run was done again: $(comm -23 "$work/seen" "$work/now")"
}
expect_tidy() { # folder
  [ -z "$(find "$results/$1" -name '*.tmp-*' -o -name '*.lease-*' -o -name '*.clock-*')" ] || fail "$1: half-written files are left: $(find "$results/$1" -name '*.tmp-*' -o -name '*.lease-*' -o -name '*.clock-*')"
  [ -z "$(find "$results/$1" -name 'checkpoint-*')" ] || fail "$1: checkpoints of ended trials are left"
  [ "$(find "$results/$1" -name run.h5 -size +0 | wc -l)" -eq "$n_trials" ] || fail "$1: not every run has its HDF5 file"
  command -v h5dump >/dev/null || return 0
  h5dump -H "$results/$1/three/three.h5" >"$work/dump" 2>"$work/err" || fail "$1: h5dump cannot open three.h5"
  [ "$(grep -c 'GROUP "summary"' "$work/dump")" -eq "$n_trials" ] || fail "$1: three.h5 does not hold every run"
}
# Process of a driver's session: the driver, or its workers.
session_of() { # driver
  for pid in $(ours); do
    [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f4)" = "$1" ] && echo "$pid"
  done
}
strike() { # kind, driver: kill -9
  case $1 in
  driver) kill -KILL "$2" 2>/dev/null ;;
  all)
    # shellcheck disable=SC2046 # a list
    kill -KILL $(session_of "$2") 2>/dev/null
    ;;
  worker)
    victim=$(session_of "$2" | grep -vx "$2" | head -n 1)
    [ -z "$victim" ] || kill -KILL "$victim" 2>/dev/null
    ;;
  esac
}

begin=$(date +%s.%N)
run reference || fail "the reference: exit code $?"
took=$(echo "$(date +%s.%N) $begin" | awk '{ print $1 - $2 }')
facts reference >"$work/reference"
[ "$(grep -c '"run_id"' "$work/reference")" -eq "$n_trials" ] || fail "$n_trials runs were asked for"
echo "reference: $n_trials runs in $took s"

# Undisturbed in the first repetition; then up to five blows each: when, what, whom, whether it is started again.
repetition=0
kills=0
while [ $((repetition += 1)) -le $((with_locks + without_locks)) ]; do
  folder=r$repetition
  [ "$repetition" -le "$with_locks" ] || preload=$work/no_locks.so
  rm -f "$work"/err*
  awk -v seed="$seed" -v repetition="$repetition" -v took="$took" 'BEGIN {
    srand(seed * 1000 + repetition)
    split("driver all worker", kind, " ")
    for (i = 0; i < (repetition == 1 ? 0 : 1 + int(5 * rand())); i++)
      print (0.02 + 0.3 * rand()) * took, kind[i == 0 ? 1 + int(3 * rand()) : 1 + int(2 * rand())], 1 + int(3 * rand()), rand() < 0.6
  }' >"$work/blows"
  touch "$work/noting"
  mkdir -p "$results/$folder/three/runs"
  note_ended $folder &
  noting=$!
  begin=$(date +%s.%N)
  for k in 1 2 3; do start $k $folder; done
  killed=" "
  while read -r delay kind k again; do
    sleep "$delay"
    driver=$(cat "$work/driver$k")
    kill -0 "$driver" 2>/dev/null || continue # ended, or was killed before
    strike "$kind" "$driver"
    kills=$((kills + 1))
    [ "$kind" != worker ] || continue
    wait "$driver" 2>/dev/null
    killed="$killed$driver "
    [ "$again" -eq 0 ] || start "$k" $folder
  done <"$work/blows"
  codes=""
  for k in 1 2 3; do
    driver=$(cat "$work/driver$k")
    wait "$driver" 2>/dev/null
    code=$?
    case "$killed" in
    *" $driver "*) code=killed ;;
    *) [ "$code" -eq 0 ] || fail "$folder: process $k ends with exit code $code" ;;
    esac
    codes="$codes $code"
  done
  rm "$work/noting"
  wait $noting
  [ -z "$(ours)" ] || sleep 2
  [ -z "$(ours)" ] || fail "$folder: processes are left"
  lasted=$(echo "$(date +%s.%N) $begin" | awk '{ print $1 - $2 }')
  case "$codes" in
  *" 0"*) finish="and all is done" ;;
  *)
    finish="and nobody was left"
    run $folder || fail "$folder: after everybody was killed: exit code $?"
    ;;
  esac
  [ -z "$preload" ] || grep -q 'has no locks' "$work"/err[123] || fail "$folder: it says nothing of leases"
  expect_once $folder
  run $folder || fail "$folder: once more: exit code $?"
  grep -q "all $n_trials runs are done already" "$work/err" || fail "$folder: a later run finds something to do"
  expect_once $folder
  expect_tidy $folder
  facts $folder >"$work/facts"
  cmp -s "$work/facts" "$work/reference" || {
    diff "$work/reference" "$work/facts" | head -n 20
    fail "$folder: the results differ from those of a single process"
  }
  echo "$folder: $(wc -l <"$work/blows") blows, $lasted s, exit codes$codes, $finish; $(find "$results/$folder" -name 'journal.interrupted-*' | wc -l) runs were begun again"
  rm -rf "${results:?}/$folder"
done
echo "$with_locks repetitions with locks and $without_locks without, $kills processes killed: every trial exactly once, the same bits"
