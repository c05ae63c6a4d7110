#!/bin/sh
# Training steps of the transformer (width 128, depth 4, heads 4, context 128) with AdamW, ours against PyTorch's CPU build,
# one thread each, in alternation on the same core, in CPU seconds. Prints the medians, the ratio of neighbours and the
# CPU time stolen by the host meanwhile. Build the program first: ninja -C build/release bench_trial
#   bench_transformer.sh [ROUNDS] [SECONDS]      (defaults 7 and 2)
# Exit 77 with a reason when python3-torch is not there.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
program=${BATCHLAB_BUILD:-$root/build/release}/tests/bench_trial
rounds=${1:-7} seconds=${2:-2} python=/usr/bin/python3
core=$(($(nproc) - 1))
"$python" -c 'import torch' 2>/dev/null || {
  echo "skipped: python3-torch is not installed (apt-get install python3-torch)"
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
head -c 400000 /dev/urandom >"$work/bytes"
cat >"$work/peer.py" <<'PY'
import statistics, sys, time
sys.path.insert(0, sys.argv[1])
import torch
from torch_transformer import Transformer, loss_of
batch, seconds, path = int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
torch.set_num_threads(1)
torch.manual_seed(0)
model = Transformer(width=128, depth=4, heads=4, context=128, classes=256)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
text = torch.frombuffer(bytearray(open(path, "rb").read()), dtype=torch.uint8).long()
rows = text[:len(text) // 129 * 129].view(-1, 129)  # sampling is a row gather, the cheapest torch can do
times, end = [], time.process_time() + seconds
while time.process_time() < end or len(times) < 8:
    begin = time.process_time()
    picked = rows[torch.randint(0, len(rows), (batch,))]
    optimizer.zero_grad(set_to_none=True)
    loss_of(model, picked[:, :-1], picked[:, 1:].contiguous()).backward()
    optimizer.step()
    times.append(time.process_time() - begin)
print(batch / statistics.median(times[2:]))
PY
stolen() { awk '/^cpu /{print $9}' /proc/stat; }
steal=$(stolen) begin=$(date +%s)
for case in 8:8 32:8 32:32; do
  batch=${case%:*} mini=${case#*:}
  cat >"$work/trial.json" <<JSON
{"dataset": {"name": "text", "path": "$work/bytes", "context": 128}, "model": {"name": "transformer"},
 "global_batch": $batch, "mini_batch": $mini, "optimizer": "adamw", "lr": {"base": 0.0001},
 "stop": {"steps": 100000}, "eval": {"every_examples": 1000000000}}
JSON
  : >"$work/ours"
  : >"$work/peer"
  i=0
  while [ "$i" -lt "$rounds" ]; do
    OMP_NUM_THREADS=1 taskset -c "$core" "$program" "$work/trial.json" "$seconds" >>"$work/ours"
    OMP_NUM_THREADS=1 taskset -c "$core" "$python" "$work/peer.py" "$root/tests/peer" "$batch" "$seconds" "$work/bytes" \
      >>"$work/peer"
    i=$((i + 1))
  done
  paste "$work/ours" "$work/peer" | "$python" -c "
import statistics, sys
rows = [tuple(map(float, line.split())) for line in sys.stdin]
ours, flops, peer = (statistics.median(column) for column in zip(*rows))
ratios = sorted(row[0] / row[2] for row in rows)
print('B %3d  b %3d  ours %6.1f (%.0f GFLOP/s)  PyTorch %6.1f sequences/s  ratio %.2f (pairs %.2f to %.2f)'
      % ($batch, $mini, ours, flops, peer, statistics.median(ratios), ratios[0], ratios[-1]))"
done
echo "stolen by the host: $((($(stolen) - steal) * 100 / (($(date +%s) - begin + 1) * 100))) % of a core; load $(cut -d' ' -f1 /proc/loadavg)"
