#!/usr/bin/env python3
"""Files that no importer may take for a good model.

    bad_archives.py truncated OUT.pt
    bad_archives.py --into DIRECTORY            # all of them but huge: DIRECTORY/NAME.pt
    bad_archives.py --list                      # names, and what is wrong with each

Each is made from a sound archive and has one fault. Images are (3, 8, 8) and classes 5 wherever
there are any. Ends with 77 where Python has no torch.
"""

import argparse
import fnmatch
import io
import os
import random
import sys
import zipfile

import bad_networks
import need_torch  # noqa: F401
import torch
from archive_edit import edited, replaced, with_compressed_zeros, with_integers

SEED = 8
CODE = "*/code/__torch__/bad_networks*.py"  # of the network; its layers have their own
NUM_BYTES = 4  # of a float32


def image(num_samples=2):
    return torch.randn(num_samples, 3, 8, 8)


def traced(network, *inputs):
    return torch.jit.trace(network, inputs or (image(),), check_trace=False)


def save_trace(network, *inputs):
    return lambda file: torch.jit.save(traced(network(), *inputs), file)


def save_script(network):
    return lambda file: torch.jit.save(torch.jit.script(network()), file)


def sound_bytes():
    stream = io.BytesIO()
    torch.jit.save(traced(bad_networks.Small().eval()), stream)
    return stream.getvalue()


def write(file, content):
    with open(file, "wb") as stream:
        stream.write(content)


def edit_sound(edits):
    def make(file):
        edited(io.BytesIO(sound_bytes()), file, edits)
    return make


def write_text(file):
    write(file, b"a model, honestly\n" * 40)


def write_zip(file):
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("notes/readme.txt", "no model in here")


