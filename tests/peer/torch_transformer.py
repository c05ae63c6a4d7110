"""The transformer of lab/nn/transformer.h in PyTorch, written the usual way (attention by explicit softmax, as in nanoGPT).
Tensors are named after the segments of batchlab."""
import math

import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, width, heads, context):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.gelu = nn.GELU()
        self.register_buffer("mask", torch.tril(torch.ones(context, context)).view(1, 1, context, context) == 0)

    def attend(self, x):
        n, context, width = x.shape
        q, k, v = (part.view(n, context, self.heads, width // self.heads).transpose(1, 2)
                   for part in self.qkv(x).split(width, dim=2))
        score = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        score = score.masked_fill(self.mask, float("-inf")).softmax(dim=-1)
        return self.out((score @ v).transpose(1, 2).contiguous().view(n, context, width))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.down(self.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self, width, depth, heads, context, classes):
        super().__init__()
        self.token, self.position = nn.Embedding(classes, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads, context) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes, bias=False)
        self.register_buffer("at", torch.arange(context))

    def forward(self, bytes_):
        x = self.token(bytes_) + self.position(self.at)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))

    def segments(self):
        """Parameters by the names batchlab gives them."""
        named = {"embedding.token": self.token.weight, "embedding.position": self.position.weight,
                 "norm.gain": self.norm.weight, "norm.shift": self.norm.bias, "head.weight": self.head.weight}
        for i, block in enumerate(self.blocks, 1):
            for ours, theirs in (("norm1", block.norm1), ("norm2", block.norm2)):
                named[f"block{i}.{ours}.gain"], named[f"block{i}.{ours}.shift"] = theirs.weight, theirs.bias
            for ours, theirs in (("attention.qkv", block.qkv), ("attention.out", block.out), ("mlp.up", block.up),
                                 ("mlp.down", block.down)):
                named[f"block{i}.{ours}.weight"], named[f"block{i}.{ours}.bias"] = theirs.weight, theirs.bias
        return named


def loss_of(model, x, y):
    """Mean over examples of the mean over positions."""
    logits = model(x)
    return nn.functional.cross_entropy(logits.view(-1, logits.size(-1)), y.view(-1))
