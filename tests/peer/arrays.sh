#!/bin/sh
# What numpy and h5py write, we read: the same numbers in either file, compressed or not, train the same weights.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
python=
for candidate in python3 /usr/bin/python3; do
  "$candidate" -c 'import numpy, h5py' 2>/dev/null && python=$candidate && break
done
[ -n "$python" ] || { echo "skipped: no Python with numpy and h5py (python3-h5py)"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
fail() { echo "FAILED: $*" && cat out err && exit 1; }

mkdir single double
"$python" - <<'PY' || exit 1
import numpy as np, h5py
rng = np.random.default_rng(1)
x = rng.standard_normal((300, 3, 8, 8)).astype("f4")
y = rng.integers(0, 4, 300)
np.save("single/x.npy", x); np.save("single/y.npy", y.astype("u1"))
np.save("double/x.npy", x.astype("f8")); np.save("double/y.npy", y)
with h5py.File("plain.h5", "w") as f:
    f["x"] = x; f["y"] = y
with h5py.File("packed.h5", "w") as f:
    f.create_dataset("a/b/x", data=x.astype(">f8"), compression="gzip", chunks=(13, 3, 8, 8), shuffle=True)
    f.create_dataset("y", data=y.astype("i2")[:, None], compression="gzip")
PY

cat >arrays.json <<'JSON'
{
  "experiment": "arrays", "question": "Do all of these files hold the same?",
  "trial": {
    "dataset": {"name": "npy", "path": "single"}, "model": {"name": "mlp", "hidden": [8]}, "global_batch": 32,
    "optimizer": {"name": "momentum"}, "lr": {"base": 0.1}, "stop": {"steps": 5}
  },
  "sweep": {"dataset": [
    {"name": "npy", "path": "single"}, {"name": "npy", "path": "double"}, {"name": "hdf5", "path": "plain.h5"},
    {"name": "hdf5", "path": "packed.h5", "x": "a/b/x"}]},
  "layouts": {"mode": "full"}
}
JSON
"$binary" run arrays.json --results results >out 2>err || fail "the run"
"$binary" export results/arrays >out 2>err || fail "the table"
[ "$(wc -l <out)" -eq 4 ] || fail "three runs: where a file lies is no part of a trial"
[ "$(awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) if ($i ~ /^weights_sha256/) at = i; next } { print $at }' out | sort -u | wc -l)" \
  -eq 1 ] || fail "other weights"

refused() { # what numpy does, text of the message
  "$python" -c "import numpy as np; x = np.load('double/x.npy'); np.save('double/x.npy', $1)" || exit 1
  "$binary" plan arrays.json >out 2>err && fail "taken: $1"
  grep -qF -- "$2" err || fail "no '$2'"
  cp single/x.npy double/x.npy
}
refused "x.astype('>f4')" "is big-endian"
refused "np.asfortranarray(x)" "is in Fortran order"
refused "x.transpose(0, 2, 3, 1).copy()" "its channels come last"
refused "x.astype('f2')" "of the type '<f2'"
refused "x[0]" "holds 3 examples"
echo "four files, the same weights"
