"""simple_cnn and resnet-8 in PyTorch, from the same first weights and on the same batches:
convolutions.py MODEL FOLDER MINI_BATCH LR. FOLDER is what tests/tools/dump_trial wrote. Exits 1 when a loss differs by more
than 1e-3 of itself."""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

from torch_convolutions import ResNet8, SimpleCnn

torch.set_num_threads(1)


def name_of(parameter):
    """Norms have gains and offsets here, weights and biases there."""
    head, _, tail = parameter.rpartition(".")
    if "norm" in head.rpartition(".")[2]:
        tail = {"weight": "gain", "bias": "offset"}[tail]
    return head + "." + tail


def main(model, folder, mini_batch, lr):
    def load(name):
        return torch.from_numpy(np.load(os.path.join(folder, name + ".npy")))

    x, y, expected = load("x"), load("y").long(), load("loss").numpy()
    steps, batch = x.shape[:2]
    x, y = x.reshape(steps, batch, 1, 28, 28), y.reshape(steps, batch)
    net = {"resnet": ResNet8, "simple_cnn": SimpleCnn}[model](1)
    decay, plain = [], []
    for name, parameter in net.named_parameters():
        parameter.data.copy_(load("initial/" + name_of(name)).reshape(parameter.shape))
        (decay if parameter.dim() > 1 else plain).append(parameter)
    optimizer = torch.optim.SGD([{"params": decay, "weight_decay": 1e-4}, {"params": plain}], lr=lr, momentum=0.9)
    worst = 0.0
    for step in range(steps):
        optimizer.zero_grad()
        total = 0.0
        for first in range(0, batch, mini_batch):  # the sum over mini-batches, as accumulation is written
            rows = slice(first, first + mini_batch)
            loss = F.cross_entropy(net(x[step, rows]), y[step, rows], reduction="sum") / batch
            loss.backward()
            total += loss.item()
        optimizer.step()
        worst = max(worst, abs(total - expected[step]) / abs(expected[step]))
    print("%s, b = %d, %d steps: loss %.4f to %.4f, relative difference at most %.1e"
          % (model, mini_batch, steps, expected[0], expected[-1], worst))
    return 0 if expected[-5:].mean() < 0.95 * expected[0] and worst < 1e-3 else 1


sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
