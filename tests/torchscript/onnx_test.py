#!/usr/bin/env python3
"""`cadastre import onnx` on what PyTorch exports of the zoo, against sums over its modules.

    onnx_test.py build/release/bin/cadastre

Ends with 77 and says why where the program was built without ONNX or Debian's Python has no torch.
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
DEVICE = os.path.join(HERE, "../../scenarios/devices/server-core.json")
PYTHON = os.environ.get("CADASTRE_TORCH_PYTHON", "/usr/bin/python3")
if __name__ == "__main__" and os.environ.get("CADASTRE_ONNX_TEST") is None:
    program = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "cadastre"
    if not os.path.exists(os.path.join(os.path.dirname(program), "cadastre-onnx")):
        print("skipped: cadastre was built without ONNX", file=sys.stderr)
        sys.exit(77)
    # Under the Python that has torch, whichever runs the tests.
    if not os.path.exists(PYTHON):
        print(f"skipped: there is no {PYTHON}", file=sys.stderr)
        sys.exit(77)
    os.environ["CADASTRE_ONNX_TEST"] = program
    sys.exit(subprocess.run([PYTHON, "-B", __file__], check=False).returncode)

import models  # noqa: E402
import torch  # noqa: E402

BYTES = 4  # of a float32


def export(name, file, has_open_batch=False):
    """As in training, so that batch norm stays apart from convolutions."""
    model = models.make_model(name, is_training=True)
    names = list(models.ZOO[name].inputs)
    torch.onnx.export(model, tuple(models.sample_inputs(name, 2)), file,
                      training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False,
                      opset_version=13, input_names=names,
                      dynamic_axes={n: {0: "samples"} for n in names} if has_open_batch else None)
    return model


def product_flops(model, name):
    """Of a sample, forward: two for each multiplication of a convolution or linear layer."""
    total = 0

    def count(module, inputs, output):
        nonlocal total
        if isinstance(module, torch.nn.ConvTranspose2d):
            total += 2 * inputs[0].numel() * module.weight[0].numel()
        elif isinstance(module, torch.nn.Conv2d):
            total += 2 * output.numel() * module.weight[0].numel()
        elif isinstance(module, torch.nn.Linear):
            total += 2 * output.numel() * module.in_features

    for module in model.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        model(*models.sample_inputs(name, 2))
    return total / 2


def attention_flops(tokens, width, depth):
    """Queries by keys, and weights by values: both tokens x tokens x width, in all heads together."""
    return depth * 2 * 2 * tokens * tokens * width


class Import(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def run_program(self, *words):
        return subprocess.run([os.environ["CADASTRE_ONNX_TEST"], *words], cwd=self.directory,
                              capture_output=True, text=True, timeout=120, check=False)

    def imported(self, file, *words):
        done = self.run_program("import", "onnx", file, "--device", DEVICE, "-o", "profile.json",
                                "--json", "--quiet", *words)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with open(f"{self.directory}/profile.json", encoding="utf-8") as stream:
            return json.loads(done.stdout), json.load(stream)

    def test_operations_and_parameters_are_those_of_the_modules(self):
        for name in ("resnet18", "mobilenet_v2", "unet", "transformer", "two_branch", "tuples",
                     "shared_parameters", "in_place"):
            with self.subTest(name=name):
                model = export(name, f"{self.directory}/{name}.onnx")
                result, profile = self.imported(f"{name}.onnx")
                expected = product_flops(model, name)
                if name == "transformer":
                    expected += attention_flops(tokens=16, width=32, depth=2)
                self.assertEqual(result["product_flops_per_sample"], expected)
                self.assertEqual(result["parameter_bytes"],
                                 BYTES * sum(p.numel() for p in model.parameters()))
                self.assertGreater(result["backward_flops_per_sample"], expected)
                self.assertEqual([i["name"] for i in profile["model"]["inputs"]],
                                 list(models.ZOO[name].inputs))
                self.assertEqual(result["notes"] != [], name == "shared_parameters")

    def test_layers_are_named_after_modules(self):
        export("resnet18", f"{self.directory}/resnet18.onnx")
        ids = [layer["layer"] for layer in self.imported("resnet18.onnx")[1]["layers"]]
        for name in ("conv1", "layer1.0.conv1", "layer4.1.conv2", "fc"):
            self.assertIn(name, ids)
        # 20 convolutions, each with its batch norm and ReLU, 8 sums, 2 poolings, a product.
        self.assertEqual(len(ids), 31)

    def test_an_open_batch_changes_nothing(self):
        for name in ("resnet18", "transformer"):
            with self.subTest(name=name):
                export(name, f"{self.directory}/{name}.onnx")
                fixed = self.imported(f"{name}.onnx")[1]
                export(name, f"{self.directory}/{name}.onnx", has_open_batch=True)
                opened = self.imported(f"{name}.onnx")[1]
                for one, other in zip(fixed["layers"], opened["layers"]):
                    self.assertEqual(one, other)

    def test_the_profile_can_be_planned(self):
        export("two_branch", f"{self.directory}/two_branch.onnx")
        self.imported("two_branch.onnx")
        done = self.run_program("plan", "--profile", "profile.json", "--cluster",
                                os.path.join(HERE, "../../scenarios/clusters/two-hosts.json"),
                                "--batch-size", "8", "--time-limit", "1", "--json", "--quiet")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertGreater(json.loads(done.stdout)["step_s"], 0)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
