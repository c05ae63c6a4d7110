#!/bin/sh
# Starting workers: no mpirun, an mpirun that says nothing, ranks that somebody else started, runs that another process holds,
# and an impatient person.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
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
path=$PATH
run() { # file, further words ...
  file=$1
  shift
  env PATH="$path" "$binary" run "$file" --results "$results" "$@" >"$work/out" 2>"$work/err" </dev/null
  code=$?
}
messages() { grep -c '^batchlab: ' "$work/err"; }
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

cat >"$work/small.json" <<'JSON'
{
  "experiment": "small",
  "question": "Do workers start?",
  "trial": {
    "dataset": {"name": "blobs"},
    "model": {"name": "mlp", "hidden": [16]},
    "global_batch": 32,
    "optimizer": {"name": "momentum"},
    "lr": {"base": 0.05},
    "stop": {"metric": "valid_accuracy", "target": 0.9, "epochs": 10}
  },
  "sweep": {"global_batch": [32, 128], "zip": [{"optimizer": ["momentum", "lamb"], "lr.base": [0.05, 0.01]}]},
  "seeds": 2,
  "layouts": {"replicas": [1, 2], "steps": 20}
}
JSON
run "$work/small.json" seeds=1 'layouts.replicas=[1]'
[ "$code" -eq 0 ] || fail "one replica: exit code $code"

# ---- no mpirun: one message, and what needs none is kept
mkdir "$work/empty" "$work/silent"
path=$work/empty
run "$work/small.json" seeds=1
[ "$code" -eq 1 ] && [ "$(messages)" -eq 1 ] || fail "no mpirun: exit code $code, $(messages) messages"
grep -q "cannot start 'mpirun'" "$work/err" && grep -q 'hint: is Open MPI installed?' "$work/err" || fail "no mpirun: no word about it"

# ---- an mpirun that never gets its ranks to start
# shellcheck disable=SC2016 # the stand-in's own words
printf '#!/bin/sh\necho $$ >>"%s/silent/pids"\nexec sleep 600\n' "$work" >"$work/silent/mpirun"
chmod +x "$work/silent/mpirun"
path=$work/silent:$PATH
run "$work/small.json" seeds=1 --start-limit 1
path=$PATH
[ "$code" -eq 1 ] && [ "$(messages)" -eq 1 ] || fail "silent mpirun: exit code $code, $(messages) messages"
[ "$(grep -c 'does not start within 1 s' "$work/err")" -eq 2 ] || fail "silent mpirun: not tried twice"
while read -r pid; do
  ! kill -0 "$pid" 2>/dev/null || fail "silent mpirun: it is left running"
done <"$work/silent/pids"
run "$work/small.json" seeds=1
[ "$code" -eq 0 ] || fail "after both: exit code $code"
grep -q '12 runs, 4 to do' "$work/err" || fail "after both: finished runs are not kept"

# ---- ranks that somebody else started
in_place() {
  mpirun -q -n 2 --oversubscribe "$binary" run "$@" --results "$results" >"$work/out" 2>"$work/err" </dev/null
  code=$?
}
in_place "$work/small.json" seeds=1 experiment=in_place
[ "$code" -eq 0 ] && [ "$(tail -n 1 "$work/out" | grep -c in_place/report.html)" -eq 1 ] || fail "in place: exit code $code"
facts() { "$binary" export --json "$results/$1" | grep -E '"(run_id|outcome|steps_run|final_.*|trajectory_sha256|weights_sha256)":'; }
[ "$(facts small)" = "$(facts in_place)" ] || fail "in place: other results than started by the driver"
in_place "$work/small.json" trial.lr.bsae=1
[ "$code" -eq 2 ] && [ "$(messages)" -eq 1 ] || fail "in place, a typo: exit code $code, $(messages) messages"

# ---- ranks whose libraries choose other kernels would make other bits
cat >"$work/mixed" <<'SH'
#!/bin/sh
[ "$OMPI_COMM_WORLD_RANK" = 1 ] && export ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Nehalem
exec "$@"
SH
chmod +x "$work/mixed"
OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun -n 2 --oversubscribe --bind-to none "$work/mixed" "$binary" \
  run "$work/small.json" --results "$results/mixed" >"$work/out" 2>"$work/err" </dev/null
[ "$(grep -c '^batchlab: ' "$work/err")" -eq 1 ] || fail "mixed instruction sets: one message"
grep -q 'hint: .*trial.isa' "$work/err" || fail "mixed instruction sets: no hint"

# ---- trial.isa: the driver pins it; ranks that somebody else started must bring it along
run "$work/small.json" trial.isa=avx2 experiment=pinned
[ "$code" -eq 0 ] || fail "trial.isa: exit code $code"
in_place "$work/small.json" trial.isa=avx2 experiment=unpinned
[ "$code" -eq 2 ] && [ "$(messages)" -eq 1 ] || fail "in place, not pinned: exit code $code, $(messages) messages"
grep -q 'hint: .*OPENBLAS_CORETYPE=Haswell' "$work/err" || fail "in place, not pinned: no hint"

# ---- all that remains is claimed by another live process; then Ctrl-C twice
cat >"$work/long.json" <<'JSON'
{
  "experiment": "long",
  "question": "Who holds this trial?",
  "trial": {
    "dataset": {"name": "blobs", "train": 100000, "features": 256},
    "model": {"name": "mlp", "hidden": [256]},
    "global_batch": 1024,
    "optimizer": {"name": "sgd"},
    "lr": {"base": 0.001},
    "stop": {"epochs": 100000}
  }
}
JSON
env --default-signal=INT setsid "$binary" run "$work/long.json" --results "$results" >"$work/first.out" 2>"$work/first.err" </dev/null &
first=$!
journal_is_there() { [ -n "$(find "$results/long/runs" -name journal 2>/dev/null)" ]; }
wait_until 20 journal_is_there || fail "the long run does not start"
mpirun -q -n 2 --oversubscribe "$binary" run "$work/long.json" --results "$results" >"$work/beside" 2>&1 </dev/null &
beside=$!
begin=$(date +%s)
run "$work/long.json"
took=$(($(date +%s) - begin))
[ "$code" -eq 5 ] || fail "claimed: exit code $code, not 5"
[ "$took" -ge 9 ] && [ "$took" -le 30 ] || fail "claimed: it waited $took s, not 10"
grep -q "claimed by other live processes, the first by process [0-9]* on $(uname -n) since 20" "$work/err" || fail "claimed: it does not say by whom"
wait "$beside"
code=$?
[ "$code" -eq 5 ] || fail "claimed, in place: exit code $code, not 5: $(cat "$work/beside")"
kill -INT -"$first"
kill -INT -"$first" 2>/dev/null
wait_until 12 none_left || fail "Ctrl-C twice leaves processes: $(ours)"
wait "$first"
code=$?
[ "$code" -eq 130 ] || [ "$code" -eq 85 ] || fail "Ctrl-C twice: exit code $code"
echo "workers start, or it is said why not"
