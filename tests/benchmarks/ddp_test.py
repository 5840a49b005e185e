#!/usr/bin/env python3
"""ddp.py as a program. Ends with 77 and says why where Debian's Python has no torch."""

import copy
import json
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = os.environ.get("CADASTRE_TORCH_PYTHON", "/usr/bin/python3")

# Every kind of layer, listed out of order; 1 x 8 x 8 in, 3 classes out.
MODEL = {
    "format": "cadastre-model/1", "name": "small", "output": "scores",
    "inputs": [{"name": "x", "shape": [1, 8, 8]}],
    "layers": [
        {"id": "scores", "kind": "linear", "inputs": ["kept"], "out_features": 3},
        {"id": "conv", "kind": "conv2d", "inputs": ["x"], "out_channels": 4, "kernel_size": 3,
         "padding": 1, "bias": False},
        {"id": "norm", "kind": "batch_norm2d", "inputs": ["conv"]},
        {"id": "relu", "kind": "relu", "inputs": ["norm"]},
        {"id": "again", "kind": "conv2d", "inputs": ["relu"], "out_channels": 4, "groups": 2},
        {"id": "sum", "kind": "add", "inputs": ["relu", "again"]},
        {"id": "both", "kind": "concat", "inputs": ["sum", "relu"]},
        {"id": "pool", "kind": "max_pool2d", "inputs": ["both"], "kernel_size": 2},
        {"id": "average", "kind": "adaptive_avg_pool2d", "inputs": ["pool"], "output_size": 2},
        {"id": "flat", "kind": "flatten", "inputs": ["average"]},
        {"id": "kept", "kind": "dropout", "inputs": ["flat"], "p": 0.2}]}
# 4 x 9, batch norm 2 x 4, 4 x 2 + 4 in groups, 3 x 32 + 3.
PARAMETER_BYTES = 4 * (36 + 8 + 12 + 99)


class Program(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.file = f"{directory.name}/model.json"

    def command(self, model, *words):
        with open(self.file, "w", encoding="utf-8") as stream:
            json.dump(model, stream)
        return [PYTHON, f"{HERE}/ddp.py", self.file, "--steps", "2", "--warm-up", "1",
                "--batch-size", "4", *words]

    def run_one(self, model, *words):
        return subprocess.run(self.command(model, *words), capture_output=True, text=True,
                              timeout=120, check=False)

    def test_one_process_trains_the_network_of_the_document(self):
        done = self.run_one(MODEL)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = json.loads(done.stdout)
        self.assertEqual((found["world_size"], found["parameter_bytes"]), (1, PARAMETER_BYTES))
        self.assertGreater(found["median_step_s"], 0)

    def test_ranks_meet_and_the_first_one_reports(self):
        command = self.command(MODEL, "--mode", "ddp")
        ranks = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {
            "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(20000 + os.getpid() % 10000), "GLOO_SOCKET_IFNAME": "lo"})
            for rank in range(2)]
        printed = [rank.communicate(timeout=120)[0] for rank in ranks]
        self.assertEqual([rank.returncode for rank in ranks], [0, 0])
        self.assertEqual(json.loads(printed[0])["world_size"], 2)
        self.assertEqual(printed[1], "")

    def test_what_cannot_be_trained_is_refused(self):
        def changed(**keys):
            model = copy.deepcopy(MODEL)
            model["layers"][1] |= keys
            return model

        for model, words, message in (
                (changed(kind="profiled"), (), "error: layer conv: there is no module for a layer "
                                               "of kind profiled\n"),
                (changed(inputs=["y"]), (), "error: layer scores: its inputs are nowhere\n"),
                (MODEL, ("--threads", "0"), "error: expected positive numbers\n")):
            done = self.run_one(model, *words)
            self.assertEqual((done.returncode, done.stderr), (1, message))


if __name__ == "__main__":
    try:
        if subprocess.run([PYTHON, "-c", "import torch"], capture_output=True).returncode != 0:
            raise OSError
    except OSError:
        print(f"skipped: {PYTHON} has no torch (Debian's python3-torch)")
        sys.exit(77)
    unittest.main()
