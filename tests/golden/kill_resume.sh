#!/bin/sh
# A sweep survives what happens to it: kill -9 of everything at random moments (six; BATCHLAB_KILLS=20 for more), Ctrl-C, a full
# disk, a second process in the same folder. The same command goes on from the last checkpoints, repeats nothing that was
# finished, and ends with the same bits as a sweep that nobody disturbed.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
results=$work/results # stands in the command line of every process of ours
printf '%s' "$results" >"$work/pattern"
mkdir "$work/mpi" # a killed mpirun leaves files behind
export OMPI_MCA_orte_tmpdir_base="$work/mpi" OMPI_MCA_btl_vader_backing_directory="$work/mpi"

fail() {
  echo "FAILED: $*"
  tail -n 20 "$work/err" "$work/started.err" | sed 's/^/  stderr: /'
  exit 1
}

# shellcheck source=tests/tools/processes.sh
. "$root/tests/tools/processes.sh"
trap 'kill_all; rm -rf "$work"' EXIT

cat >"$work/kill.json" <<'JSON'
{
  "experiment": "kill",
  "question": "Does a disturbed sweep end as an undisturbed one?",
  "trial": {
    "dataset": {"name": "glyphs", "train": 2000, "valid": 200, "test": 200},
    "model": {"name": "mlp", "hidden": [64]},
    "global_batch": 64, "mini_batch": 16,
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.02},
    "stop": {"epochs": 8},
    "eval": {"every_examples": 1000}
  },
  "sweep": {"global_batch": [64, 128, 256]},
  "seeds": 2,
  "layouts": {"replicas": [1, 2], "mode": "full", "checkpoint_s": 0.02}
}
JSON
run() { # folder below results, further words ...
  folder=$1
  shift
  "$binary" run "$work/kill.json" --results "$results/$folder" "$@" >"$work/out" 2>"$work/err" </dev/null
}
# In a session of its own, so that signals reach what a terminal's would.
start() {
  folder=$1
  shift
  env --default-signal=INT setsid "$binary" run "$work/kill.json" --results "$results/$folder" "$@" >"$work/started.out" 2>"$work/started.err" </dev/null &
  driver=$!
}
now() { date +%s.%N; }
wait_until() { # seconds, command ...
  limit=$(($1 * 10))
  shift
  while [ "$limit" -gt 0 ] && ! "$@"; do
    limit=$((limit - 1))
    sleep 0.1
  done
  "$@"
}
none_left() { [ -z "$(ours)" ]; }
is_gone() { ! kill -0 "$driver" 2>/dev/null; }

# What must be the same: identities, digests, counts, summary numbers; not seconds, dates, or who was alone.
facts() { # folder
  "$binary" export --json "$results/$1/kill" >"$work/export" 2>"$work/err" || fail "export of $1"
  grep -E '"(run_id|trial_id|mode|outcome|optimizer|global_batch|mini_batch|seed|replicas|threads|steps_run|steps_to_target|examples_to_target|final_[a-z_]+|best_[a-z_]+|test_[a-z_]+|trajectory_sha256|weights_sha256)":' "$work/export"
}
expect_same_facts() { # folder, what happened
  facts "$1" >"$work/facts"
  cmp -s "$work/facts" "$work/reference" || {
    diff "$work/reference" "$work/facts" | head -n 20
    fail "after $2 the results differ from an undisturbed sweep's"
  }
}
expect_whole_files() { # folder
  [ -z "$(find "$results/$1" -name '*.tmp-*')" ] || fail "half-written files are left: $(find "$results/$1" -name '*.tmp-*')"
  command -v h5dump >/dev/null || return 0
  find "$results/$1" -name '*.h5' >"$work/files"
  [ "$(wc -l <"$work/files")" -eq $((n_runs + 1)) ] || fail "$(wc -l <"$work/files") HDF5 files for $n_runs runs and the gathered one"
  while read -r file; do
    h5dump -H "$file" >/dev/null 2>"$work/err" || fail "h5dump cannot open $file"
  done <"$work/files"
}
# One line a finished run: its journal may never be touched again.
finished() { # folder
  "$binary" export "$results/$1/kill" 2>/dev/null | awk -F '\t' 'NR > 1 && $4 != "interrupted" { print $1 }' |
    while read -r id; do stat -c '%n %i %s %Y' "$results/$1/kill/runs/$id/journal"; done
}
expect_kept() { # folder, file of lines that `finished` printed before
  finished "$1" >"$work/at_the_end"
  sort -u "$2" | while read -r line; do
    grep -qxF "$line" "$work/at_the_end" || { echo "$line" && exit 1; }
  done >"$work/redone" || fail "a finished run was done again: $(cat "$work/redone")"
}

