#!/bin/sh
# The transformer against PyTorch: from the same initial weights and batches, 50 steps of AdamW follow the same losses
# within 1e-3 and end in the same weights. Skips with a reason without python3-torch.
root=${BATCHLAB_ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
dump=${BATCHLAB_BUILD:-$root/build/release}/tests/tools/dump_trial
python=/usr/bin/python3
"$python" -c 'import torch' 2>/dev/null || {
  echo "skipped: python3-torch is not installed (apt-get install python3-torch)"
  exit 77
}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cat >"$work/trial.json" <<'JSON'
{
  "dataset": {"name": "markov", "context": 70, "alphabet": 11, "order": 1, "sharpness": 8, "train": 200, "valid": 8, "test": 8},
  "model": {"name": "transformer", "width": 24, "depth": 2, "heads": 3},
  "global_batch": 12, "mini_batch": 4,
  "optimizer": {"name": "adamw", "weight_decay": 0.1},
  "lr": {"base": 0.01, "warmup": {"steps": 10}},
  "stop": {"steps": 50}
}
JSON
"$dump" "$work/trial.json" "$work" 50 || exit 1
OMP_NUM_THREADS=1 "$python" "$root/tests/peer/transformer.py" "$work"
