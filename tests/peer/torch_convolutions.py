"""simple_cnn and resnet-8 of batchlab in PyTorch, written the usual way."""
import torch.nn as nn
import torch.nn.functional as F


class Block(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(n_out)
        self.shortcut = nn.Identity()
        if stride > 1:
            self.shortcut = nn.Sequential()
            self.shortcut.add_module("conv1", nn.Conv2d(n_in, n_out, 1, stride, bias=False))
            self.shortcut.add_module("norm1", nn.BatchNorm2d(n_out))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class ResNet8(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, 1, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(16)
        self.stage1 = nn.ModuleDict({"block1": Block(16, 16, 1)})
        self.stage2 = nn.ModuleDict({"block1": Block(16, 32, 2)})
        self.stage3 = nn.ModuleDict({"block1": Block(32, 64, 2)})
        self.dense = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        for stage in (self.stage1, self.stage2, self.stage3):
            x = stage["block1"](x)
        return self.dense(x.mean((2, 3)))


class SimpleCnn(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 5, 1, 2)
        self.conv2 = nn.Conv2d(32, 64, 5, 1, 2)
        self.dense1 = nn.Linear(64 * 7 * 7, 1024)
        self.dense2 = nn.Linear(1024, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.dense2(F.relu(self.dense1(x)))
