"""Networks that save well and cannot be divided, trained or scored."""

from typing import Dict

import need_torch  # noqa: F401
import torch
from torch import nn

CLASSES = 5


class Small(nn.Module):
    """A sound one: (N, 3, 8, 8) to (N, 5)."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 1, 1)
        self.head = nn.Linear(8, CLASSES)

    def features(self, image):
        return torch.relu(self.conv(image)).mean(dim=[2, 3])

    def forward(self, image):
        return self.head(self.features(image))


class NoParameters(nn.Module):
    def forward(self, image):
        return nn.functional.avg_pool2d(image, 8).flatten(1)


class FrozenParameters(Small):
    """All of them: nothing can be trained."""

    def __init__(self):
        super().__init__()
        for parameter in self.parameters():
            parameter.requires_grad_(False)


class BakedBatch(nn.Module):
    """Works with four samples, and silently mixes samples of other batches."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, 1, 1)
        self.head = nn.Linear(512, CLASSES)

    def forward(self, image):
        return self.head(torch.relu(self.conv(image)).view(4, -1))


class Tokens(nn.Module):
    """Reads integers."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(100, 16)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, tokens):  # (N, 12), int64
        return self.head(self.embedding(tokens).mean(dim=1))


class ScalarOutput(Small):
    """Its own loss rather than scores."""

    def forward(self, image):
        return self.head(self.features(image)).square().mean()


class ImageOutput(Small):
    """An image that has neither the rows nor the columns of the input: (N, 3, 4, 8)."""

    def forward(self, image):
        return nn.functional.avg_pool2d(image, (2, 1)) + self.head(self.features(image)).mean()


class DictionaryOutput(Small):
    def forward(self, image) -> Dict[str, torch.Tensor]:
        return {"scores": self.head(self.features(image))}


class NumberOutput(Small):
    def forward(self, image) -> float:
        return float(self.head(self.features(image)).sum())


class TwoInputs(Small):
    """Takes an image, and a flag that is no tensor."""

    def forward(self, image, is_scaled: bool):
        if is_scaled:
            image = image * 0.5
        return self.head(self.features(image))


class DoubleWeights(Small):
    """float64 throughout."""

    def __init__(self):
        super().__init__()
        self.double()

    def forward(self, image):
        return self.head(self.features(image.double()))


class Wide(nn.Module):
    """Four layers whose weights become 512 MiB each, by an edit of the archive."""

    NARROW = 61
    WIDE = 11585  # 11585^2 weights of four bytes: 512 MiB less 93 kB

    def __init__(self):
        super().__init__()
        self.widen = nn.Conv2d(3, self.NARROW, 1, bias=False)
        self.layers = nn.ModuleList(nn.Linear(self.NARROW, self.NARROW, bias=False)
                                    for _ in range(4))
        self.head = nn.Linear(self.NARROW, CLASSES, bias=False)

    def forward(self, image):
        x = self.widen(image).mean(dim=[2, 3])
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.head(x)
