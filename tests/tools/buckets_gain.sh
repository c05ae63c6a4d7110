#!/bin/sh
# buckets_gain.sh [REPEATS [RATE ...]]: what buckets gain on a slow link. By hand: needs root, and is honest only while nobody
# else computes here. Two hosts (network namespaces) with one replica each; every case runs with whole gradients and in buckets
# in turn, REPEATS times; prints the median step of each, the part of it spent waiting for the sum, and the gain. Cases: an MLP,
# whose largest tensor is finished last, and a convolutional network, whose largest tensor is finished first.
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BUILD:-$root/build/release}/batchlab
repeats=${1:-5}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- 100mbit 1gbit
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
printf '10.77.0.1 slots=1\n10.77.0.2 slots=1\n' >"$work/hostfile"
export BATCHLAB_ROOT="$root" OMP_WAIT_POLICY=passive

experiment() { # name, model, global batches, mini-batch
  cat <<JSON
{
  "experiment": "$1", "question": "What do buckets gain?",
  "trial": {
    "dataset": {"name": "glyphs", "train": 4096, "valid": 16, "test": 16},
    "model": $2,
    "global_batch": 64, "mini_batch": $4,
    "optimizer": {"name": "sgd"}, "lr": {"base": 0.01},
    "stop": {"steps": ${BUCKETS_STEPS:-24}}, "eval": {"every_examples": 100000000}
  },
  "sweep": {"global_batch": $3},
  "layouts": {"replicas": [2], "mode": "full", "checkpoint_s": 0}
}
JSON
}
experiment mlp '{"name": "mlp", "hidden": [512, 512]}' '[256, 1024, 2048]' '"auto"' >"$work/mlp.json"
experiment cnn '{"name": "simple_cnn"}' '[32, 64, 128, 256]' 16 >"$work/cnn.json"
experiment cnn_one_shard '{"name": "simple_cnn"}' '[128, 256]' 64 >"$work/cnn_one_shard.json"

cat >"$work/inside" <<INSIDE
for i in \$(seq $repeats); do
  for kib in 0 512; do
    for case in ${BUCKETS_CASES:-mlp cnn cnn_one_shard}; do
      timeout 600 mpirun --hostfile "$work/hostfile" -n 2 "$binary" run "$work/\$case.json" layouts.bucket_kib=\$kib \\
        --results "$work/\$1/\$i-\$kib" >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
    done
  done
done
INSIDE

for rate in "$@"; do
  sh "$root/tests/tools/lan.sh" 2 "$rate" sh "$work/inside" "$rate" || exit
  for case in ${BUCKETS_CASES:-mlp cnn cnn_one_shard}; do
    for i in $(seq "$repeats"); do
      for kib in 0 512; do
        "$binary" fit "$work/$rate/$i-$kib/$case" >"$work/out" 2>&1 || cat "$work/out"
        awk -F '\t' -v kib="$kib" 'NR == 1 { for (i = 1; i <= NF; i++) { sub(" .*", "", $i); at[$i] = i } next }
          { print kib, $at["global_batch"], $at["step"], $at["reduce"] }' "$work/$rate/$i-$kib/$case/tables/stages.tsv"
      done
    done | sort -k1,1n -k2,2n -k3,3g >"$work/steps"
    awk -v rate="$rate" -v case_="$case" '
      { n[$1, $2]++; step[$1, $2, n[$1, $2]] = $3; wait[$1, $2, n[$1, $2]] = $4; batch[$2] }
      END { for (b in batch) {
        k = int((n[0, b] + 1) / 2); off = step[0, b, k]; on = step[512, b, k]
        printf "%s %s B=%d: whole %.1f ms (waits %.1f), buckets %.1f ms (waits %.1f), gain %.1f %%\n", rate, case_, b,
          1e3 * off, 1e3 * wait[0, b, k], 1e3 * on, 1e3 * wait[512, b, k], 100 * (off / on - 1) } }' "$work/steps" |
      sort -t= -k2n
  done
done