def write_truncated(file):
    content = sound_bytes()
    write(file, content[:len(content) // 2])


def span_of(content, pattern):
    """Where the record of a name like this lies in the archive: (begin, end)."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for record in archive.infolist():
            if fnmatch.fnmatchcase(record.filename, pattern):
                at = record.header_offset
                name_size = int.from_bytes(content[at + 26:at + 28], "little")
                extra_size = int.from_bytes(content[at + 28:at + 30], "little")
                begin = at + 30 + name_size + extra_size
                return begin, begin + record.file_size
    raise ValueError(f"expected a record {pattern}, found none")


def flip_in(pattern):
    """Flips one bit in the middle of a record, and leaves the archive's checksum as it was."""
    def make(file):
        content = bytearray(sound_bytes())
        begin, end = span_of(content, pattern)
        content[(begin + end) // 2] ^= 0x10
        write(file, content)
    return make


def flip_anywhere(file):
    """Flips 20 bits at places of a fixed seed."""
    content = bytearray(sound_bytes())
    places = random.Random(SEED)
    for _ in range(20):
        content[places.randrange(len(content))] ^= 1 << places.randrange(8)
    write(file, content)


def save_without_weight(file):
    with zipfile.ZipFile(io.BytesIO(sound_bytes())) as old, zipfile.ZipFile(file, "w") as new:
        for record in old.infolist():
            if not record.filename.endswith("/data/1"):
                new.writestr(zipfile.ZipInfo(record.filename), old.read(record))


def save_pickled_module(file):
    torch.save(bad_networks.Small(), file)


def save_state_dict(file):
    torch.save(bad_networks.Small().state_dict(), file)


def save_quantized(file):
    """Layers that keep their weights in a class written in C++."""
    network = bad_networks.Small().eval()
    network.conv.qconfig = None
    network.head.qconfig = torch.quantization.default_dynamic_qconfig
    quantized = torch.quantization.quantize_dynamic(network, {torch.nn.Linear})
    torch.jit.save(traced(quantized), file)


def save_huge(file):
    """2 GiB of zeros as weights, in a file of about 2 MB."""
    stream = io.BytesIO()
    torch.jit.save(traced(bad_networks.Wide()), stream)
    narrow, wide = bad_networks.Wide.NARROW, bad_networks.Wide.WIDE
    classes = bad_networks.CLASSES
    by_width = {narrow * n: wide * n for n in (3, classes, 1)}
    by_width[narrow * narrow] = wide * wide
    sizes = {}
    with zipfile.ZipFile(stream) as archive:
        for record in archive.infolist():
            folder, _, name = record.filename.rpartition("/")
            if folder.endswith("/data"):
                sizes[name] = NUM_BYTES * by_width[record.file_size // NUM_BYTES]
    with_compressed_zeros(stream, file, lambda content: with_integers(content, by_width), sizes)


KINDS = {
    "empty": ("no byte", lambda file: write(file, b"")),
    "text": ("not an archive: text", write_text),
    "zip": ("a zip archive of something else", write_zip),
    "directory": ("a directory", lambda file: os.makedirs(file, exist_ok=True)),
    "state_dict": ("torch.save of the state_dict: weights without code", save_state_dict),
    "pickled_module": ("torch.save of the module: its code is in Python only",
                       save_pickled_module),
    "truncated": ("ends in the middle", write_truncated),
    "flipped_weight": ("one bit of a weight is flipped: the checksum of the record tells",
                       flip_in("*/data/1")),
    "flipped_code": ("one bit of the code is flipped", flip_in(CODE)),
    "flipped_pickle": ("one bit of data.pkl is flipped", flip_in("*/data.pkl")),
    "flipped_anywhere": ("twenty bits are flipped anywhere", flip_anywhere),
    "newer_version": ("saved by a newer version: its version record says 99",
                      edit_sound({"*/version": lambda _: b"99\n"})),
    "not_a_version": ("its version record is no number",
                      edit_sound({"*/version": lambda _: b"soon\n"})),
    "missing_weight": ("the record of a weight is not there", save_without_weight),
    "no_parameters": ("has no parameters", save_script(bad_networks.NoParameters)),
    "frozen_parameters": ("has parameters, of which none may change",
                          save_trace(bad_networks.FrozenParameters)),
    "unknown_operator": ("calls strangers::relu, which no library has",
                         edit_sound({CODE: replaced(b"torch.relu(", b"ops.strangers.relu(")})),
    "unknown_class": ("holds an object of a C++ class that no library has",
                      edit_sound({CODE: replaced(
                          b"  conv : ",
                          b"  thing : __torch__.torch.classes.strangers.Thing\n  conv : ")})),
    "quantized": ("keeps a layer's weights in a C++ class of LibTorch (quantized)",
                  save_quantized),
    "baked_batch": ("view(4, -1): works for four samples only",
                    save_trace(bad_networks.BakedBatch, image(4))),
    "integer_input": ("reads int64 tokens, (12)",
                      save_trace(bad_networks.Tokens, torch.zeros(2, 12, dtype=torch.int64))),
    "flag_input": ("takes a flag that is no tensor", save_script(bad_networks.TwoInputs)),
    "double_weights": ("computes in float64", save_trace(bad_networks.DoubleWeights)),
    "scalar_output": ("gives its loss, not scores", save_trace(bad_networks.ScalarOutput)),
    "image_output": ("gives (3, 4, 8): scores of no pixel of the input",
                     save_trace(bad_networks.ImageOutput)),
    "dictionary_output": ("gives a dictionary", save_script(bad_networks.DictionaryOutput)),
    "number_output": ("gives a float", save_script(bad_networks.NumberOutput)),
    "huge": ("2 GiB of weights, zeros, in 2 MB of file; a reader needs that memory", save_huge),
}


def make(kind, file):
    torch.manual_seed(SEED)
    KINDS[kind][1](str(file))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", nargs="?", choices=sorted(KINDS))
    parser.add_argument("output", nargs="?")
    parser.add_argument("--into", metavar="DIRECTORY", help="make all but huge there")
    parser.add_argument("--list", action="store_true", help="print what there is")
    arguments = parser.parse_args()
    if arguments.list:
        for kind, (fault, _) in KINDS.items():
            print(f"{kind}: {fault}")
    elif arguments.into is not None:
        for kind in KINDS:
            if kind != "huge":
                make(kind, os.path.join(arguments.into, f"{kind}.pt"))
    elif arguments.output is not None:
        make(arguments.kind, arguments.output)
    else:
        parser.error("expected KIND OUT.pt, --into DIRECTORY, or --list")


if __name__ == "__main__":
    sys.exit(main())
