#!/usr/bin/env python3
"""The zoo: networks as people have them, saved as TorchScript archives, with random weights.

    models.py resnet18 trace resnet18.pt          # or script; --training, --no-dropout, --info
    models.py resnet18 --info                     # what it is, as JSON; makes nothing
    models.py --list
    models.py --into DIRECTORY unet:script vgg16:trace     # several: DIRECTORY/unet.script.pt, and
                                                           # DIRECTORY/unet.json, what it is, ...

Same name and options, same weights. Batch-norm statistics, weights and biases are random, too, so
that a test sees each of them. A model with auxiliary outputs is saved as in training, others as in
evaluation unless told otherwise. Ends with 77 where Python has no torch or torchvision.
"""

import argparse
import dataclasses
import json
import sys
import typing

import need_torch
import own_networks
import torch
import torchvision

CLASSES = own_networks.CLASSES
SEED = 8


@dataclasses.dataclass
class Entry:
    make: typing.Callable[[], torch.nn.Module]
    inputs: typing.Dict[str, typing.List[int]]  # shape per sample of each, in order
    is_traceable: bool = True
    is_scriptable: bool = True
    is_saved_in_training: bool = False
    num_outputs: int = 1  # in the mode that it is saved in; the first is the class scores
    has_dropout: bool = False


def image(channels, size):
    return {"image": [channels, size, size]}


def of_torchvision(name, size, has_dropout=False, **options):
    make = getattr(torchvision.models, name)
    return Entry(lambda: make(num_classes=CLASSES, **options), image(3, size),
                 has_dropout=has_dropout)


def narrow_vgg16():
    """VGG-16's features under a classifier of 0.4 instead of 119 million parameters."""
    vgg = torchvision.models.vgg
    model = vgg.VGG(torch.nn.Sequential(), init_weights=False)
    model.features = vgg.make_layers(vgg.cfgs["D"])
    model.avgpool = torch.nn.AdaptiveAvgPool2d(1)
    model.classifier = torch.nn.Sequential(
        torch.nn.Linear(512, 512), torch.nn.ReLU(True), torch.nn.Dropout(),
        torch.nn.Linear(512, 256), torch.nn.ReLU(True), torch.nn.Dropout(),
        torch.nn.Linear(256, CLASSES))
    return model


def googlenet(has_aux):
    return torchvision.models.googlenet(num_classes=CLASSES, aux_logits=has_aux,
                                        init_weights=False)


def own(network, inputs, **options):
    return Entry(network, inputs, **options)


ZOO = {
    "resnet18": of_torchvision("resnet18", 64),
    "resnet50": of_torchvision("resnet50", 64),
    "vgg16": of_torchvision("vgg16", 32, has_dropout=True),
    "vgg16_narrow": Entry(narrow_vgg16, image(3, 32), has_dropout=True),
    "mobilenet_v2": of_torchvision("mobilenet_v2", 64, has_dropout=True),
    "googlenet": Entry(lambda: googlenet(False), image(3, 64), has_dropout=True),
    # Its scores and those of two auxiliary heads, as while it is trained.
    "googlenet_aux": Entry(lambda: googlenet(True), image(3, 64), is_saved_in_training=True,
                           num_outputs=3, has_dropout=True),
    "inception_v3": of_torchvision("inception_v3", 96, has_dropout=True, aux_logits=False,
                                   init_weights=False),
    "densenet121": of_torchvision("densenet121", 64),
    "unet": own(own_networks.UNet, image(4, 32)),
    "transformer": own(own_networks.Transformer, image(3, 16), has_dropout=True),
    "two_branch": own(own_networks.TwoBranches, {"hsi": [48, 11, 11], "lidar": [2, 22, 22]},
                      has_dropout=True),
    "shared_parameters": own(own_networks.SharedParameters, image(3, 16)),
    "in_place": own(own_networks.InPlace, image(3, 12)),
    "tuples": own(own_networks.Pyramid, image(3, 16)),
    "control_flow": own(own_networks.ControlFlow, image(3, 12), is_traceable=False),
}


