#!/bin/sh
# Training steps of the MLP 784-512-512-10 with momentum, ours against PyTorch's CPU build, one thread each, in alternation
# on the same core. Prints the medians, the ratio of medians and the CPU time stolen by the host meanwhile.
#   bench_train.sh [ROUNDS] [SECONDS]      (defaults 7 and 1.5)
# Exit 77 with a reason when python3-torch is not there.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
rounds=${1:-7} seconds=${2:-1.5} python=/usr/bin/python3
core=$(($(nproc) - 1))
"$python" -c 'import torch' 2>/dev/null || {
  echo "skipped: python3-torch is not installed (apt-get install python3-torch)"
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cat > "$work/peer.py" <<'PY'
import sys, time, statistics, torch
batch, seconds = int(sys.argv[1]), float(sys.argv[2])
torch.set_num_threads(1)
torch.manual_seed(0)
data = torch.randint(0, 256, (8192, 784), dtype=torch.uint8)
label = torch.randint(0, 10, (8192,))
net = torch.nn.Sequential(torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512), torch.nn.ReLU(),
                          torch.nn.Linear(512, 10))
step = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4)
loss = torch.nn.CrossEntropyLoss()
x = (data.float() - 33.0) / 78.0  # ready-made floats: sampling is a row gather, the cheapest torch can do
times, end, order, at = [], time.perf_counter() + seconds, torch.randperm(8192), 0
while time.perf_counter() < end or len(times) < 8:
    begin = time.perf_counter()
    if at + batch > 8192:
        order, at = torch.randperm(8192), 0
    index = order[at:at + batch]
    at += batch
    step.zero_grad(set_to_none=True)
    loss(net(x[index]), label[index]).backward()
    step.step()
    times.append(time.perf_counter() - begin)
print(batch / statistics.median(times[3:]))
PY
stolen() { awk '/^cpu /{print $9}' /proc/stat; }
steal=$(stolen) begin=$(date +%s)
for case in 32:32 256:64 2048:128 32:0 256:0; do
  batch=${case%:*} mini=${case#*:}
  [ "$mini" = 0 ] && mini_option= || mini_option="--mini-batch $mini"
  : > "$work/ours"
  : > "$work/peer"
  i=0
  while [ "$i" -lt "$rounds" ]; do
    # shellcheck disable=SC2086  # two words or none
    OMP_NUM_THREADS=1 taskset -c "$core" "$binary" bench train --json --global-batch "$batch" $mini_option \
      --seconds "$seconds" >> "$work/ours"
    OMP_NUM_THREADS=1 taskset -c "$core" "$python" "$work/peer.py" "$batch" "$seconds" >> "$work/peer"
    i=$((i + 1))
  done
  "$python" - "$work/ours" "$work/peer" <<'PY'
import json, statistics, sys
ours = [json.loads(line) for line in open(sys.argv[1])]
peer = [float(line) for line in open(sys.argv[2])]
def median(key):
    return statistics.median(o[key] for o in ours)
rate, other = median("examples_per_s"), statistics.median(peer)
pairs = sorted(o["examples_per_s"] / p for o, p in zip(ours, peer))
print("B %5d  b %4d  ours %7.0f  PyTorch %7.0f examples/s  ratio %.2f (pairs %.2f to %.2f)  %3.0f %% of sgemm peak  norms %+.1f %%"
      % (ours[0]["global_batch"], ours[0]["mini_batch"], rate, other, rate / other, pairs[0], pairs[-1],
         100 * median("peak_frac"), 100 * median("norms_frac")))
PY
done
echo "stolen by the host: $((($(stolen) - steal) * 100 / (($(date +%s) - begin + 1) * 100))) % of a core; load $(cut -d' ' -f1 /proc/loadavg)"
