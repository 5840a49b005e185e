#!/usr/bin/env python3
"""A cadastre model trained by PyTorch itself: the other side of the comparison.

Builds the network of a cadastre-model document from torch.nn's modules and trains it on random
data, in one process or with DistributedDataParallel over Gloo, and prints one JSON object with the
median time of a step. One process per rank, told its place as torchrun does:

    ddp.py scenarios/models/multimodal-cnn.json --mode single --batch-size 64
    RANK=0 WORLD_SIZE=2 MASTER_ADDR=10.77.0.1 MASTER_PORT=29500 GLOO_SOCKET_IFNAME=eth0 \\
        ddp.py scenarios/models/multimodal-cnn.json --mode ddp --batch-size 64

Batch norm is torch.nn.BatchNorm2d, over all of a replica's samples: not cadastre's function, which
takes groups of samples, but what PyTorch's users run, and less work.
"""

import argparse
import json
import os
import statistics
import sys
import time
import warnings

# Before LibTorch and its BLAS are loaded, which read it once.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import torch  # noqa: E402
import torch.distributed  # noqa: E402

warnings.filterwarnings("ignore", message="Lazy modules are a new feature")

_MODULES = {
    "conv2d": lambda layer: torch.nn.LazyConv2d(
        layer["out_channels"], layer.get("kernel_size", 1), layer.get("stride", 1),
        layer.get("padding", 0), groups=layer.get("groups", 1), bias=layer.get("bias", True),
        dilation=layer.get("dilation", 1)),
    "batch_norm2d": lambda layer: torch.nn.LazyBatchNorm2d(
        eps=layer.get("eps", 1e-5), momentum=layer.get("momentum", 0.1)),
    "relu": lambda layer: torch.nn.ReLU(inplace=layer["may_overwrite"]),
    "max_pool2d": lambda layer: torch.nn.MaxPool2d(
        layer["kernel_size"], layer.get("stride", layer["kernel_size"]), layer.get("padding", 0)),
    "adaptive_avg_pool2d": lambda layer: torch.nn.AdaptiveAvgPool2d(layer["output_size"]),
    "center_crop2d": lambda layer: CenterCrop(layer["size"]),
    "flatten": lambda layer: torch.nn.Flatten(),
    "linear": lambda layer: torch.nn.LazyLinear(layer["out_features"], layer.get("bias", True)),
    "dropout": lambda layer: torch.nn.Dropout(layer.get("p", 0.5)),
    "concat": lambda layer: None,
    "add": lambda layer: None,
}
# A ReLU may overwrite what these give: their backward passes do not read it.
_OUTPUT_UNUSED = ("conv2d", "batch_norm2d", "linear")


class CenterCrop(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, images):
        row, column = ((extent - self.size + 1) // 2 for extent in images.shape[2:])
        return images[:, :, row:row + self.size, column:column + self.size].clone()


class Network(torch.nn.Module):
    """The graph of a cadastre-model document: (N, C, H, W) per input to class scores (N, K)."""

    def __init__(self, model):
        super().__init__()
        self.input_names = [entry["name"] for entry in model["inputs"]]
        self.output = model["output"]
        self.layers = _in_order(model)
        kind_of = {layer["id"]: layer["kind"] for layer in self.layers}
        readers = [source for layer in self.layers for source in layer["inputs"]]
        self.steps = torch.nn.ModuleList()
        for layer in self.layers:
            if layer["kind"] not in _MODULES:
                raise SystemExit(f"error: layer {layer['id']}: there is no module for a layer of "
                                 f"kind {layer['kind']}")
            source = layer["inputs"][0]
            may_overwrite = kind_of.get(source) in _OUTPUT_UNUSED and readers.count(source) == 1
            module = _MODULES[layer["kind"]](layer | {"may_overwrite": may_overwrite})
            self.steps.append(torch.nn.Identity() if module is None else module)

    def forward(self, *inputs):
        values = dict(zip(self.input_names, inputs))
        for layer, module in zip(self.layers, self.steps):
            arguments = [values[source] for source in layer["inputs"]]
            if layer["kind"] == "concat":
                values[layer["id"]] = torch.cat(arguments, 1)
            elif layer["kind"] == "add":
                values[layer["id"]] = sum(arguments[1:], arguments[0])
            else:
                values[layer["id"]] = module(arguments[0])
        return values[self.output]


def _in_order(model):
    """The layers, each after those that it reads."""
    known = {entry["name"] for entry in model["inputs"]}
    waiting, ordered = list(model["layers"]), []
    while waiting:
        ready = [layer for layer in waiting if set(layer["inputs"]) <= known]
        if not ready:
            raise SystemExit(f"error: layer {waiting[0]['id']}: its inputs are nowhere")
        ordered += ready
        known.update(layer["id"] for layer in ready)
        waiting = [layer for layer in waiting if layer["id"] not in known]
    return ordered


def random_inputs(model, num_samples):
    return [torch.randn(num_samples, *entry["shape"]) for entry in model["inputs"]]


def _median_step_s(step, num_warm_up, num_steps):
    times_s = []
    for _ in range(num_warm_up + num_steps):
        start_s = time.perf_counter()
        step()
        times_s.append(time.perf_counter() - start_s)
    return statistics.median(times_s[num_warm_up:])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("--mode", choices=["single", "ddp"], default="single")
    parser.add_argument("--batch-size", type=int, default=64, help="of one step, over all ranks")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--warm-up", type=int, default=5, help="steps that are not counted")
    parser.add_argument("--steps", type=int, default=20)
    arguments = parser.parse_args()
    if min(arguments.batch_size, arguments.threads, arguments.steps) < 1 or arguments.warm_up < 0:
        raise SystemExit("error: expected positive numbers")
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(1)
    try:
        with open(arguments.model, encoding="utf-8") as stream:
            model = json.load(stream)
    except (OSError, ValueError) as error:
        raise SystemExit(f"error: {arguments.model}: {error}") from None

    world_size = 1
    if arguments.mode == "ddp":
        torch.distributed.init_process_group("gloo")
        world_size = torch.distributed.get_world_size()
    if arguments.batch_size % world_size != 0:
        raise SystemExit(f"error: expected a batch that {world_size} ranks divide")
    num_samples = arguments.batch_size // world_size

    network = Network(model)
    network.eval()
    with torch.no_grad():
        num_classes = network(*random_inputs(model, 2)).shape[1]  # gives lazy modules their shapes
    network.train()
    parameter_bytes = sum(4 * parameter.numel() for parameter in network.parameters())
    trained = network
    if arguments.mode == "ddp":
        trained = torch.nn.parallel.DistributedDataParallel(network)
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    inputs = random_inputs(model, num_samples)
    classes = torch.arange(num_samples) % num_classes

    def step():
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.cross_entropy(trained(*inputs), classes).backward()
        optimizer.step()

    median_step_s = _median_step_s(step, arguments.warm_up, arguments.steps)
    if arguments.mode == "ddp":
        torch.distributed.barrier()
        rank = torch.distributed.get_rank()
        torch.distributed.destroy_process_group()
        if rank != 0:
            return
    json.dump({"mode": arguments.mode, "world_size": world_size, "threads": arguments.threads,
               "batch_size": arguments.batch_size, "parameter_bytes": parameter_bytes,
               "num_steps": arguments.steps, "median_step_s": median_step_s,
               "torch": torch.__version__}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
