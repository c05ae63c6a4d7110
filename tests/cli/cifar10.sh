#!/bin/sh
# experiments/resnet8_cifar10.json without the photographs: a clear error before anything is trained. With them (small
# files of the same form): it is planned as it stands, and trains, augmentation included, the same bits on two replicas.
unset OMPI_COMM_WORLD_RANK PMIX_RANK PMI_RANK SLURM_PROCID BATCHLAB_DATA
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
experiment=$root/experiments/resnet8_cifar10.json
fail() {
  echo "FAILED: $*"
  cat out err
  exit 1
}

"$binary" run "$experiment" --results results >out 2>err
[ $? -eq 66 ] || fail "exit code 66 without the files"
grep -q "cannot find 'cifar-10-batches-bin' (setting 'trial.dataset.path')" err || fail "the message names the setting"
grep -q 'hint: set BATCHLAB_DATA' err || fail "the hint says what to do"
[ ! -e results ] || fail "something was left behind"

# a hundred records: label i mod 10, all pixels of one of ten greys
mkdir cifar-10-batches-bin
grey=0
while [ "$grey" -lt 10 ]; do
  printf '%b' "\\0$(printf %o "$grey")" >record
  head -c 3072 /dev/zero | tr '\000' "\\$(printf %o $((grey * 25)))" >>record
  cat record record record record record record record record record record >>hundred
  grey=$((grey + 1))
done
for batch in data_batch_1 data_batch_2 data_batch_3 data_batch_4 data_batch_5 test_batch; do
  cp hundred cifar-10-batches-bin/$batch.bin
done
"$binary" plan "$experiment" --results results 'sweep.global_batch=[64, 128]' >out 2>err || fail "the plan"
grep -q '^2 trials' out || fail "two trials"
"$binary" run "$experiment" --results results 'sweep.global_batch=[64]' trial.stop.epochs=1 layouts.steps=3 >out 2>err ||
  fail "the run"
"$binary" export results/resnet8_cifar10 >out 2>err || fail "the table"
[ "$(grep -c cifar10 out)" -eq 3 ] || fail "one full run and two verify runs"
awk -F '\t' '
  NR == 1 { for (i = 1; i <= NF; i++) { split($i, word, " "); column[word[1]] = i } next }
  $column["mode"] == "verify" { seen[$column["trajectory_sha256"]]; n++ }
  END { for (hash in seen) different++; exit !(n == 2 && different == 1) }' out || fail "other bits on two replicas"
echo "ResNet-8 runs on files of CIFAR-10's form, and says what it lacks without them"
