#!/bin/sh
# `bench compute` and `bench comm` keep what they measure in one file a host, beside what the other found.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
  echo "FAILED: $*"
  cat out err
  exit 1
}
file=results/calibration/$(uname -n).h5

"$binary" bench compute --model softmax --seconds 0.02 >out 2>err || fail "bench compute leaves with $?"
grep -q "^softmax .* 128 " out || fail "bench compute: no line for softmax at 128"
grep -qF "kept in $file" err || fail "bench compute does not say where it keeps its rows"
"$binary" bench comm --seconds 0.02 --json >out 2>err || fail "bench comm leaves with $?"
grep -q '"sum":"tree"' out || fail "bench comm: no sum by the tree"
grep -qF "kept in $file" err || fail "bench comm does not say where it keeps its rows"
"$binary" bench compute --model nothing >out 2>err
[ $? -eq 2 ] || fail "bench compute takes a model that is not there"
if command -v h5dump >/dev/null; then
  h5dump -d /passes/model "$file" | grep -q softmax || fail "the passes are gone after bench comm"
  h5dump -d /sums/way "$file" | grep -q halving || fail "no sums"
  h5dump -d /messages/seconds "$file" | grep -q '"s"' || fail "no units"
  h5dump -a /provenance "$file" | grep -q cpu || fail "no provenance"
fi
echo "both benchmarks keep their rows in $file"
