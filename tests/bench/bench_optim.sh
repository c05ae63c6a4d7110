#!/bin/sh
# One optimizer step at 10^7 weights, ours against PyTorch's CPU build, one thread each, in alternation on the same core.
# Prints the medians, the ratio of medians and the CPU time stolen by the host meanwhile; then `bench optim` as it is.
#   bench_optim.sh [ROUNDS] [SECONDS]      (defaults 5 and 1)
# Exit 77 with a reason when python3-torch is not there.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
binary=${BATCHLAB_BINARY:-$root/build/release/batchlab}
rounds=${1:-5} seconds=${2:-1} python=/usr/bin/python3
core=$(($(nproc) - 1))
"$python" -c 'import torch' 2>/dev/null || {
  echo "skipped: python3-torch is not installed (apt-get install python3-torch)"
  exit 77
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
cat > "$work/peer.py" <<'PY'
import sys, time, statistics, torch
name, seconds, n = sys.argv[1], float(sys.argv[2]), 10_000_000
torch.set_num_threads(1)
torch.manual_seed(0)
weights = [torch.nn.Parameter(torch.rand(n - 1000) - 0.5), torch.nn.Parameter(torch.rand(1000) - 0.5)]
for w in weights:
    w.grad = (torch.rand_like(w) - 0.5) * 1e-3
if name == "adamw":
    step = torch.optim.AdamW(weights, lr=1e-6, weight_decay=0.01)
else:
    step = torch.optim.SGD(weights, lr=1e-6, momentum=0.9 if name == "momentum" else 0,
                           weight_decay=1e-4 if name == "momentum" else 0)
times, end = [], time.perf_counter() + seconds
while time.perf_counter() < end or len(times) < 7:
    begin = time.perf_counter()
    step.step()
    times.append(time.perf_counter() - begin)
print(statistics.median(times[2:]))
PY
stolen() { awk '/^cpu /{print $9}' /proc/stat; }
steal=$(stolen) begin=$(date +%s)
for name in sgd momentum adamw; do
  : > "$work/peer.$name"
done
: > "$work/ours"
i=0
while [ "$i" -lt "$rounds" ]; do
  OMP_NUM_THREADS=1 taskset -c "$core" "$binary" bench optim --json --seconds "$seconds" >> "$work/ours"
  for name in sgd momentum adamw; do
    OMP_NUM_THREADS=1 taskset -c "$core" "$python" "$work/peer.py" "$name" "$seconds" >> "$work/peer.$name"
  done
  i=$((i + 1))
done
"$python" - "$work" <<'PY'
import json, statistics, sys
ours = [json.loads(line) for line in open(sys.argv[1] + "/ours")]
for name in dict.fromkeys(o["optimizer"] for o in ours):
    mine = [o for o in ours if o["optimizer"] == name]
    step = statistics.median(o["step_s"] for o in mine)
    line = "%-9s ours %6.2f ms  %5.2f of the triad  %5.2f of the triad in place" % (
        name, 1e3 * step, statistics.median(o["triad_frac"] for o in mine),
        statistics.median(o["in_place_frac"] for o in mine))
    if name in ("sgd", "momentum", "adamw"):
        peer = [float(x) for x in open(sys.argv[1] + "/peer." + name)]
        pairs = sorted(p / o["step_s"] for o, p in zip(mine, peer))
        line += "  PyTorch %6.2f ms  ratio %.2f (pairs %.2f to %.2f)" % (
            1e3 * statistics.median(peer), statistics.median(peer) / step, pairs[0], pairs[-1])
    print(line)
PY
echo "stolen by the host: $((($(stolen) - steal) * 100 / (($(date +%s) - begin + 1) * 100))) % of a core; load $(cut -d' ' -f1 /proc/loadavg)"
