"""Small PyTorch models for the tests of their import: writes each, traced and scripted, to a folder.

usage: small_models.py DIRECTORY [NAME…]    (NAME.trace.pt, NAME.script.pt, bad_NAME.pt; random weights, seeded)
"""

import sys
import warnings
from pathlib import Path
from typing import Dict, List, Tuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NUM_CLASSES = 5


class Block(nn.Module):
    def __init__(self, channels_in: int, channels: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.downsample = nn.Sequential(nn.Conv2d(channels_in, channels, 1, stride, bias=False),
                                        nn.BatchNorm2d(channels))

    def forward(self, x):
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.downsample(x)
        return self.relu(out)


class Residual(nn.Module):
    """In-place additions and activations, batch norm, skip connections."""

    inputs = {"x": (3, 12, 12)}

    def __init__(self, p: float = 0.0):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(True),
                                  nn.MaxPool2d(2))
        self.blocks = nn.Sequential(Block(6, 8, 1), Block(8, 12, 2))
        self.dropout = nn.Dropout(p)
        self.fc = nn.Linear(12, NUM_CLASSES)

    def forward(self, x):
        x = self.blocks(self.stem(x))
        x = F.adaptive_avg_pool2d(x, (1, 1))
        return self.fc(self.dropout(torch.flatten(x, 1)))


class Dropping(Residual):
    def __init__(self):
        super().__init__(0.4)


class TwoBranches(nn.Module):
    """Two inputs of their own sizes, which meet."""

    inputs = {"hsi": (4, 8, 8), "lidar": (2, 16, 16)}

    def __init__(self):
        super().__init__()
        self.hsi_conv = nn.Conv2d(4, 6, 3, padding=1)
        self.lidar_conv = nn.Conv2d(2, 6, 4, stride=2, padding=1)
        self.join = nn.Conv2d(12, 8, 3)
        self.head = nn.Linear(8, NUM_CLASSES)

    def forward(self, hsi, lidar):
        a = F.relu(self.hsi_conv(hsi))
        b = torch.sigmoid(self.lidar_conv(lidar))
        joined = F.relu(self.join(torch.cat([a, b], 1)))
        return self.head(joined.mean((2, 3)))


class Splitter(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 9, 3, padding=1)

    def forward(self, x) -> Tuple[Tensor, List[Tensor]]:
        a, b, c = self.conv(x).chunk(3, 1)
        return a, [b, c]


class Tuples(nn.Module):
    """Tuples and lists between modules, several outputs."""

    inputs = {"x": (3, 8, 8)}

    def __init__(self):
        super().__init__()
        self.split = Splitter()
        self.left = nn.Conv2d(3, 4, 3)
        self.right = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4, NUM_CLASSES)
        self.aux = nn.Linear(4, 2)

    def forward(self, x):
        a, rest = self.split(x)
        y = self.left(a * torch.sigmoid(rest[0])) + self.right(rest[1])
        features = y.mean((2, 3))
        return self.fc(features), self.aux(features)


class Dense(nn.Module):
    """A list that grows in a loop."""

    inputs = {"x": (3, 6, 6)}

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(
            [nn.Conv2d(3 + 4 * i, 4, 3, padding=1) for i in range(3)])
        self.norm = nn.BatchNorm2d(15)
        self.fc = nn.Linear(15, NUM_CLASSES)

    def forward(self, x):
        features = [x]
        for layer in self.layers:
            features.append(F.relu(layer(torch.cat(features, 1))))
        x = F.relu(self.norm(torch.cat(features, 1)))
        return self.fc(x.mean((2, 3)))


class Writing(nn.Module):
    """Writes to parts of a tensor that is read on both sides."""

    inputs = {"x": (3, 8, 8)}

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.second = nn.Conv2d(4, 4, 3)
        self.fc = nn.Linear(4, NUM_CLASSES)

    def forward(self, x):
        y = self.first(x)
        y = y * 1.5
        y[:, 0] = y[:, 1] * 2
        y[:, 2:].mul_(0.5)
        return self.fc(F.relu(self.second(y)).mean((2, 3)))


class Shared(nn.Module):
    """A convolution used twice, and tied weights."""

    inputs = {"x": (4, 8, 8)}

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.between = nn.Conv2d(4, 4, 1)
        self.apart = nn.Conv2d(4, 6, 3, padding=1)
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = F.relu(self.between(x))
        x = F.relu(self.conv(x))
        return self.fc(self.apart(x).mean((2, 3)))


