#!/usr/bin/env python3
"""A Spark executor's part without Spark: a scene's samples, a replica's steps. Ends with 77 and
says why where Debian's Python has no torch or GDAL."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

PYTHON = os.environ.get("CADASTRE_TORCH_PYTHON", "/usr/bin/python3")
_RERUN = "CADASTRE_SPARK_AVERAGING_TEST"
if __name__ == "__main__" and _RERUN not in os.environ:
    try:
        if subprocess.run([PYTHON, "-c", "import torch, numpy, osgeo.gdal"],
                          capture_output=True).returncode != 0:
            raise OSError
    except OSError:
        print(f"skipped: {PYTHON} has no torch or GDAL (Debian's python3-torch, python3-gdal)")
        sys.exit(77)
    os.execve(PYTHON, [PYTHON, "-B", *sys.argv], os.environ | {_RERUN: "1"})

import numpy
import torch
from osgeo import gdal

import spark_averaging_worker as worker
from spark_averaging_scene import Scene, SceneError

MODEL = {"format": "cadastre-model/1", "name": "small", "output": "scores",
         "inputs": [{"name": "fine", "shape": [1, 6, 6]}, {"name": "plain", "shape": [2, 3, 3]}],
         "layers": [{"id": "conv", "kind": "conv2d", "inputs": ["fine"], "out_channels": 2,
                     "kernel_size": 3, "bias": False},
                    {"id": "norm", "kind": "batch_norm2d", "inputs": ["conv"]},
                    {"id": "a", "kind": "flatten", "inputs": ["norm"]},
                    {"id": "b", "kind": "flatten", "inputs": ["plain"]},
                    {"id": "both", "kind": "concat", "inputs": ["a", "b"]},
                    {"id": "scores", "kind": "linear", "inputs": ["both"], "out_features": 2}]}
ROWS, COLUMNS = 6, 8


class InDirectory(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        random = numpy.random.default_rng(1)
        self.labels = random.integers(0, 3, (ROWS, COLUMNS)).astype(numpy.uint8)
        self.split = random.integers(1, 3, (ROWS, COLUMNS)).astype(numpy.uint8)
        self.fine = random.normal(5, 3, (1, 2 * ROWS, 2 * COLUMNS)).astype(numpy.float32)
        self.plain = random.normal(-2, 4, (2, ROWS, COLUMNS)).astype(numpy.float32)
        self.write("labels", self.labels[None], 1.0)
        self.write("split", self.split[None], 1.0)
        self.write("fine", self.fine, 0.5)
        self.write("plain", self.plain, 1.0)
        with open(f"{self.directory}/scene.json", "w", encoding="utf-8") as stream:
            json.dump({"format": "cadastre-scene/1", "name": "small", "labels": "labels.tif",
                       "classes": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
                       "split": {"raster": "split.tif", "train": 1, "test": 2},
                       "modalities": [{"name": name, "raster": f"{name}.tif"}
                                      for name in ("plain", "fine")]}, stream)

    def write(self, name, values, pixel, left=100.0):
        kind = gdal.GDT_Byte if values.dtype == numpy.uint8 else gdal.GDT_Float32
        raster = gdal.GetDriverByName("GTiff").Create(
            f"{self.directory}/{name}.tif", values.shape[2], values.shape[1], len(values), kind)
        raster.SetGeoTransform((left, pixel, 0, 200.0, 0, -pixel))
        for number, band in enumerate(values, 1):
            raster.GetRasterBand(number).WriteArray(band)

    def scene(self):
        return Scene(self.directory, MODEL["inputs"])


class Samples(InDirectory):
    def test_training_pixels_are_the_labelled_ones_of_the_split(self):
        expected = [(row, column, self.labels[row, column] - 1) for row in range(ROWS)
                    for column in range(COLUMNS)
                    if self.labels[row, column] and self.split[row, column] == 1]
        self.assertEqual([tuple(sample) for sample in self.scene().train], expected)

    def test_patches_are_standardised_over_training_pixels_and_mirrored_at_borders(self):
        mask = (self.labels > 0) & (self.split == 1)
        seen = self.plain[1][mask]
        band = (self.plain[1] - seen.mean()) / seen.std()
        fine, plain = self.scene().patches([(0, 2)])
        self.assertEqual((fine.shape, plain.shape), ((1, 1, 6, 6), (1, 2, 3, 3)))
        numpy.testing.assert_allclose(plain[0, 1], band[[0, 0, 1], 1:4], rtol=1e-5)
        # The mirror lies on the border line: fine rows 1 0 | 0 1 2 3, columns from 2 on.
        seen = self.fine[0][numpy.kron(mask, numpy.ones((2, 2), bool))]
        numpy.testing.assert_allclose(
            fine[0, 0], ((self.fine[0] - seen.mean()) / seen.std())[[1, 0, 0, 1, 2, 3], 2:8],
            rtol=1e-4, atol=1e-5)

    def test_what_would_have_to_be_warped_is_refused(self):
        self.write("plain", self.plain, 1.0, left=100.4)
        with self.assertRaisesRegex(SceneError, "plain.tif: expected the label raster's ground"):
            self.scene()
        self.write("plain", self.plain[:, 1:], 1.0)
        with self.assertRaisesRegex(SceneError, "plain.tif: expected a multiple of"):
            self.scene()


class Steps(InDirectory):
    def job(self, **keys):
        return {"model": MODEL, "data": self.directory, "num_partitions": 2, "seed": 1, "run": 0,
                "local_batch_size": 4, "num_steps": 6, "learning_rate": 0.1, "momentum": 0.9,
                "weight_decay": 0.0, "optimizer": "sgd", "optimizer_state": "kept"} | keys

    def replica(self, **keys):
        torch.manual_seed(1)
        return worker.Replica(self.job(**keys), 0)

    def test_weights_go_to_a_vector_and_back(self):
        own = self.replica()
        vector = worker.vector_of(own.network)
        # 9 x 2, norm 4 x 2, 2 x (32 + 18) + 2.
        self.assertEqual(len(vector), 18 + 8 + 102)
        worker.set_vector(own.network, vector + 1)
        numpy.testing.assert_array_equal(worker.vector_of(own.network), vector + 1)
        with self.assertRaises(ValueError):
            worker.set_vector(own.network, numpy.append(vector, 0))

    def test_rounds_of_a_lone_replica_are_steps_without_averaging(self):
        whole, parts = self.replica(), self.replica()
        weights = worker.vector_of(whole.network)
        expected, num_samples, _ = whole.train(self.job(), weights, 0, 4)
        self.assertEqual(num_samples, 16)
        for first in (0, 2):
            weights, _, _ = parts.train(self.job(), weights, first, 2)
        numpy.testing.assert_array_equal(weights, expected)

    def test_a_fresh_optimizer_forgets_its_momentum(self):
        found = []
        for state in ("kept", "fresh"):
            own = self.replica()
            weights = worker.vector_of(own.network)
            for first in (0, 2):
                weights, _, _ = own.train(self.job(optimizer_state=state), weights, first, 2)
            found.append(weights)
        self.assertGreater(numpy.abs(found[0] - found[1]).max(), 1e-4)

    def test_cadastres_weights_are_taken_by_layer(self):
        own = self.replica()
        weights = {f"{layer['id']}.{name}": torch.full_like(tensor, 7)
                   for layer, module in zip(own.network.layers, own.network.steps)
                   for name, tensor in module.state_dict().items()}
        torch.save(weights, f"{self.directory}/weights.pt")
        worker.load_weights(own.network, f"{self.directory}/weights.pt")
        self.assertEqual(sorted(set(worker.vector_of(own.network))), [0, 1, 7])


if __name__ == "__main__":
    unittest.main()
