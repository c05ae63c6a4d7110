#!/bin/sh
# The HDF5 file of all runs is made when something is new, and only then; `collect` makes everything again.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
  echo "FAILED: $*"
  sed 's/^/  stderr: /' "$work/err" | tail -n 20
  exit 1
}
lab() {
  "$binary" "$@" >"$work/out" 2>"$work/err" </dev/null || fail "batchlab $* leaves with $?"
}
all=results/gather/gather.h5
which_file() { stat -c '%i %y' "$all"; }
expect_kept() { [ "$(which_file)" = "$was" ] || fail "$1 makes the file again, although nothing is new"; }
expect_new() {
  [ "$(which_file)" != "$was" ] || fail "$1 leaves the old file"
  was=$(which_file)
}
n_runs() { # as the file says; without h5dump as many as expected
  command -v h5dump >/dev/null || { echo "$1" && return; }
  h5dump -a /n_runs "$all" | sed -n 's/.*(0): //p'
}

run() {
  lab run "$root/experiments/smoke.json" experiment=gather 'trial.stop={"steps": 8}' 'layouts.mode="full"' 'layouts.replicas=1' \
    'sweep={"global_batch": [32, 64]}' "$@"
}
run seeds=1
was=$(which_file)
[ "$(n_runs 2)" = 2 ] || fail "$(n_runs 2) runs of 2 are gathered"
lab report results/gather
expect_kept report
lab plot results/gather
lab fit results/gather
expect_kept "plot or fit"
run seeds=1
expect_kept "a run with nothing to do"
run seeds=2
expect_new "a run with two more trials"
[ "$(n_runs 4)" = 4 ] || fail "$(n_runs 4) runs of 4 are gathered"
if command -v h5dump >/dev/null; then
  dump() { h5dump "$all" | sed -E 's/DATASET [0-9]+ /DATASET /'; } # wherever they lie
  dump >extended
  lab collect results/gather
  dump >made_anew
  [ "$(wc -l <extended)" -gt 1000 ] || fail "h5dump shows next to nothing of the file"
  cmp extended made_anew >&2 || fail "a file that two commands made holds something else than one made at once"
else
  echo "h5dump is not installed: what the file holds is not compared"
fi
was=$(which_file)

first=$(find results/gather/runs -name run.h5 | sort | head -n 1)
rm "$first"
lab report results/gather
expect_kept "the report, for a run's own file,"
[ -f "$first" ] || fail "a run's own file is not made again"
printf 'nothing' >"$all"
was=$(which_file)
lab report results/gather
expect_new "report, with a damaged file,"
rm -r "$(dirname "$first")"
lab report results/gather
expect_new "report, with a run that is gone,"
[ "$(n_runs 3)" = 3 ] || fail "$(n_runs 3) runs of 3 are gathered"
one=$(find results/gather/runs -name run.h5 | sort | head -n 1)
first_was=$(stat -c '%i %y' "$one")
lab collect results/gather
expect_new collect
[ "$(stat -c '%i %y' "$one")" != "$first_was" ] || fail "collect leaves a run's own file"
[ -z "$(find results -name '*.tmp-*')" ] || fail "half-written files are left"
echo "gathered when something is new"