begin=$(now)
run reference || fail "the reference: exit code $?"
took=$(echo "$(now) $begin" | awk '{ print $1 - $2 }')
facts reference >"$work/reference"
n_runs=$(grep -c run_id "$work/reference")
echo "reference: $n_runs runs in $took s"
[ "$n_runs" -eq 12 ] || fail "12 runs were asked for"

# ---- kill -9 at random moments
kills=${BATCHLAB_KILLS:-6}
seed=${BATCHLAB_KILL_SEED:-$$}
: >"$work/kept"
i=0
while [ $((i += 1)) -le "$kills" ]; do
  delay=$(awk -v seed="$seed" -v i="$i" -v took="$took" 'BEGIN { srand(seed * 100 + i); print (0.02 + 0.28 * rand()) * took }')
  start killed
  sleep "$delay"
  kill_all
  wait "$driver" 2>/dev/null
  finished killed >"$work/finished"
  cat "$work/finished" >>"$work/kept"
  echo "killed after $delay s (seed $seed): $(wc -l <"$work/finished") runs finished"
done
run killed || fail "after $kills kills: exit code $?"
expect_kept killed "$work/kept"
expect_same_facts killed "$kills kills"
resumed=$(grep -c '"resumed_from": [1-9]' "$work/export")
echo "$resumed of $n_runs runs went on from a checkpoint"
[ "$resumed" -ge 1 ] || [ "$kills" -lt 20 ] || fail "no run went on from a checkpoint (seed $seed)"
[ -z "$(find "$results/killed" -name 'checkpoint-*')" ] || fail "checkpoints of ended trials are left"
expect_whole_files killed

begun() { # runs, folder
  [ "$(find "$results/$2" -name journal 2>/dev/null | wc -l)" -ge "$1" ]
}

# ---- kill -9 of the driver alone: its workers follow it
start other
wait_until 60 begun 3 other || fail "three runs do not begin"
kill -KILL "$driver"
wait_until 12 none_left || fail "workers outlive their driver"
finished other >"$work/kept"

# ---- Ctrl-C, as a terminal sends it; the seventh run is the first that mpirun starts
start other
wait_until 60 begun 7 other || fail "seven runs do not begin"
kill -INT -"$driver"
wait_until 12 is_gone || fail "Ctrl-C: the driver is still there after 12 s"
wait "$driver"
code=$?
[ "$code" -eq 85 ] || fail "Ctrl-C: exit code $code, not 85"
none_left || fail "Ctrl-C leaves processes: $(ours)"
[ ! -s "$work/started.out" ] || fail "Ctrl-C: stdout is not empty"
grep -q 'the same command goes on' "$work/started.err" || fail "Ctrl-C: no word on how to go on"
finished other >>"$work/kept"
echo "Ctrl-C: $(finished other | wc -l) runs finished"
run other || fail "after a killed driver and Ctrl-C: exit code $?"
expect_kept other "$work/kept"
expect_same_facts other "a killed driver and Ctrl-C"
expect_whole_files other

# ---- kill -9 of one rank; a second process, refused with another config and sharing the work with the same one
start shared
: >"$work/kept"
first=$driver
a_worker() {
  for pid in $(ours); do
    [ "$(cat "/proc/$pid/comm" 2>/dev/null)" != mpirun ] && tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null |
      grep -q ' _work ' && echo "$pid" && return
  done
  return 1
}
wait_until 10 a_worker >/dev/null || fail "no worker appears"
sleep 0.2
run shared trial.lr.base=0.01
code=$?
[ "$code" -eq 2 ] || fail "another config beside a live process: exit code $code, not 2"
grep -q "another config: process $first on $(uname -n) since 20" "$work/err" || fail "another config: it does not say whose"
victim=$(a_worker) && kill -KILL "$victim"
run shared &
second=$!
both_gone() {
  finished shared >>"$work/kept"
  ! kill -0 "$first" 2>/dev/null && ! kill -0 "$second" 2>/dev/null
}
wait_until 60 both_gone || fail "two processes in one folder do not end"
wait "$second" || fail "the same config beside a live process: exit code $?"
wait "$first" || fail "the first of two processes: exit code $?"
expect_kept shared "$work/kept"
expect_same_facts shared "a killed rank and two processes"
expect_whole_files shared
none_left || fail "processes are left: $(ours)"

# ---- a disk that gets full, told by a limit on the size of files (in units of 512 bytes)
(
  ulimit -f 32
  run full
)
code=$?
[ "$code" -eq 74 ] || fail "a full disk: exit code $code, not 74"
[ "$(grep -c 'hint: free some space' "$work/err")" -ge 1 ] || fail "a full disk: no hint"
none_left || fail "a full disk leaves processes"
run full || fail "after a full disk: exit code $?"
expect_same_facts full "a full disk"
expect_whole_files full
echo "all ends as undisturbed"
