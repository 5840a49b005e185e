#!/usr/bin/env python3
"""What Python's own autograd makes of an archive: what every division of it must equal.

    reference.py inputs --model resnet18 --samples 8 -o DATA.pt     # or --shape image=3,64,64
    reference.py gradients ARCHIVE.pt DATA.pt -o OUT.pt             # --mode train|eval
    reference.py train ARCHIVE.pt DATA.pt --steps 20 --micro-batches 2 --lr 0.05 -o OUT.pt
    reference.py outputs ARCHIVE.pt DATA.pt -o OUT.pt

All files are dictionaries of str to tensors, or of such dictionaries, as torch.load and
torch::pickle_load read them.

DATA  inputs: {name: (N, ...)}, in the order of forward's arguments ("0" first where they have no
      other name); labels: (N), or (N, H, W) for dense scores, int64, -1 where there is none
OUT   loss: (), the cross-entropy summed over labels and divided by N;
      scores: (N, K, ...); gradients, parameters, buffers: {path: tensor}; losses: (steps)

A step of `train` is plain SGD on all of DATA, its gradients accumulated over micro-batches of equal
size; batch norm sees a micro-batch at a time. The scores are the first of several outputs.
"""

import argparse
import sys

import models
import need_torch  # noqa: F401
import torch

NO_LABEL = -1


def parsed_shape(text):
    name, _, extents = text.rpartition("=")
    return name, [int(extent) for extent in extents.split(",")]


def make_data(shapes, num_samples, num_classes, seed, dense_size=None):
    """DATA. Every seventh label of a dense patch is left out."""
    generator = torch.Generator().manual_seed(seed)
    inputs = {name or str(i): torch.randn(num_samples, *shape, generator=generator)
              for i, (name, shape) in enumerate(shapes)}
    extent = [num_samples] + ([] if dense_size is None else [dense_size, dense_size])
    labels = torch.randint(0, num_classes, extent, generator=generator)
    if dense_size is not None:
        labels.view(-1)[::7] = NO_LABEL
    return {"inputs": inputs, "labels": labels}


def load_archive(file, mode):
    """The archive, trained or evaluated, or left in the mode that it was saved in."""
    module = torch.jit.load(file)
    if mode != "saved":
        module.train(mode == "train")
    return module


def scores_of(outputs):
    return outputs[0] if isinstance(outputs, (tuple, list)) else outputs


def loss_sum(scores, labels):
    return torch.nn.functional.cross_entropy(scores, labels, ignore_index=NO_LABEL,
                                             reduction="sum")


def slices(data, num_micro_batches):
    num_samples = len(data["labels"])
    if num_samples % num_micro_batches != 0:
        sys.exit(f"error: expected a divisor of {num_samples} samples, found {num_micro_batches} "
                 "micro-batches")
    size = num_samples // num_micro_batches
    for begin in range(0, num_samples, size):
        yield ([value[begin:begin + size] for value in data["inputs"].values()],
               data["labels"][begin:begin + size])


def plain(tensors):
    """Copies without history, as a dictionary that LibTorch reads."""
    return {name: value.detach().clone().contiguous() for name, value in tensors}


def accumulate(module, data, num_micro_batches):
    """Adds to the parameters' gradients. Returns the loss and the scores."""
    num_samples = len(data["labels"])
    loss = torch.zeros(())
    scores = []
    for inputs, labels in slices(data, num_micro_batches):
        scores.append(scores_of(module(*inputs)))
        part = loss_sum(scores[-1], labels) / num_samples
        part.backward()
        loss += part.detach()
    return loss, torch.cat(scores).detach()


def gradients(module, data, num_micro_batches):
    module.zero_grad(set_to_none=True)
    loss, scores = accumulate(module, data, num_micro_batches)
    return {"loss": loss, "scores": scores,
            "gradients": plain((name, torch.zeros_like(p) if p.grad is None else p.grad)
                               for name, p in module.named_parameters()),
            "buffers": plain(module.named_buffers())}


def train(module, data, num_micro_batches, steps, learning_rate):
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad],
                                lr=learning_rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        losses.append(accumulate(module, data, num_micro_batches)[0])
        optimizer.step()
    return {"losses": torch.stack(losses), "parameters": plain(module.named_parameters()),
            "buffers": plain(module.named_buffers())}


def run_inputs(arguments):
    num_classes = arguments.classes
    dense_size = arguments.dense
    if arguments.model:
        facts = models.ZOO[arguments.model]
        shapes = list(facts.inputs.items())
        if arguments.model == "unet":
            dense_size = shapes[0][1][-1]
    elif arguments.shape:
        shapes = [parsed_shape(text) for text in arguments.shape]
    else:
        sys.exit("error: expected --model or --shape")
    return make_data(shapes, arguments.samples, num_classes, arguments.seed, dense_size)


def run_gradients(arguments):
    return gradients(load_archive(arguments.archive, arguments.mode), torch.load(arguments.data),
                     arguments.micro_batches)


def run_train(arguments):
    return train(load_archive(arguments.archive, arguments.mode), torch.load(arguments.data),
                 arguments.micro_batches, arguments.steps, arguments.lr)


def run_outputs(arguments):
    module = load_archive(arguments.archive, arguments.mode)
    with torch.no_grad():
        outputs = module(*torch.load(arguments.data)["inputs"].values())
    if not isinstance(outputs, (tuple, list)):
        outputs = [outputs]
    return {str(i): output.clone() for i, output in enumerate(outputs)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    inputs = verbs.add_parser("inputs")
    inputs.set_defaults(run=run_inputs)
    inputs.add_argument("--model", choices=sorted(models.ZOO))
    inputs.add_argument("--shape", action="append", help="C,H,W or NAME=C,H,W; once an input")
    inputs.add_argument("--samples", type=int, default=8)
    inputs.add_argument("--classes", type=int, default=models.CLASSES)
    inputs.add_argument("--dense", type=int, help="labels are patches of this size")
    inputs.add_argument("--seed", type=int, default=1)
    for name, run, mode in (("gradients", run_gradients, "train"), ("train", run_train, "train"),
                            ("outputs", run_outputs, "eval")):
        verb = verbs.add_parser(name)
        verb.set_defaults(run=run)
        verb.add_argument("archive")
        verb.add_argument("data")
        verb.add_argument("--mode", choices=["train", "eval", "saved"], default=mode)
        verb.add_argument("--micro-batches", type=int, default=1)
        if name == "train":
            verb.add_argument("--steps", type=int, default=20)
            verb.add_argument("--lr", type=float, default=0.05)
    for verb in verbs.choices.values():
        verb.add_argument("-o", "--output", required=True)
    arguments = parser.parse_args()
    torch.manual_seed(0)  # of dropout
    torch.save(arguments.run(arguments), arguments.output)


if __name__ == "__main__":
    sys.exit(main())