class Frozen(nn.Module):
    """Weights that are not trained, constants of other types."""

    inputs = {"x": (3, 8, 8)}

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)
        self.conv.weight.requires_grad = False
        self.after = nn.Conv2d(6, 6, 3)
        self.fc = nn.Linear(6, NUM_CLASSES)
        self.register_buffer("order", torch.tensor([3, 1, 0, 2, 5, 4]))
        self.register_buffer("mask", torch.tensor([True, False, True, True, True, False]))
        self.register_buffer("scale", torch.linspace(0.5, 1.5, 6))

    def forward(self, x):
        x = F.relu(self.conv(x))[:, self.order]
        x = x.masked_fill(self.mask.logical_not()[None, :, None, None], 0.25)
        x = self.after(x) * self.scale[None, :, None, None]
        return self.fc(x.mean((2, 3)))


class Attention(nn.Module):
    """A Transformer whose samples are not the first dimension, a learnt first token, positions."""

    inputs = {"x": (6, 4, 4)}

    def __init__(self, p: float = 0.0):
        super().__init__()
        self.embed = nn.Conv2d(6, 8, 2, stride=2)
        self.token = nn.Parameter(torch.randn(1, 1, 8))
        self.position = nn.Embedding(5, 8)
        self.register_buffer("places", torch.arange(5))
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=p)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, NUM_CLASSES)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1)
        x = x + self.position(self.places)
        x = self.encoder(x.transpose(0, 1))
        return self.fc(self.norm(x[0]))


class Attending(Attention):
    """Drops weights of its attention."""

    def __init__(self):
        super().__init__(0.3)


class Pixels(nn.Module):
    """A small U-Net: scores of every pixel."""

    inputs = {"x": (3, 8, 8)}

    def __init__(self):
        super().__init__()
        self.down1 = nn.Conv2d(3, 4, 3, padding=1)
        self.down2 = nn.Conv2d(4, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.smooth = nn.Conv2d(8, 4, 3, padding=1)
        self.scores = nn.Conv2d(8, NUM_CLASSES, 1)

    def forward(self, x):
        a = F.relu(self.down1(x))
        b = F.relu(self.down2(F.max_pool2d(a, 2)))
        up = self.up(b)
        wide = F.interpolate(self.smooth(b), scale_factor=2.0, mode="bilinear", align_corners=False)
        return self.scores(torch.cat([up + a, wide], 1))


class Rows(nn.Module):
    """A recurrent network over an image's rows."""

    inputs = {"x": (2, 5, 6)}

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(12, 7, batch_first=True)
        self.fc = nn.Linear(7, NUM_CLASSES)

    def forward(self, x):
        rows = x.transpose(1, 2).flatten(2)
        out, _ = self.lstm(rows)
        return self.fc(out[:, -1])


class Deciding(nn.Module):
    """Branches and loops that the values of tensors decide (scripted alone)."""

    inputs = {"x": (3, 6, 6)}

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.other = nn.Conv2d(4, 4, 1)
        self.fc = nn.Linear(4, NUM_CLASSES)
        self.register_buffer("rounds", torch.tensor(3))

    def forward(self, x):
        x = self.conv(x)
        if bool(self.conv.weight.sum() > -1000.0):
            x = F.relu(self.other(x))
        else:
            x = x * 2
        for i in range(int(self.rounds)):
            x = x + self.other(x) * 0.1
        return self.fc(x.mean((2, 3)))


class Named(nn.Module):
    """A dictionary of outputs."""

    inputs = {"x": (3, 6, 6)}

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4, NUM_CLASSES)

    def forward(self, x) -> Dict[str, Tensor]:
        y = F.relu(self.conv(x))
        return {"features": y, "out": self.fc(y.mean((2, 3)))}


