#!/usr/bin/env python3
"""The zoo, the reference and the bad archives themselves. Ends with 77 and says why where Debian's
Python has no torch."""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.environ.get("CADASTRE_TORCH_PYTHON", "/usr/bin/python3")
if __name__ == "__main__" and os.environ.get("CADASTRE_ZOO_TEST") is None:
    # Under the Python that has torch, whichever runs the tests.
    if not os.path.exists(PYTHON):
        print(f"skipped: there is no {PYTHON}", file=sys.stderr)
        sys.exit(77)
    os.environ["CADASTRE_ZOO_TEST"] = "1"
    sys.exit(subprocess.run([PYTHON, "-B", __file__, *sys.argv[1:]], check=False).returncode)

import bad_archives  # noqa: E402
import models  # noqa: E402
import need_torch  # noqa: E402, F401
import reference  # noqa: E402
import torch  # noqa: E402

SMALL = ("unet", "transformer", "two_branch", "shared_parameters", "in_place", "tuples",
         "control_flow")


class Zoo(unittest.TestCase):
    def test_small_networks_compute_the_same_traced_and_scripted(self):
        for name in SMALL + ("resnet18", "googlenet_aux"):
            entry = models.ZOO[name]
            # Other samples, and another number of them, than the trace has seen. Where dropout is
            # drawn there is nothing to compare.
            inputs = models.sample_inputs(name, 3, seed=5)
            for way in ("trace", "script"):
                if way == "trace" and not entry.is_traceable:
                    continue
                model = models.make_model(name, has_dropout=False)
                archive = models.archive_of(model, way, models.sample_inputs(name, 2))
                with self.subTest(name=name, way=way), torch.no_grad():
                    expected, found = model(*inputs), archive(*inputs)
                    if entry.num_outputs == 1:
                        expected, found = [expected], [found]
                    self.assertEqual(len(found), entry.num_outputs)
                    for one, other in zip(expected, found):
                        torch.testing.assert_close(one, other)

    def test_the_same_name_has_the_same_weights(self):
        first, second = (models.make_model("in_place").state_dict() for _ in range(2))
        self.assertEqual(list(first), list(second))
        for key, value in first.items():
            self.assertTrue(torch.equal(value, second[key]), key)

    def test_a_trace_leaves_the_statistics_of_batch_norm(self):
        model = models.make_model("unet", is_training=True)
        before = model.bottom[1].running_mean.clone()
        models.archive_of(model, "trace", models.sample_inputs("unet", 2))
        self.assertTrue(torch.equal(model.bottom[1].running_mean, before))

    def test_parameters_are_shared_where_the_name_says_so(self):
        model = models.make_model("shared_parameters")
        self.assertIs(model.head.weight, model.prototypes.weight)


class Reference(unittest.TestCase):
    def module(self):
        linear = torch.nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            linear.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0]]))
        return torch.jit.script(linear)

    def data(self):
        return {"inputs": {"0": torch.tensor([[1.0, 0.0], [0.0, 0.0]])},
                "labels": torch.tensor([0, 1])}

    def test_loss_and_gradient_are_those_of_cross_entropy(self):
        found = reference.gradients(self.module(), self.data(), 1)
        # Scores (1, 0) of label 0: p = 1 / (1 + e^-1); scores (0, 0) of label 1: p = 1/2.
        p = torch.tensor(1.0) / (1 + torch.exp(torch.tensor(-1.0)))
        torch.testing.assert_close(found["loss"], -(torch.log(p) + torch.log(torch.tensor(0.5))) / 2)
        # The gradient of the scores is (softmax - label) / N; only the first sample has an input.
        torch.testing.assert_close(found["gradients"]["weight"],
                                   torch.stack([(p - 1) / 2, (1 - p) / 2])[:, None]
                                   * torch.tensor([1.0, 0.0]))

    def test_micro_batches_add_up(self):
        whole = reference.train(self.module(), self.data(), 1, 3, 0.1)
        cut = reference.train(self.module(), self.data(), 2, 3, 0.1)
        torch.testing.assert_close(whole["parameters"], cut["parameters"])
        torch.testing.assert_close(whole["losses"], cut["losses"])
        self.assertLess(float(whole["losses"][2]), float(whole["losses"][0]))

    def test_labels_that_are_not_there_do_not_count(self):
        data = self.data()
        data["labels"] = torch.tensor([0, reference.NO_LABEL])
        p = torch.tensor(1.0) / (1 + torch.exp(torch.tensor(-1.0)))
        torch.testing.assert_close(reference.gradients(self.module(), data, 1)["loss"],
                                   -torch.log(p) / 2)


class BadArchives(unittest.TestCase):
    # What LibTorch itself loads: only who looks closer finds the fault.
    LOADS = {"flipped_weight", "no_parameters", "frozen_parameters", "quantized", "baked_batch",
             "integer_input", "flag_input", "double_weights", "scalar_output", "image_output",
             "dictionary_output", "number_output"}

    def test_each_has_its_fault_and_is_otherwise_sound(self):
        with tempfile.TemporaryDirectory() as directory:
            for kind in bad_archives.KINDS:
                if kind == "huge":
                    continue
                file = f"{directory}/{kind}.pt"
                bad_archives.make(kind, file)
                with self.subTest(kind=kind):
                    if kind in self.LOADS:
                        torch.jit.load(file)
                    else:
                        with self.assertRaises((RuntimeError, ValueError)):
                            torch.jit.load(file)

    def test_an_edit_that_finds_nothing_is_an_error(self):
        with tempfile.TemporaryDirectory() as directory, self.assertRaises(ValueError):
            bad_archives.edit_sound({"*/nothing": lambda content: content})(f"{directory}/a.pt")


if __name__ == "__main__":
    unittest.main(warnings="ignore")
