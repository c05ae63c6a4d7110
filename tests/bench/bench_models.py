"""Training steps in PyTorch: bench_models.py MODEL GLOBAL_BATCH SECONDS [THREADS [PROCESSES]] prints examples per second of
the median step: sampling, gradient and update. Without THREADS it is one thread and CPU seconds, with it the clock's.
PROCESSES train by DistributedDataParallel over gloo, each an equal part of the batch. Data are ready-made floats, so that sampling is a row gather, the cheapest
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


def wrap(net):
    """Around every model; DistributedDataParallel in a process group."""
    return net


def perceptron():
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 512), torch.nn.ReLU(), torch.nn.Linear(512, 512),
                               torch.nn.ReLU(), torch.nn.Linear(512, 10))


def images(make, shape):
    net = wrap(make())
    x, y = torch.randn(N_EXAMPLES, *shape), torch.randint(0, 10, (N_EXAMPLES,))
    decay = [p for p in net.parameters() if p.dim() > 1]
    plain = [p for p in net.parameters() if p.dim() == 1]
    step = torch.optim.SGD([{"params": decay, "weight_decay": 1e-4}, {"params": plain}], lr=1e-3, momentum=0.9)
    return step, lambda rows: F.cross_entropy(net(x[rows]), y[rows])


def text():
    net = wrap(Transformer(width=128, depth=4, heads=4, context=128, classes=256))
    rows_of = torch.randint(0, 256, (N_EXAMPLES, 129))

    def loss(rows):
        window = rows_of[rows]
        return loss_of(net, window[:, :-1], window[:, 1:].contiguous())

    return torch.optim.AdamW(net.parameters(), lr=1e-4), loss


def images_or_text(model):
    return {"mlp": lambda: images(perceptron, (1, 28, 28)), "simple_cnn": lambda: images(lambda: SimpleCnn(1), (1, 28, 28)),
            "resnet": lambda: images(lambda: ResNet8(3), (3, 32, 32)), "transformer": text}[model]()


def train(model, batch, seconds, threads, now, world=1, rank=0):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    step, loss = images_or_text(model)
    times, end = [], now() + seconds
    while keeps_on(now() < end or len(times) < 8, world):
        begin = now()
        rows = torch.randint(0, N_EXAMPLES, (batch // world,))
        step.zero_grad(set_to_none=True)
        loss(rows).backward()
        step.step()
        times.append(now() - begin)
    if rank == 0:
        print(batch / statistics.median(times[2:]))


def keeps_on(mine, world):
    """All processes take the same number of steps: what process 0 decides; outside the timed part."""
    if world == 1:
        return mine
    flag = torch.tensor([int(mine)])
    torch.distributed.broadcast(flag, 0)
    return bool(flag.item())


def share(rank, world, model, batch, seconds, threads):
    global wrap
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="29511")
    os.sched_setaffinity(0, {rank})
    torch.distributed.init_process_group("gloo", rank=rank, world_size=world)
    wrap = torch.nn.parallel.DistributedDataParallel
    train(model, batch, seconds, threads, time.perf_counter, world, rank)
    torch.distributed.destroy_process_group()


def main(model, batch, seconds, threads=0, processes=1):
    if processes > 1:
        torch.multiprocessing.spawn(share, (processes, model, batch, seconds, threads), processes)
    else:
        train(model, batch, seconds, threads or 1, time.perf_counter if threads else time.process_time)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), *map(int, sys.argv[4:]))
