#!/bin/sh
# `plan` predicts the peak memory of a rank within 20 %: a few steps of each model family, as the kernel counts them.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
peak=${BATCHLAB_BUILD:-$root/build/release}/tests/tools/peak_memory
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
n_bad=0

compare() { # dataset, model, global and mini-batch, optimizer, replicas, threads
  cat >memory.json <<JSON
{
  "experiment": "memory", "question": "How large does a rank get?",
  "trial": {
    "dataset": $1, "model": $2, "global_batch": $3, "mini_batch": $4,
    "optimizer": {"name": "$5"}, "lr": {"base": 0.001}, "stop": {"steps": 2}
  },
  "layouts": {"replicas": $6, "threads": $7, "mode": "full"}
}
JSON
  planned=$("$binary" plan memory.json --json --results planned | awk '/"memory_bytes"/ { print $2 + 0 }')
  rm -rf results
  measured=$("$peak" "$binary" run memory.json --results results) || { echo "FAILED: the run of $2" && exit 1; }
  awk -v p="$planned" -v m="$measured" -v what="$2" 'BEGIN {
    printf "%s: planned %.0f MB, measured %.0f MB, ratio %.2f\n", what, p / 1e6, m / 1e6, p / m
    exit !(p / m > 0.8 && p / m < 1.2) }' || n_bad=$((n_bad + 1))
}

images='{"name": "glyphs", "train": 4000, "valid": 200, "test": 200}'
compare "$images" '{"name": "softmax"}' 64 16 sgd 1 1
compare "$images" '{"name": "mlp", "hidden": [2048, 2048]}' 256 32 adamw 1 1
compare "$images" '{"name": "mlp", "hidden": [1024, 1024]}' 1024 128 lamb 2 1
compare "$images" '{"name": "simple_cnn"}' 256 64 momentum 1 2
compare '{"name": "tiles", "train": 2000, "valid": 130, "test": 130}' '{"name": "resnet"}' 128 64 momentum 1 2
compare '{"name": "markov", "train": 100, "valid": 20, "test": 20}' '{"name": "transformer", "width": 256}' 16 4 adamw 1 2
[ "$n_bad" -eq 0 ]
