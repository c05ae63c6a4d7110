#!/bin/sh
# A search that is killed again and again, goes on with other numbers of workers and ends inside somebody else's MPI job
# tries the same points, finds the same winners and has the same bits as one that nobody disturbed.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
results=$work/results # stands in the command line of every process of ours
printf '%s' "$results" >"$work/pattern"
mkdir "$work/mpi" # a killed mpirun leaves files behind
export OMPI_MCA_orte_tmpdir_base="$work/mpi" OMPI_MCA_btl_vader_backing_directory="$work/mpi"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive

fail() {
  echo "FAILED: $*"
  tail -n 20 "$work/err" | sed 's/^/  stderr: /'
  exit 1
}
# shellcheck source=tests/tools/processes.sh
. "$root/tests/tools/processes.sh"
trap 'kill_all; rm -rf "$work"' EXIT

cat >"$work/search.json" <<'JSON'
{
  "experiment": "search",
  "question": "Does a disturbed search find what an undisturbed one finds?",
  "trial": {
    "dataset": {"name": "glyphs", "train": 2000, "valid": 200, "test": 200},
    "model": {"name": "mlp", "hidden": [64]},
    "global_batch": 64, "mini_batch": 16,
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.02},
    "stop": {"metric": "valid_accuracy", "target": 0.8, "epochs": 3},
    "eval": {"every_examples": 250}
  },
  "sweep": {"global_batch": [64, 128], "optimizer": [{"name": "momentum"}, {"name": "lamb"}]},
  "search": {
    "trials": 5,
    "space": {"lr.base": {"min": 0.001, "max": 1, "scale": "log"},
              "optimizer.momentum": {"min": 0.5, "max": 0.99, "scale": "reverse_log"}},
    "spaces": {"lamb": {"optimizer.momentum": null, "lr.base": {"min": 0.001, "max": 0.1, "scale": "log"}}},
    "rerun_seeds": 2
  },
  "layouts": {"replicas": [1, 2], "mode": "verify", "steps": 10, "checkpoint_s": 0.05}
}
JSON
run() { # folder below results, further words ...
  folder=$1
  shift
  "$binary" run "$work/search.json" --results "$results/$folder" "$@" >"$work/out" 2>"$work/err" </dev/null
}
# What must be the same: identities, the search's part, digests, counts, summary numbers; not seconds or dates.
facts() { # folder
  "$binary" export --json "$results/$1/search" >"$work/export" 2>"$work/err" || fail "export of $1"
  grep -E '"(run_id|trial_id|mode|outcome|optimizer|global_batch|seed|replicas|threads|steps_run|steps_to_target|examples_to_target|final_[a-z_]+|best_[a-z_]+|test_[a-z_]+|trajectory_sha256|weights_sha256)":' "$work/export"
  for run in "$results/$1/search/runs"/*; do
    id=$(basename "$run")
    printf '%s ' "$id"
    tr -c '[:print:]' '\n' <"$results/$1/search/runs/$id/journal" | grep -oE '"search":"\{.*\}\}"|"pruned_at_step":[0-9]+' | tr '\n' ' '
    echo
  done
}
expect_same() { # folder, what happened
  facts "$1" >"$work/facts"
  cmp -s "$work/facts" "$work/reference" || {
    diff "$work/reference" "$work/facts" | head -n 20
    fail "after $2 the search ends differently"
  }
}
finished() { # folder: one line a finished run, whose journal may never be touched again
  "$binary" export "$results/$1/search" 2>/dev/null | awk -F '\t' 'NR > 1 && $4 != "interrupted" { print $1 }' |
    while read -r id; do stat -c '%n %i %s %Y' "$results/$1/search/runs/$id/journal"; done
}

begin=$(date +%s.%N)
run reference || fail "the reference: exit code $?"
took=$(echo "$(date +%s.%N) $begin" | awk '{ print $1 - $2 }')
facts reference >"$work/reference"
n_runs=$(grep -c '"run_id"' "$work/reference")
n_points=$(grep -c '\\"role\\":\\"point\\"' "$work/reference")
n_reruns=$(grep -c '\\"role\\":\\"rerun\\"' "$work/reference")
echo "reference: $n_runs runs ($n_points of points, $n_reruns of winners) in $took s"
[ "$n_points" -eq 20 ] && [ "$n_reruns" -eq 24 ] || fail "20 points and 4 x 2 trials, each trained and verified twice, were asked for"

run reference || fail "once more: exit code $?"
grep -q 'all 44 runs are done already' "$work/err" || fail "a finished search is done again"
expect_same reference "running it again"

# ---- kill -9 at random moments; one worker, two workers
seed=${BATCHLAB_KILL_SEED:-$$}
: >"$work/kept"
for i in 1 2 3 4 5; do
  delay=$(awk -v seed="$seed" -v i="$i" -v took="$took" 'BEGIN { srand(seed * 100 + i); print (0.03 + 0.15 * rand()) * took }')
  setsid "$binary" run "$work/search.json" --results "$results/killed" search.parallel=$((1 + i % 2)) >"$work/out" 2>"$work/err" </dev/null &
  driver=$!
  sleep "$delay"
  kill_all
  wait "$driver" 2>/dev/null
  finished killed >"$work/finished"
  cat "$work/finished" >>"$work/kept"
  echo "killed after $delay s (seed $seed): $(wc -l <"$work/finished") runs finished"
done
mpirun -q --oversubscribe -n 3 "$binary" run "$work/search.json" --results "$results/killed" >"$work/out" 2>"$work/err" </dev/null ||
  fail "inside mpirun, after kills: exit code $?"
finished killed >"$work/at_the_end"
sort -u "$work/kept" | while read -r line; do
  grep -qxF "$line" "$work/at_the_end" || { echo "$line" && exit 1; }
done >"$work/redone" || fail "a finished run was done again: $(cat "$work/redone")"
expect_same killed "kills, other numbers of workers and an MPI job"

# ---- a shorter search first, then more trials: the earlier points stay
run short search.trials=3 || fail "three trials: exit code $?"
finished short >"$work/kept"
run short || fail "five trials after three: exit code $?"
finished short >"$work/at_the_end"
for id in $(awk '/role\\":\\"point/ { print $1 }' "$work/reference"); do
  [ -f "$results/short/search/runs/$id/journal" ] || fail "five trials after three lack the point $id"
done
grep -vxF -f "$work/at_the_end" "$work/kept" && fail "more trials did a finished run again"
plan_of() { "$binary" plan "$work/search.json" --results "$results/$1" --json | grep '"run_id"' | sort; }
plan_of short >"$work/short"
plan_of reference >"$work/whole"
cmp -s "$work/short" "$work/whole" || fail "five trials after three plan other runs than five at once"
# ---- pruning: the same under kills, and points that go on have the bits of those that never paused
prune='search.prune={"rule": "halving", "rungs": [0.2, 0.5]}'
digests() { # folder, sed expression: run, weights and trajectory of points and reruns that ended by themselves
  "$binary" export "$results/$1/search" 2>/dev/null | awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    $4 != "interrupted" { print $1, $column["weights_sha256"], $column["trajectory_sha256"] }' | sort
}
run pruned "$prune" || fail "with pruning: exit code $?"
facts pruned >"$work/reference"
n_pruned=$(grep -c '"pruned_at_step":[1-9]' "$work/reference")
[ "$n_pruned" -ge 8 ] || fail "halving twice leaves more than half of 20 points: $n_pruned pruned"
digests reference >"$work/whole"
digests pruned | while read -r id rest; do
  ! grep -q "^$id " "$work/whole" || grep -qxF "$id $rest" "$work/whole" || { echo "$id" && exit 1; }
done >"$work/different" || fail "a point that paused at rungs has other bits: $(cat "$work/different")"
run pruned "$prune" || fail "with pruning, once more: exit code $?"
grep -q 'runs are done already' "$work/err" || fail "a pruned search is done again"
for i in 1 2 3; do
  delay=$(awk -v seed="$seed" -v i="$i" -v took="$took" 'BEGIN { srand(seed * 100 + 50 + i); print (0.03 + 0.15 * rand()) * took }')
  setsid "$binary" run "$work/search.json" --results "$results/cut" "$prune" >"$work/out" 2>"$work/err" </dev/null &
  driver=$!
  sleep "$delay"
  kill_all
  wait "$driver" 2>/dev/null
  echo "killed a pruned search after $delay s (seed $seed)"
done
mpirun -q --oversubscribe -n 2 "$binary" run "$work/search.json" --results "$results/cut" "$prune" >"$work/out" 2>"$work/err" </dev/null ||
  fail "pruning inside mpirun, after kills: exit code $?"
expect_same cut "kills of a pruned search"
echo "all ends as undisturbed"
