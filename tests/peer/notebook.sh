#!/bin/sh
# notebooks/01_critical_batch.ipynb as a person runs it, on a study made here: it executes, draws its two figures, and
# its critical batches are those of the report. Then its cells once more on a searched study.
python=/usr/bin/python3 # Debian's: another one on PATH may lack the modules
[ -x "$python" ] || python=$(command -v python3) || { echo "python3 is not installed"; exit 77; }
for module in nbconvert ipykernel h5py matplotlib; do
  "$python" -c "import $module" 2>/dev/null || { echo "python3-$module is not installed"; exit 77; }
done
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID BATCHLAB_DATA MPLBACKEND
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
notebook=$root/notebooks/01_critical_batch.ipynb
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export HOME="$work" IPYTHONDIR="$work/ipython" JUPYTER_RUNTIME_DIR="$work/jupyter" MPLCONFIGDIR="$work/matplotlib"
export PYDEVD_DISABLE_FILE_VALIDATION=1
cd "$work" || exit 1

fail() {
  echo "FAILED: $1"
  tail -n 25 log
  exit 1
}
study() { # name, settings
  name=$1 && shift
  "$binary" run "$root/experiments/smoke.json" experiment="$name" trial.eval.every_examples=64 'layouts.mode="full"' \
    'layouts.replicas=1' "$@" >log 2>&1 || fail "the study '$name'"
}
# The budget ends lamb's largest batch, so that there is something to leave out.
study plain seeds=4 trial.stop.epochs=10 'sweep={"global_batch": [16, 32, 64, 128, 256, 512],
  "zip": [{"optimizer": [{"name": "momentum"}, {"name": "lamb"}], "lr.base": [0.003, 0.003], "lr.scaling": ["linear", "sqrt"]}]}'
study searched seeds=1 'sweep={"global_batch": [32, 128, 512]}' 'search={"algorithm": "halton", "trials": 3, "rerun_seeds": 2,
  "space": {"lr.base": {"min": 0.01, "max": 0.1, "scale": "log"}}}'

cp "$notebook" before.ipynb
(cd "$root/notebooks" && BATCHLAB_H5=$work/results/plain/plain.h5 "$python" -m nbconvert --to notebook --execute \
  --output-dir "$work" --output executed.ipynb "${notebook##*/}") >log 2>&1 || fail "nbconvert"
cmp -s "$notebook" before.ipynb || fail "executing it changes the committed file"
"$python" -B "$root/tests/peer/notebook.py" executed executed.ipynb results/plain/tables >log 2>&1 || fail "what it shows"
cat log
MPLBACKEND=Agg BATCHLAB_H5=results/searched/searched.h5 "$python" -B "$root/tests/peer/notebook.py" searched "$notebook" 2 \
  >log 2>&1 || fail "its cells on a searched study"
cat log
