#!/usr/bin/env python3
"""`cadastre profile` of files that are no good models: refused by what is wrong with them, with status
2, one line and nothing written.

    bad_archive_test.py build/release/bin/cadastre

Ends with 77 and says why where Debian's Python has no torch.
"""

import os
import subprocess
import sys
import tempfile
import unittest

PYTHON = os.environ.get("CADASTRE_TORCH_PYTHON", "/usr/bin/python3")
if __name__ == "__main__" and os.environ.get("CADASTRE_BAD_ARCHIVE_TEST") is None:
    # Under the Python that has torch, whichever runs the tests.
    if not os.path.exists(PYTHON):
        print(f"skipped: there is no {PYTHON}", file=sys.stderr)
        sys.exit(77)
    os.environ["CADASTRE_BAD_ARCHIVE_TEST"] = os.path.abspath(sys.argv[1])
    sys.exit(subprocess.run([PYTHON, "-B", __file__], check=False).returncode)

import bad_archives  # noqa: E402

# What each is told to be, and what to do about it.
REFUSED = {
    "empty": "an empty file",
    "text": "another kind of file",
    "zip": "another ZIP archive",
    "directory": "a directory",
    "state_dict": "what torch.save writes, weights or a module whose code is in Python alone",
    "pickled_module": "what torch.save writes, weights or a module whose code is in Python alone",
    "truncated": "a truncated or damaged file",
    "flipped_weight": "other bytes in its record archive/data/1 than its checksum was taken of",
    "flipped_code": "other bytes in its record archive/code/__torch__/bad_networks/",
    "flipped_pickle": "other bytes in its record archive/data.pkl than",
    "flipped_anywhere": "; copy the file again",
    "newer_version": "a newer version of PyTorch wrote",
    "not_a_version": "a truncated or damaged file",
    "missing_weight": "failed locating file data/1",
    "no_parameters": "expected a model with parameters to train",
    "frozen_parameters": "expected a model with parameters to train",
    "unknown_operator": "Unknown builtin op: strangers::relu\"; write custom operators and classes "
                        "in Python",
    "unknown_class": "strangers",
    "quantized": "quantized.LinearPackedParamsBase",
    "baked_batch": "aten::linear in head at ",
    "integer_input": "expected inputs of float32",
    "flag_input": "expected a forward that takes tensors, found \"is_scaled\" of type bool",
    "double_weights": "call model.float()",
    "scalar_output": "expected class scores of (samples, classes)",
    "image_output": "expected class scores of (samples, classes)",
    "number_output": "expected a model that gives class scores, found one that gives float",
}
# A dictionary of scores is a right answer.
TAKEN = {"dictionary_output"}


class BadArchives(unittest.TestCase):
    def profile(self, directory, kind, file):
        return subprocess.run(
            [os.environ["CADASTRE_BAD_ARCHIVE_TEST"], "profile", file, "--input-shape", "3,8,8",
             "--batch-sizes", "2", "--quiet", "-o", f"{kind}.json"],
            cwd=directory, check=False, capture_output=True, text=True)

    def test_each_is_refused_by_its_fault(self):
        with tempfile.TemporaryDirectory() as directory:
            for kind in bad_archives.KINDS:
                if kind == "huge":  # takes 2 GiB
                    continue
                bad_archives.make(kind, f"{directory}/{kind}.pt")
                done = self.profile(directory, kind, f"{kind}.pt")
                with self.subTest(kind=kind):
                    if kind in TAKEN:
                        self.assertEqual(done.returncode, 0, done.stderr)
                        continue
                    self.assertEqual(done.returncode, 2, done.stderr)
                    self.assertTrue(done.stderr.startswith(f"error: {kind}.pt: expected "),
                                    done.stderr)
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                    self.assertIn(REFUSED[kind], done.stderr)
                    self.assertEqual(done.stdout, "")
                    self.assertFalse(os.path.exists(f"{directory}/{kind}.json"))

    def test_an_operation_is_told_by_its_place_in_the_source(self):
        with tempfile.TemporaryDirectory() as directory:
            bad_archives.make("baked_batch", f"{directory}/baked.pt")
            done = self.profile(directory, "baked", "baked.pt")
            with open(bad_archives.bad_networks.__file__, encoding="utf-8") as stream:
                line = [i for i, text in enumerate(stream, 1) if "view(4, -1)" in text]
            self.assertIn(f"bad_networks.py:{line[0]}", done.stderr)


if __name__ == "__main__":
    unittest.main(warnings="ignore")
