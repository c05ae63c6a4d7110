#!/bin/sh
# Jobs that `batchlab submit` makes are carried out by a real Slurm (one node, this machine): smoke.json as one allocation
# and as an array, and an array whose last element runs into its time limit, is queued again alone, and goes on from its
# checkpoint. All end with the digests of a plain run, and a finished element is never run again.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
if [ -z "$SLURM_TEST_FOLDER" ]; then # once more, inside a cluster
  SLURM_TEST_FOLDER=$(mktemp -d) || exit 1
  export SLURM_TEST_FOLDER
  trap 'rm -rf "$SLURM_TEST_FOLDER"' EXIT
  sh "$root/tests/tools/slurm_node.sh" "$SLURM_TEST_FOLDER/slurm" sh "$0"
  exit $?
fi
work=$SLURM_TEST_FOLDER
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
cd "$work" || exit 1

fail() {
  echo "FAILED: $*"
  squeue
  tail -n 20 ./*.log err slurm/slurmctld.log | sed 's/^/  /'
  exit 1
}
submit() { # experiment, further words: prints the job's id
  "$binary" submit "$@" --target slurm --now 2>err || fail "submit $*: exit code $?"
}
# The cluster's word on a job or an element: Restarts=1, JobState=RUNNING, ...
says() { scontrol show job "$1" 2>/dev/null | grep -qE "$2"; }
gone() { [ -z "$(squeue --noheader --jobs="$1" --states=all 2>/dev/null | awk '$5 != "CD"')" ]; }
wait_until() { # seconds, what, command ...
  tries=$(($1 * 5)) what=$2
  shift 2
  while ! "$@"; do
    tries=$((tries - 1))
    [ $tries -gt 0 ] || fail "$what"
    sleep 0.2
  done
}
facts() { # folder of an experiment: what must be the same
  "$binary" export --json "$1" 2>err |
    grep -E '"(run_id|mode|outcome|steps_run|trajectory_sha256|weights_sha256)":' || fail "export of $1"
}
expect_same() { # folder, reference
  facts "$1" >facts
  facts "$2" >reference
  cmp -s facts reference || { diff reference facts | head; fail "$1 differs from a plain run"; }
}
journal() { stat -c '%i %s %Y' "$1"/runs/*/journal; }

begun() { [ "$(find one -name journal | wc -l)" -eq 2 ]; }
rank_of() { # experiment file: the process that trains
  for pid in $(grep -laF "$1" /proc/[0-9]*/cmdline 2>/dev/null | tr -dc '0-9\n'); do
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = batchlab ] && [ "$(readlink "/proc/$pid/cwd")" = "$work" ] && echo "$pid" && return
  done
  return 1
}

cat >long.json <<'JSON'
{
  "experiment": "long",
  "question": "Does a job that runs out of time go on where it was?",
  "trial": {
    "dataset": {"name": "glyphs", "train": 2000, "valid": 200, "test": 200},
    "model": {"name": "mlp", "hidden": [64]},
    "global_batch": 64, "mini_batch": 16,
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.02},
    "stop": {"steps": 20},
    "eval": {"every_examples": 64000}
  },
  "sweep": {"stop.steps": [20, 8000]},
  "seeds": 1,
  "layouts": {"replicas": 1, "mode": "full", "checkpoint_s": 0}
}
JSON
# The last element owns the array's own id. It is held while Slurm, which looks every 30 s, comes to send its signal.
long=$(submit long.json --set array=true --set walltime=10m --set lead_s=40 --set name=long --results one)
wait_until 60 "the long element does not start" says "${long}_1" JobState=RUNNING
started=$(date +%s)
wait_until 60 "the short element does not end" says "${long}_0" JobState=COMPLETED
journal one/long >finished || fail "no journal of the short element"
wait_until 60 "the long element does not begin" begun
rank=$(rank_of long.json) || fail "no process of the long element"
kill -STOP "$rank"
ran=$(($(date +%s) - started))
scontrol update JobId="${long}_1" TimeLimit=$((ran / 60 + 1)) || fail "the time limit cannot be changed" # the signal is due soon
{ # until SIGUSR1, bit 9, waits for it
  while kill -0 "$rank" 2>/dev/null && ! grep -qE '^ShdPnd:.*[2367abef]..$' "/proc/$rank/status"; do
    sleep 0.2
  done
  kill -CONT "$rank"
} &

"$binary" run long.json --results plain >out.long 2>err.long &
reference=$!

echo "smoke, one allocation and an array"
"$binary" run "$root/experiments/smoke.json" --results plain >out 2>err || fail "the plain run"
one=$(submit "$root/experiments/smoke.json" --results allocation --check --set name=allocation)
array=$(submit "$root/experiments/smoke.json" --results array --check --set array=true --set parallel=3 --set name=array)
wait_until 90 "the allocation does not end" gone "$one"
expect_same allocation/smoke plain/smoke
wait_until 90 "the array does not end" gone "$array"
expect_same array/smoke plain/smoke
[ "$(find . -name "array-${array}_*.log" | wc -l)" -eq 12 ] || fail "12 trials, 12 elements"
[ "$(cat "array-${array}_"*.log | grep -c ': starts$')" -eq "$(grep -c '"run_id"' facts)" ] || fail "a run started twice"
[ -s allocation/smoke/report.html ] && [ -s array/smoke/report.html ] || fail "no report"

echo "out of time"
wait_until 120 "the long element is not queued again" says "${long}_1" Restarts=1
scontrol update JobId="${long}_1" TimeLimit=10 2>/dev/null # unless it has ended already
wait_until 120 "the long element does not end" gone "$long"
grep -q 'goes on after step' "long-${long}_1.log" || fail "the long element did not go on from a checkpoint"
says "${long}_0" Restarts=0 || fail "the finished element ran again"
[ "$(grep -c ': starts$' "long-${long}_0.log")" -eq 1 ] || fail "the finished element ran again"
journal one/long >afterwards
grep -qxFf finished afterwards || fail "the finished element's journal changed"
wait $reference || fail "the plain run of long.json"
expect_same one/long plain/long
"$binary" export --json one/long | grep -q '"resumed_from": [1-9]' || fail "no run says where it went on"
echo "allocation, array and a job out of time: the digests of plain runs"
