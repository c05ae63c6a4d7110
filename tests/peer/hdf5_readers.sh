#!/bin/sh
# Other programs read our HDF5 files: h5py, pandas, xarray, h5dump. test_h5 leaves the files, the Python program beside this
# one says what must be in them. Debian's python3 first: another one on PATH may lack the modules.
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || { echo "python3 is not installed"; exit 77; }
"$python" -c 'import h5py, numpy' 2>/dev/null || { echo "python3-h5py is not installed"; exit 77; }

here=$(dirname "$0")
maker=${BATCHLAB_BUILD:?run it through ctest}/tests/test_h5
[ -x "$maker" ] || { echo "test_h5 is not built"; exit 1; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
BATCHLAB_KEEP=$folder "$maker" >"$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }

"$python" -B "$here/hdf5_readers.py" "$folder/study.h5" "$folder/runs/0123456789abcdef-r1t1/run.h5" || exit 1
if command -v h5dump >/dev/null; then
  h5dump -H "$folder/study.h5" >"$folder/dump" || { echo "h5dump cannot read it"; exit 1; }
  grep -q 'GROUP "provenance"' "$folder/dump" || { echo "h5dump shows no provenance"; exit 1; }
else
  echo "h5dump is not installed: that part is skipped"
fi
