"""Repeats the dumped trial of transformer.sh in PyTorch and compares; exit code 1 when they part."""
import glob
import os
import sys

import numpy
import torch

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torch_transformer import Transformer, loss_of  # noqa: E402

folder = sys.argv[1]
torch.set_num_threads(1)


def load(name):
    return torch.from_numpy(numpy.load(f"{folder}/{name}.npy"))


model = Transformer(width=24, depth=2, heads=3, context=70, classes=11)
named = model.segments()
names = sorted(os.path.basename(path)[:-4] for path in glob.glob(f"{folder}/initial/*.npy"))
assert names == sorted(named), set(names) ^ set(named)
with torch.no_grad():
    for name, tensor in named.items():
        assert tensor.shape == load(f"initial/{name}").shape, name
        tensor.copy_(load(f"initial/{name}"))

# Matrices decay, vectors and both embeddings do not.
decays = [tensor for name, tensor in named.items() if name.endswith(".weight")]
others = [tensor for name, tensor in named.items() if not name.endswith(".weight")]
assert all(tensor.dim() == 2 for tensor in decays)
optimizer = torch.optim.AdamW([{"params": decays, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}],
                              betas=(0.9, 0.999), eps=1e-8)
x, y, rates, ours = load("x").long(), load("y").long(), load("lr"), load("loss")
worst = 0.0
for step in range(len(ours)):
    for group in optimizer.param_groups:
        group["lr"] = float(rates[step])
    optimizer.zero_grad()
    loss = loss_of(model, x[step], y[step])
    loss.backward()
    optimizer.step()
    worst = max(worst, abs(loss.item() / ours[step].item() - 1))
weights = max(((load(f"final/{name}") - tensor.detach()).norm() / tensor.detach().norm()).item()
              for name, tensor in named.items())
print(f"{len(ours)} steps: loss {ours[0]:.4f} to {ours[-1]:.4f}; largest relative difference {worst:.1e}, "
      f"of the final weights {weights:.1e}")
assert len(ours) == 50 and ours[-1] < 0.95 * ours[0], "it does not learn"
assert worst < 1e-3, "the losses part"
assert weights < 1e-2, "the weights part"
