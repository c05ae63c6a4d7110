#!/bin/sh
# simple_cnn and resnet-8 follow PyTorch for 50 steps from the same weights and batches: losses within 1e-3. Two mini-batches
# a step are ghost batches of batch norm. Exit 77 with a reason when python3-torch is not there.
python=/usr/bin/python3
"$python" -c 'import torch, numpy' 2>/dev/null || { echo "python3-torch is not installed (apt-get install python3-torch)"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
dump=${BATCHLAB_BUILD:?run it through ctest}/tests/tools/dump_trial
[ -x "$dump" ] || { echo "dump_trial is not built"; exit 1; }
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failed=0

follow() { # model, global_batch, mini_batch, lr, difficulty of the images
  mkdir "$folder/dump"
  cat > "$folder/trial.json" <<JSON
{"dataset": {"name": "glyphs", "train": 2000, "valid": 64, "test": 8, "difficulty": $5}, "model": {"name": "$1"},
 "global_batch": $2, "mini_batch": $3, "optimizer": {"name": "momentum", "momentum": 0.9, "weight_decay": 1e-4},
 "lr": {"base": $4}, "stop": {"steps": 50}, "eval": {"every_examples": 1000000}}
JSON
  OMP_NUM_THREADS=1 "$dump" "$folder/trial.json" "$folder/dump" 50 || exit 1
  OMP_NUM_THREADS=1 "$python" -B "$here/convolutions.py" "$1" "$folder/dump" "$3" "$4" || failed=1
  rm -r "$folder/dump"
}

follow simple_cnn 32 16 0.01 0
follow resnet 32 32 0.01 0
follow resnet 64 32 0.02 1 # backgrounds of equal pixels
exit $failed
