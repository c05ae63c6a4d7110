"""Training steps in PyTorch, one thread: bench_models.py MODEL GLOBAL_BATCH SECONDS prints examples per CPU second of the
median step: sampling, gradient and update. Data are ready-made floats, so that sampling is a row gather, the cheapest
PyTorch can do, and a step is one pass over the whole batch, its best."""
import os
import statistics
import sys
import time

import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../peer"))
from torch_convolutions import ResNet8, SimpleCnn  # noqa: E402
from torch_transformer import Transformer, loss_of  # noqa: E402

N_EXAMPLES = 4096


def perceptron():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512),
                               torch.nn.ReLU(), torch.nn.Linear(512, 10))


def images(make, shape):
    net = make()
    x, y = torch.randn(N_EXAMPLES, *shape), torch.randint(0, 10, (N_EXAMPLES,))
    decay = [p for p in net.parameters() if p.dim() > 1]
    plain = [p for p in net.parameters() if p.dim() == 1]
    step = torch.optim.SGD([{"params": decay, "weight_decay": 1e-4}, {"params": plain}], lr=1e-3, momentum=0.9)
    return step, lambda rows: F.cross_entropy(net(x[rows]), y[rows])


def text():
    net = Transformer(width=128, depth=4, heads=4, context=128, classes=256)
    rows_of = torch.randint(0, 256, (N_EXAMPLES, 129))

    def loss(rows):
        window = rows_of[rows]
        return loss_of(net, window[:, :-1], window[:, 1:].contiguous())

    return torch.optim.AdamW(net.parameters(), lr=1e-4), loss


def main(model, batch, seconds):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    step, loss = {"mlp": lambda: images(perceptron, (1, 28, 28)), "simple_cnn": lambda: images(lambda: SimpleCnn(1), (1, 28, 28)),
                  "resnet": lambda: images(lambda: ResNet8(3), (3, 32, 32)), "transformer": text}[model]()
    times, end = [], time.process_time() + seconds
    while time.process_time() < end or len(times) < 8:
        begin = time.process_time()
        rows = torch.randint(0, N_EXAMPLES, (batch,))
        step.zero_grad(set_to_none=True)
        loss(rows).backward()
        step.step()
        times.append(time.process_time() - begin)
    print(batch / statistics.median(times[2:]))


main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
