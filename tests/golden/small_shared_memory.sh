#!/bin/sh
# Replicas share memory as far as there is any: with a /dev/shm that holds nothing, the gradients only, or all of it, a run ends, says
# once what it does without, and learns the same bits. Why: a file there that outgrows it ends a job at the first touch, without a word.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
unshare -m sh -c 'mount -t tmpfs -o size=1m tmpfs /dev/shm' 2>/dev/null || {
  echo "this test mounts a small /dev/shm of its own, which takes root and mount namespaces"
  exit 77
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# 1.9 million weights: 7.5 MB a vector, six vectors to sum in, three for weights, gradient and slot.
cat >small.json <<JSON
{
  "experiment": "small", "question": "Does a small /dev/shm change a bit?",
  "trial": {
    "dataset": {"name": "glyphs", "train": 300, "valid": 60, "test": 60}, "model": {"name": "mlp", "hidden": [1024, 1024]},
    "global_batch": 64, "mini_batch": 16, "optimizer": {"name": "momentum"}, "lr": {"base": 0.001}, "stop": {"steps": 4}
  },
  "layouts": {"replicas": 2, "threads": 1, "mode": "full"}
}
JSON

try() { # size, what it says, or nothing
  unshare -m sh -c 'mount -t tmpfs -o "size=$1" tmpfs /dev/shm && exec "$2" run small.json --results "results$1"' sh "$1" "$binary" \
    >out 2>err || { echo "FAILED: with $1 of shared memory" && cat err && exit 1; }
  said=$(grep -o 'no shared memory.*' err | sed 's/.*): //')
  [ "$said" = "$2" ] || { echo "FAILED: with $1 it said '$said', not '$2'" && exit 1; }
  "$binary" export "results$1/small" --json | grep -o '"trajectory_sha256": "[0-9a-f]*"' >"digest$1"
  [ -s "digest$1" ] && cmp "digest$1" digest20m || { echo "FAILED: other bits with $1" && exit 1; }
  echo "$1: $(cut -c1-40 "digest$1") ${2:-all of it}"
}
try 20m "replicas send messages instead"
try 54m "every replica updates all weights instead"
try 160m ""
