#!/bin/sh
# `batchlab export --rcp` and `--mllog`: read back with another program's JSON reader and held against the TSV export of
# the same results. A plain study, a searched one, one without reruns, and imported runs of which some miss or diverge.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID BATCHLAB_DATA
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || { echo "python3 is not installed"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
n_bad=0

wrong() {
  echo "WRONG: $1"
  sed 's/^/  stderr: /' err | tail -n 8
  n_bad=$((n_bad + 1))
}
lab() {
  "$binary" "$@" >out 2>err </dev/null || wrong "batchlab $* leaves with $?"
}
refused() { # message, hint, words
  message=$1 && hint=$2 && shift 2
  "$binary" "$@" >out 2>err </dev/null
  code=$?
  [ "$code" -eq 2 ] && [ ! -s out ] || wrong "$*: exit code $code, or output"
  grep -v '^  hint' err | grep -qF -- "$message" || wrong "$*: no '$message'"
  grep '^  hint' err | grep -qF -- "$hint" || wrong "$*: no hint '$hint'"
}
# Exports a folder in all forms and reads them back.
export_and_check() { # folder, what else the reader expects
  name=$1 && shift
  lab export "results/$name" && mv out "$name.tsv"
  lab export --rcp "results/$name" && mv out "rcps_$name.json" && mv err "$name.notes"
  lab export "results/$name" --mllog "logs/$name"
  [ "$(cat out)" = "logs/$name" ] || wrong "--mllog prints '$(cat out)'"
  "$python" -B "$root/tests/cli/export_records.py" "$name" "$@" >err 2>&1 || wrong "$name: what was read back"
}

# ---- a study of two optimizers
smoke() {
  lab run "$root/experiments/smoke.json" 'layouts.mode="full"' 'layouts.replicas=1' "$@"
}
smoke experiment=plain seeds=3
export_and_check plain records=4 seeds=3 rate=momentum:32:0.01 rate=momentum:128:0.04
lab export --rcp results/plain --series lamb --benchmark toys
[ "$(grep -c '"Benchmark": "toys"' out)" -eq 2 ] || wrong "--series and --benchmark: not two records of the benchmark"
lab export results/plain --rcp --series lamb
[ "$(grep -c '_ref_' out)" -eq 2 ] && ! grep -q momentum_ref out || wrong "--series lamb: not its two records"

# ---- searched: the winner's reruns stand for the cell; without reruns nothing does
search() {
  smoke 'sweep={"global_batch": [32, 128]}' seeds=1 "search={\"algorithm\": \"halton\", \"trials\": 4, \"rerun_seeds\": $1, \
    \"space\": {\"lr.base\": {\"min\": 0.005, \"max\": 0.2, \"scale\": \"log\"}}}" experiment="$2"
}
search 3 searched
export_and_check searched records=2 seeds=3 points=results/searched/tables/search.tsv
search 0 points
refused "no cell can be a reference" "chosen because it looked best" export --rcp results/points

# ---- imported: one that misses, one that diverges, a batch that nobody masters; runs that go on after the target
cat >write.py <<'PY'
import json
for batch, seed, reaches in ((50, 0, 40), (50, 1, 44), (50, 2, None), (100, 0, 24), (100, 1, "nan"), (200, 7, None)):
    run = {"global_batch": batch, "seed": seed, "n_train": 1000, "optimizer": "sgd", "settings": {"wd": 0.5}}
    for step in range(2, 61, 2):
        loss = float("nan") if reaches == "nan" and step > 6 else 2 / (1 + step)
        accuracy = 0.95 if isinstance(reaches, int) and step >= reaches else 0.5
        print(json.dumps({**run, "step": step, "loss": loss, "lr": 0.2 if step > 4 else 0.1, "accuracy": accuracy}))
        if loss != loss:
            break
PY
"$python" write.py >foreign.jsonl
lab import foreign.jsonl --metric valid_accuracy --target 0.9
export_and_check foreign records=2 list=50:2.0,2.2 list=100:2.4 missed=50:2:missed missed=100:1:diverged rate=sgd:50:0.2
grep -q 'B = 50: 1 of 3 runs did not reach the target (seed 2 missed)' foreign.notes || wrong "the run that missed is not told"
grep -q 'B = 200: no run reached the target (seed 7 missed)' foreign.notes || wrong "the batch without a record is not told"
sed 's/, "n_train": 1000//' foreign.jsonl >epochless.jsonl
lab import epochless.jsonl --metric valid_accuracy --target 0.9
refused "no cell can be a reference" "n_train" export --rcp results/epochless
lab import foreign.jsonl --name aimless
refused "no cell can be a reference" "it has no target" export --mllog logs/aimless results/aimless
[ ! -e logs/aimless ] || wrong "a refused export leaves a folder"

# ---- refused
refused "is not empty" "a folder of their own" export --mllog logs/plain results/plain
refused "there is no series 'adam'" "there are momentum and lamb" export --rcp --series adam results/plain
refused "two records of batch 32: momentum and lamb" "--series 'momentum'" export --rcp --benchmark toys results/plain
refused "two forms" "twice" export --rcp --json results/plain
refused "--series is about" "--rcp" export --series lamb results/plain

[ "$n_bad" -eq 0 ] || exit 1
echo "records and logs of four studies agree with their TSV export"