def randomize_batch_norm(model):
    """Other than zeros and ones, which hide what reads them."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.8, 1.25)
            with torch.no_grad():
                module.weight.uniform_(0.8, 1.2)
                module.bias.normal_(0, 0.1)


def make_model(name, is_training=None, has_dropout=True):
    """The network, in the mode that it is saved in unless told otherwise."""
    entry = ZOO[name]
    torch.manual_seed(SEED)
    model = entry.make()
    randomize_batch_norm(model)
    if not has_dropout:
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
    return model.train(entry.is_saved_in_training if is_training is None else is_training)


def sample_inputs(name, num_samples, seed=SEED):
    """One tensor an input, (N, ...), standard normal."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(num_samples, *shape, generator=generator)
            for shape in ZOO[name].inputs.values()]


def archive_of(model, way, inputs):
    """`model` as a ScriptModule. Its buffers stay as they are."""
    if way == "script":
        return torch.jit.script(model)
    # A trace in training updates the statistics of batch norm.
    buffers = {key: value.clone() for key, value in model.named_buffers()}
    with torch.no_grad():
        traced = torch.jit.trace(model, tuple(inputs), check_trace=False)
        for key, value in traced.named_buffers():
            value.copy_(buffers[key])
    return traced


def information(name):
    entry = ZOO[name]
    model = make_model(name)
    return {
        "name": name,
        "inputs": [{"name": key, "shape": shape} for key, shape in entry.inputs.items()],
        "num_parameters": sum(p.numel() for p in model.parameters()),
        "num_parameter_tensors": sum(1 for _ in model.parameters()),
        "num_buffer_tensors": sum(1 for _ in model.buffers()),
        "num_classes": CLASSES,
        "num_outputs": entry.num_outputs,
        "is_dense": name == "unet",
        "is_traceable": entry.is_traceable,
        "is_scriptable": entry.is_scriptable,
        "is_saved_in_training": entry.is_saved_in_training,
        "has_dropout": entry.has_dropout,
    }


def save(name, way, output, arguments, parser):
    entry = ZOO[name]
    is_possible = entry.is_traceable if way == "trace" else entry.is_scriptable
    if not is_possible:
        parser.error(f"{name} cannot be made by {way}")
    model = make_model(name, is_training=arguments.training or None,
                       has_dropout=not arguments.no_dropout)
    torch.jit.save(archive_of(model, way, sample_inputs(name, 2)), output)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*", help="NAME trace|script OUT.pt; see --list")
    parser.add_argument("--training", action="store_true", help="save it in training mode")
    parser.add_argument("--no-dropout", action="store_true", help="dropout with probability 0")
    parser.add_argument("--info", action="store_true", help="print what it is, as JSON")
    parser.add_argument("--list", action="store_true", help="print the names")
    parser.add_argument("--into", metavar="DIRECTORY", help="save NAME:WAY... there")
    arguments = parser.parse_args()
    words = arguments.words
    if arguments.list:
        print("\n".join(ZOO))
        return
    if arguments.into is not None:
        wishes = [word.partition(":")[::2] for word in words]
    elif len(words) == 3 or (arguments.info and len(words) == 1):
        wishes = [(words[0], words[1] if len(words) == 3 else "")]
    else:
        parser.error("expected NAME trace|script OUT.pt, NAME --info, or --list")
    for name, way in wishes:
        if name not in ZOO:
            parser.error(f"expected a name of the zoo, found {name} (see --list)")
        if way not in ("trace", "script") and not (arguments.info and way == ""):
            parser.error(f"expected trace or script, found {way!r}")
    for name, way in wishes:
        if arguments.info:
            print(json.dumps(information(name), indent=1))
        if way:
            output = words[2] if arguments.into is None else f"{arguments.into}/{name}.{way}.pt"
            save(name, way, output, arguments, parser)
        if arguments.into is not None:
            with open(f"{arguments.into}/{name}.json", "w", encoding="utf-8") as stream:
                json.dump(information(name), stream, indent=1)


if __name__ == "__main__":
    sys.exit(main())
