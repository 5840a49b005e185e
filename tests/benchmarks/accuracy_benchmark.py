#!/usr/bin/env python3
"""Accuracy on real scenes: each modality alone and all fused, on the given split, over several seeds.

For every scene that is there, by the verbs that a user types and with their defaults alone: makes the
model, plans it for one host, trains, and reads the accuracy on the test pixels from run.json. Writes a
row per scene and input (mean and standard deviation over the seeds), beside the classical baselines
that scenes come with. What was done is kept in the output directory and not done again.

    tests/benchmarks/accuracy_benchmark.py --data DIR -o accuracy
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))


class Failed(Exception):
    pass


class Case:
    """A scene of the benchmark: its document, its rasters, and what the best classical classifier
    reached on all modalities together (overall accuracy, percent)."""

    def __init__(self, name, scene, rasters, baseline, swapped=False):
        self.name, self.scene, self.rasters = name, scene, rasters
        self.baseline, self.swapped = baseline, swapped


CASES = [
    Case("houston", "houston2013-roi", "houston2013_roi", "86.1 (random forest)"),
    Case("houston, halves swapped", "houston2013-roi", "houston2013_roi", "80.1 (SVM)", swapped=True),
    Case("trento", "trento-lidar", "trento_lidar", "84.6 (random forest)"),
    Case("spain flood", "sen1floods11-spain", "sen1floods11_spain", "94.0 (random forest)"),
    Case("zion", "zion-landsat-dem", "zion_landsat_dem", "79.8 (random forest)"),
]


def say(text):
    print(text, file=sys.stderr, flush=True)


def scene_document(case, directory):
    """The case's scene document in `directory`, with training and test halves swapped if it says so."""
    with open(f"{ROOT}/scenarios/scenes/{case.scene}.json", encoding="utf-8") as file:
        scene = json.load(file)
    if case.swapped:
        split = scene["split"]
        split["train"], split["test"] = split.get("test", 2), split.get("train", 1)
    path = f"{directory}/scene.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(scene, file, indent=1)
    return path, [modality["name"] for modality in scene["modalities"]]


def one_host(directory):
    path = f"{directory}/cluster.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"format": "cadastre-cluster/1", "name": "one host",
                   "hosts": [{"name": "here", "cores": 1, "memory_bytes": "16GiB"}],
                   "network": {"bandwidth_bytes_per_s": "1Gbps", "latency_s": 1e-4}}, file)
    return path


class Benchmark:
    def __init__(self, arguments):
        self.arguments = arguments

    def cadastre(self, *words):
        done = subprocess.run([self.arguments.program, *words, "--quiet"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise Failed(f"cadastre {words[0]}: {done.stderr.strip()}")

    def train(self, case, inputs, seed, directory):
        """run.json of a training on `inputs` (modalities; all where empty)."""
        name = "+".join(inputs) if inputs else "fused"
        place = f"{directory}/{name}"
        os.makedirs(place, exist_ok=True)
        record = f"{place}/seed-{seed}/run.json"
        if not os.path.exists(record):
            scene, _ = scene_document(case, directory)
            rasters = ["--rasters", f"{self.arguments.data}/{case.rasters}"]
            model, profile, plan = (f"{place}/{what}.json" for what in ("model", "profile", "plan"))
            only = [word for modality in inputs for word in ("--only", modality)]
            began = time.monotonic()
            self.cadastre("model", "--data", scene, *rasters, *only, *self.arguments.model_options,
                          "-o", model)
            self.cadastre("import", "model", model, "--device",
                          f"{ROOT}/scenarios/devices/server-core.json", "-o", profile)
            self.cadastre("plan", "--profile", profile, "--cluster", one_host(place), "--strategy",
                          "single", "--batch-size", "64", "-o", plan)
            self.cadastre("run", "--plan", plan, "--data", scene, *rasters, "--local", "--seed",
                          str(seed), "--test-samples", str(self.arguments.test_samples),
                          *self.arguments.run_options, "-o", f"{place}/seed-{seed}")
            say(f"  {case.name}, {name}, seed {seed}: {time.monotonic() - began:.0f} s")
        with open(record, encoding="utf-8") as file:
            return json.load(file)

    def row(self, case, inputs):
        directory = f"{self.arguments.output}/{case.name.replace(', ', '-').replace(' ', '-')}"
        os.makedirs(directory, exist_ok=True)
        metrics = [self.train(case, inputs, seed, directory)["metrics"]
                   for seed in range(1, self.arguments.seeds + 1)]
        figures = {"scene": case.name, "input": "+".join(inputs) if inputs else "fused",
                   "seeds": len(metrics), "baseline": case.baseline}
        for key in ("overall_accuracy", "kappa", "average_accuracy"):
            values = [found[key] for found in metrics]
            figures[key] = {"mean": statistics.mean(values),
                            "stddev": statistics.stdev(values) if len(values) > 1 else 0.0}
        return figures


def markdown(rows):
    text = ("| scene | input | overall accuracy % | kappa | mean recall % | best classical, fused % |\n"
            "|---|---|---|---|---|---|\n")
    for row in rows:
        overall, kappa, recall = (row[key] for key in
                                  ("overall_accuracy", "kappa", "average_accuracy"))
        text += (f"| {row['scene']} | {row['input']} | {100 * overall['mean']:.1f} ± "
                 f"{100 * overall['stddev']:.1f} | {kappa['mean']:.3f} ± {kappa['stddev']:.3f} | "
                 f"{100 * recall['mean']:.1f} ± {100 * recall['stddev']:.1f} | "
                 f"{row['baseline'] if row['input'] == 'fused' else ''} |\n")
    return text


def parser():
    made = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", required=True, help="directory that holds the scenes' folders")
    made.add_argument("-o", "--output", required=True)
    made.add_argument("--program", default=f"{ROOT}/build/release/bin/cadastre")
    made.add_argument("--seeds", type=int, default=5)
    made.add_argument("--scenes", nargs="+", choices=[case.name for case in CASES],
                      default=[case.name for case in CASES])
    made.add_argument("--fused-only", action="store_true")
    made.add_argument("--test-samples", type=int, default=40000, help="an even choice of so many")
    made.add_argument("--model-options", nargs="+", default=[], metavar="WORD",
                      help="for `cadastre model` (after all others, as KEY=VALUE of --set …)")
    made.add_argument("--run-options", nargs="+", default=[], metavar="WORD")
    return made


def main():
    arguments = parser().parse_args()
    arguments.data = os.path.abspath(arguments.data)
    arguments.output = os.path.abspath(arguments.output)
    benchmark = Benchmark(arguments)
    rows = []
    try:
        for case in CASES:
            if case.name not in arguments.scenes:
                continue
            if not os.path.isdir(f"{arguments.data}/{case.rasters}"):
                say(f"{case.name}: skipped, there is no {arguments.data}/{case.rasters}")
                continue
            with open(f"{ROOT}/scenarios/scenes/{case.scene}.json", encoding="utf-8") as file:
                modalities = [modality["name"] for modality in json.load(file)["modalities"]]
            singles = [] if arguments.fused_only else [[modality] for modality in modalities]
            for inputs in [[], *singles]:
                rows.append(benchmark.row(case, inputs))
                with open(f"{arguments.output}/accuracy.json", "w", encoding="utf-8") as file:
                    json.dump(rows, file, indent=1)
                say(markdown(rows[-1:]).splitlines()[-1])
    except Failed as error:
        say(f"error: {error}")
        return 1
    print(markdown(rows), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