class Windows(nn.Module):
    """Samples cut into windows that are rows of their own, normalised and dropped."""

    inputs = {"x": (4, 4, 4)}

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(16, 12)
        self.norm = nn.BatchNorm1d(12)
        self.second = nn.Linear(12, 6)
        self.fc = nn.Linear(6, NUM_CLASSES)

    def forward(self, x):
        n = x.shape[0]
        x = x.reshape(n, 4, 2, 2, 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(n * 4, 16)
        x = F.relu(self.norm(self.first(x)))
        x = self.second(x).reshape(n, 4, 6)
        return self.fc(x.mean(1))


class Sensors(nn.Module):
    """What the training world's two sensors give, in three classes."""

    inputs = {"image": (2, 5, 5), "height": (1, 10, 10)}

    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(2, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6),
                                   nn.ReLU(inplace=True))
        self.again = nn.Sequential(nn.Conv2d(6, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6))
        self.height = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2))
        self.hidden = nn.Linear(250, 16)
        self.dropout = nn.Dropout(0.25)
        self.scores = nn.Linear(16, 3)

    def forward(self, image, height):
        a = self.image(image)
        a = F.relu(a + self.again(a))
        b = self.height(height)
        joined = torch.cat([a.flatten(1), b.flatten(1)], 1)
        return self.scores(self.dropout(F.relu(self.hidden(joined))))


BOTH = {"residual": Residual, "dropping": Dropping, "two_branches": TwoBranches, "tuples": Tuples,
        "dense": Dense, "writing": Writing, "shared": Shared, "frozen": Frozen,
        "attention": Attention, "attending": Attending, "pixels": Pixels, "rows": Rows, "windows": Windows,
        "sensors": Sensors}
SCRIPTED = {"deciding": Deciding, "named": Named}


class Bad(nn.Module):
    """A forward that cannot be imported, by the name of what is wrong."""

    def __init__(self, wrong: str):
        super().__init__()
        self.wrong = wrong
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4, track_running_stats=wrong != "unstated_norm",
                                   momentum=None if wrong == "cumulative_norm" else 0.1)
        self.fc = nn.Linear(4, NUM_CLASSES)
        self.register_buffer("count", torch.zeros(4))

    def forward(self, x):
        x = self.norm(self.conv(x))
        if self.wrong == "baked_batch":
            x = x.reshape(2, 4, -1).mean(2)
        elif self.wrong == "mixed_samples":
            x = (x - x.mean(0, keepdim=True)).mean((2, 3))
        elif self.wrong == "random":
            x = x.mean((2, 3)) + torch.rand(x.shape[0], 4)
        elif self.wrong == "written_buffer":
            self.count += x.detach().mean((0, 2, 3))
            x = x.mean((2, 3))
        elif self.wrong == "raises":
            raise RuntimeError("never fits")
        else:
            x = x.mean((2, 3))
        if self.wrong == "no_scores":
            return x.mean(1)
        return self.fc(x)


class Encoded(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoderLayer(12, 2, 16, batch_first=True)
        self.fc = nn.Linear(12, NUM_CLASSES)

    def forward(self, x):
        return self.fc(self.encoder(x.reshape(x.shape[0], 9, 12)).mean(1))


class NoParameters(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


BAD = ["mixed_samples", "random", "written_buffer", "raises", "no_scores", "unstated_norm",
       "cumulative_norm"]


def main(directory: Path, chosen: List[str]) -> None:
    warnings.simplefilter("ignore")
    directory.mkdir(parents=True, exist_ok=True)
    for name, kind in {**BOTH, **SCRIPTED}.items():
        if chosen and name not in chosen:
            continue
        torch.manual_seed(1)
        model = kind()
        if name in BOTH:
            example = tuple(torch.randn(2, *shape) for shape in kind.inputs.values())
            traced = torch.jit.trace(model.eval(), example, check_trace=False)
            traced.save(str(directory / f"{name}.trace.pt"))
        torch.jit.script(model.train()).save(str(directory / f"{name}.script.pt"))
    if chosen:
        return
    for wrong in BAD:
        torch.manual_seed(1)
        torch.jit.script(Bad(wrong)).save(str(directory / f"bad_{wrong}.pt"))
    traced = torch.jit.trace(Bad("baked_batch"), torch.randn(2, 3, 6, 6), check_trace=False)
    traced.save(str(directory / "bad_baked_batch.pt"))
    with torch.no_grad():  # a Transformer then takes a way that has no gradient
        traced = torch.jit.trace(Encoded().eval(), torch.randn(2, 3, 6, 6), check_trace=False)
    traced.save(str(directory / "bad_untrainable.pt"))
    torch.jit.script(NoParameters()).save(str(directory / "bad_no_parameters.pt"))
    torch.jit.script(Residual().double()).save(str(directory / "bad_double.pt"))
    torch.save(Residual().state_dict(), directory / "bad_weights_alone.pt")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
