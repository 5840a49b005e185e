"""Networks that no library has: each shows one thing that a division of a model must get right.

All take float images, (N, C, H, W), and give class scores: (N, K), or (N, K, H, W) where dense.
"""

from typing import List, Tuple

import need_torch  # noqa: F401
import torch
from torch import nn

CLASSES = 5


def convolution(in_channels, out_channels, stride=1):
    """3 x 3, then batch norm and ReLU."""
    return nn.Sequential(nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False),
                         nn.BatchNorm2d(out_channels), nn.ReLU())


class UNet(nn.Module):
    """Dense scores; skip connections as long as the network, joined by concatenation."""

    def __init__(self, bands=4, width=8):
        super().__init__()
        self.down = nn.ModuleList([
            convolution(bands, width), convolution(width, 2 * width),
            convolution(2 * width, 4 * width)])
        self.pool = nn.MaxPool2d(2)
        self.bottom = convolution(4 * width, 8 * width)
        self.up = nn.ModuleList([nn.ConvTranspose2d(8 * width, 4 * width, 2, 2),
                                 nn.ConvTranspose2d(4 * width, 2 * width, 2, 2),
                                 nn.ConvTranspose2d(2 * width, width, 2, 2)])
        self.merge = nn.ModuleList([convolution(8 * width, 4 * width),
                                    convolution(4 * width, 2 * width),
                                    convolution(2 * width, width)])
        self.scores = nn.Conv2d(width, CLASSES, 1)

    def forward(self, image):  # (N, bands, H, W), H and W multiples of 8
        skips = []
        x = image
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.bottom(x)
        for i, (up, merge) in enumerate(zip(self.up, self.merge)):
            x = merge(torch.cat([up(x), skips[2 - i]], dim=1))
        return self.scores(x)  # (N, K, H, W)


class Transformer(nn.Module):
    """Attention over the patches of an image: products of activations, layer norm, GELU.

    Written out, as nn.TransformerEncoder chooses another path where nothing is trained.
    """

    def __init__(self, bands=3, size=16, patch=4, width=32, heads=4, depth=2, dropout=0.1):
        super().__init__()
        self.embed = nn.Conv2d(bands, width, patch, patch)
        self.position = nn.Parameter(0.02 * torch.randn(1, (size // patch) ** 2, width))
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, image):  # (N, bands, size, size)
        x = self.embed(image).flatten(2).transpose(1, 2) + self.position  # (N, patches, width)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x).mean(dim=1))


class Block(nn.Module):
    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(),
                                 nn.Linear(4 * width, width))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):  # (N, T, D)
        samples, tokens, width = x.shape[0], x.shape[1], x.shape[2]
        qkv = self.qkv(self.norm1(x)).reshape(samples, tokens, 3, self.heads, width // self.heads)
        qkv = qkv.permute(2, 0, 3, 1, 4)  # (3, N, heads, T, D / heads)
        query, key, value = qkv[0], qkv[1], qkv[2]
        weights = (query @ key.transpose(-2, -1)) * (width // self.heads) ** -0.5
        mixed = weights.softmax(dim=-1) @ value
        x = x + self.dropout(self.out(mixed.transpose(1, 2).reshape(samples, tokens, width)))
        return x + self.dropout(self.mlp(self.norm2(x)))


class TwoBranches(nn.Module):
    """Two sensors of different sizes, each its own branch, which meet before the scores."""

    def __init__(self, bands=48, width=16):
        super().__init__()
        self.hsi = nn.Sequential(nn.Conv2d(bands, width, 1), convolution(width, 2 * width),
                                 convolution(2 * width, 2 * width), nn.AdaptiveAvgPool2d(1))
        self.lidar = nn.Sequential(convolution(2, width), nn.MaxPool2d(2),
                                   convolution(width, 2 * width), nn.AdaptiveAvgPool2d(1))
        self.fuse = nn.Sequential(nn.Linear(4 * width, 2 * width), nn.ReLU(), nn.Dropout(0.3),
                                  nn.Linear(2 * width, CLASSES))

    def forward(self, hsi, lidar):  # (N, bands, 11, 11), (N, 2, 22, 22)
        return self.fuse(torch.cat([self.hsi(hsi).flatten(1), self.lidar(lidar).flatten(1)], 1))


class SharedParameters(nn.Module):
    """One convolution used at three depths, and a head that shares its weight with an embedding."""

    def __init__(self, bands=3, width=12):
        super().__init__()
        self.first = nn.Conv2d(bands, width, 3, 2, 1)
        self.again = nn.Conv2d(width, width, 3, 1, 1)
        self.between = convolution(width, width)
        self.prototypes = nn.Linear(width, CLASSES, bias=False)
        self.head = nn.Linear(width, CLASSES)
        self.head.weight = self.prototypes.weight

    def forward(self, image):  # (N, bands, 16, 16)
        x = torch.relu(self.again(self.first(image)))
        x = torch.relu(self.again(x)) + x
        early = self.prototypes(x.mean(dim=[2, 3]))
        x = self.again(self.between(x)).mean(dim=[2, 3])
        return self.head(x) + 0.5 * early


class InPlace(nn.Module):
    """Writes to a tensor that was read before, is read after, and looked at through views."""

    def __init__(self, bands=3, width=8):
        super().__init__()
        self.first = nn.Conv2d(bands, width, 3, 1, 1)
        self.left = nn.Conv2d(width, width, 3, 1, 1)
        self.right = nn.Conv2d(width, width, 1)
        self.norm = nn.BatchNorm2d(width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, image):  # (N, bands, 12, 12)
        x = self.first(image) * 1.5
        before = x * 0.25  # reads x as it was
        y = self.left(x.clone())
        x += y
        x[:, :4].mul_(0.5)  # half of the channels, through a view
        after = torch.relu_(self.right(x.clone()))
        x.add_(after, alpha=0.1)
        x = self.norm(x) + before
        return self.head(x.mean(dim=[2, 3]))


class Pyramid(nn.Module):
    """A tuple of three tensors and a list out of one module, read by others."""

    def __init__(self, bands=3, width=8):
        super().__init__()
        self.stem = convolution(bands, width)
        self.levels = Levels(width)
        self.fuse = Fuse(width)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, image):  # (N, bands, 16, 16)
        fine, middle, coarse = self.levels(self.stem(image))
        fused = self.fuse((fine, middle, coarse), [coarse, middle])
        return self.head(fused.mean(dim=[2, 3]))


class Levels(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.middle = convolution(width, width, 2)
        self.coarse = convolution(width, width, 2)

    def forward(self, x) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        middle = self.middle(x)
        return x, middle, self.coarse(middle)


class Fuse(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weigh = nn.Conv2d(width, width, 1)
        self.join = nn.Conv2d(2 * width, width, 1)

    def forward(self, levels: Tuple[torch.Tensor, torch.Tensor, torch.Tensor],
                others: List[torch.Tensor]):
        fine, middle, coarse = levels
        up = nn.functional.interpolate(self.weigh(coarse), scale_factor=2.0, mode="nearest")
        joined = self.join(torch.cat([up, middle], dim=1))
        pooled = nn.functional.avg_pool2d(fine, 2) + others[1]
        return joined + pooled + others[0].mean()


class ControlFlow(nn.Module):
    """What is computed depends on the data: for scripts only, as a trace would keep one way."""

    def __init__(self, bands=3, width=8):
        super().__init__()
        self.stem = convolution(bands, width)
        self.refine = nn.Conv2d(width, width, 3, 1, 1)
        self.strong = nn.Conv2d(width, width, 1)
        self.weak = nn.Conv2d(width, width, 1)
        self.head = nn.Linear(width, CLASSES)

    def forward(self, image):  # (N, bands, 12, 12)
        x = self.stem(image)
        num_rounds = 0
        while num_rounds < 3 and float(x.detach().abs().mean()) > 0.05:
            x = 0.5 * torch.tanh(self.refine(x)) + 0.25 * x
            num_rounds += 1
        if float(x.detach().mean()) > 0.0:
            x = self.strong(x)
        else:
            x = self.weak(x)
        return self.head(x.mean(dim=[2, 3]))
