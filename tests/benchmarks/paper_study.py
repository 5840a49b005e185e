#!/usr/bin/env python3
"""The paper's architectures measured on the testbed's hosts, beside Spark's own parameter averaging.

Four hosts and a driver, each with a fifth of this machine's cores (a core at most) and a shaped
link. On the four: the network of scenarios/studies/paper.json on one host, divided by branches, by
branches with the fusion apart, in a pipeline, hybrid, data-parallel, with parameters averaged over
Spark's all-reduce, and as the planner has it, trained by `cadastre run --hosts` and classifying by
`cadastre predict --hosts`. On all five: a standalone Spark cluster, the master and the driver on
the fifth, on which spark_averaging.py trains the same network from the same weights on the same
samples, by the same optimizer. At the last bandwidth also with other batches, averaging periods,
widths and points of fusion, one at a time.

For each, by host: bytes at the network interfaces and processor seconds, counted by the kernel; and
time of a step and an epoch, accuracy, kappa, time to classify. Writes measured.md and measured.json
(cadastre-measured), which goes beside a simulated study:

    sudo CADASTRE_SPARK_PYTHON=venv/bin/python tests/benchmarks/paper_study.py -o paper-study
    cadastre study scenarios/studies/paper.json --measured paper-study/measured.json -o paper

Needs root; without PySpark or Java there is no Spark side, and it says so.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
sys.path.insert(0, os.path.join(ROOT, "executor/testbed"))
sys.path.insert(0, os.path.join(ROOT, "tests/spark"))

import hosts  # noqa: E402
import paper_study_table  # noqa: E402
import spark_cluster  # noqa: E402
from cluster_runs import Failed, run_program  # noqa: E402
from errors import InputError, TestbedError  # noqa: E402
from paper_study_counters import Counters  # noqa: E402
from paper_study_runs import (AVERAGING, DRIVER, StudyRuns, read_json,  # noqa: E402
                              write_json)

ARCHITECTURES = ["single", "branch", "fusion-apart", "pipeline", "hybrid", "data-parallel",
                 AVERAGING, "auto"]
# What parameters of the family are in the study's variations, in words.
NETWORKS = {"half the width": {"width": 16, "fused_width": 32},
            "twice the width": {"width": 64, "fused_width": 128},
            "early fusion": {"fusion": "early"}, "late fusion": {"fusion": "late"}}
_VARIED = ["branch", "data-parallel", AVERAGING]
_WITHOUT_BRANCHES = "early fusion"
_STUDY = os.path.join(ROOT, "scenarios/studies/paper.json")
_DEVICE = os.path.join(ROOT, "scenarios/devices/server-core.json")
_NUM_WORKERS = 4
_MEMORY = "4GiB"
_SCENE_SIDE_M = 128
_COUNTING_BATCH = 8


_START_S = time.monotonic()


def say(text):
    print(f"{time.monotonic() - _START_S:4.0f} s  {text}", file=sys.stderr, flush=True)


def error(text):
    print(f"error: {text}", file=sys.stderr, flush=True)


def cluster_document(bandwidth, core_share, with_driver):
    names = [*([DRIVER] if with_driver else []),
             *(f"node{number}" for number in range(1, _NUM_WORKERS + 1))]
    return {"format": "cadastre-cluster/1", "name": f"{_NUM_WORKERS} hosts at {bandwidth}",
            "hosts": [{"name": name, "relative_speed": core_share, "memory_bytes": _MEMORY}
                      for name in names],
            "network": {"bandwidth_bytes_per_s": bandwidth, "latency_s": "25us"}}


def cadastre(arguments, *words):
    return run_program([subprocess.Popen([arguments.program, *map(str, words)],
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                         text=True)], f"cadastre {words[0]}")[0]


def network_document(changes=None):
    """The study's network, with parameters of its family changed."""
    model = read_json(_STUDY)["base"]["model"]
    return model | {"family": model["family"] | (changes or {})}


def classified_scene(arguments, directory):
    """A scene of a corner of the scene that is trained on, of --inference-side pixels a side; the
    whole scene where it has no label raster of its own grid."""
    file = os.path.join(arguments.data, "scene.json")
    scene = read_json(file)
    if not isinstance(scene.get("labels"), str) or "grid" in scene:
        return arguments.data
    info = json.loads(subprocess.run(
        ["gdalinfo", "-json", os.path.join(arguments.data, scene["labels"])], capture_output=True,
        text=True, check=True).stdout)
    left, width, _, top, _, height = info["geoTransform"]
    side = arguments.inference_side
    corner = f"{directory}/corner"
    os.makedirs(corner, exist_ok=True)
    write_json(f"{corner}/scene.json", {
        "format": scene["format"], "name": "corner", "classes": scene["classes"],
        "modalities": [modality | {"raster": os.path.join(arguments.data, modality["raster"])}
                       for modality in scene["modalities"]],
        "grid": {"resolution": [width, -height], "crs": info["coordinateSystem"]["wkt"],
                 "extent": [left, top + side * height, left + side * width, top]}})
    return corner


class Prepared:
    """What is made once: the profile of the study's network, its expanded document, the weights
    that cadastre begins with (after an epoch that changes next to nothing), and the corner."""

    def __init__(self, arguments, directory):
        self._arguments = arguments
        self._directory = directory
        if not arguments.data:
            say("synthesizing a scene")
            arguments.data = f"{directory}/scene"
            cadastre(arguments, "synthesize", "--size-m", _SCENE_SIDE_M, "--quiet", "-o",
                     arguments.data)
        arguments.data = os.path.abspath(arguments.data)
        self.classified = classified_scene(arguments, directory)
        network = f"{directory}/network.json"
        write_json(network, network_document())
        self.profile = arguments.profile or f"{directory}/profile.json"
        if not arguments.profile:
            say("profiling the network")
            self._measure_profile(network)
        self.model = f"{directory}/model.json"  # with its layers
        write_json(self.model, read_json(self.profile)["model"])
        self.weights = self._initial_weights()

    def _measure_profile(self, network):
        """On a host that goes before the machine's other work, as the runs do: else costs are
        those of a busy machine, and plans those of another one."""
        document = cluster_document("1Gbps", 1.0, with_driver=False)
        document["hosts"] = document["hosts"][:1]
        with hosts.Testbed.up(document, f"study-{os.getpid()}",
                              weight=self._arguments.weight) as testbed:
            run_program([testbed.start("node1", [
                self._arguments.program, "profile", network, "--data", self._arguments.data,
                "--quiet", "-o", self.profile], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True)], "cadastre profile")

    def _initial_weights(self):
        directory, arguments = self._directory, self._arguments
        one, plan, run = (f"{directory}/{name}" for name in ("one.json", "plan-one.json", "initial"))
        document = cluster_document("1Gbps", 1.0, with_driver=False)
        document["hosts"] = document["hosts"][:1]
        write_json(one, document)
        cadastre(arguments, "plan", "--quiet", "--profile", self.profile, "--cluster", one,
                 "--batch-size", _COUNTING_BATCH, "--strategy", "single", "--optimizer", "sgd", "--no-average",
                 "-o", plan)
        cadastre(arguments, "run", "--quiet", "--plan", plan, "--data", arguments.data, "--local",
                 "--epochs", "1", "--learning-rate", "1e-12", "--test-samples", "1", "-o", run)
        # But for those that fill no batch.
        arguments.num_training_samples = _COUNTING_BATCH * len(read_json(f"{run}/run.json")["steps"])
        return f"{run}/weights.pt"

    def profile_of(self, words):
        """Of one of NETWORKS, its costs estimated: only how its parts balance depends on them."""
        name = words.replace(" ", "-")
        network, file = f"{self._directory}/{name}.json", f"{self._directory}/profile-{name}.json"
        if not os.path.exists(file):
            write_json(network, network_document(NETWORKS[words]))
            cadastre(self._arguments, "import", "model", network, "--device", _DEVICE, "-o", file)
        return file


def _rate(bandwidth):
    """"1Gbps" as people say it."""
    return bandwidth.replace("Gbps", " Gbit/s").replace("Mbps", " Mbit/s")


def measure(arguments, bandwidth, prepared, directory, found, done):
    """Adds the rows of one bandwidth to `found`; `done` is called after each."""
    share = min(1.0, len(os.sched_getaffinity(0)) / (_NUM_WORKERS + 1))
    with hosts.Testbed.up(cluster_document(bandwidth, share, with_driver=True),
                          f"study-{os.getpid()}", weight=arguments.weight) as testbed, \
            Counters(testbed) as counted:
        document = testbed.cluster()
        document["hosts"] = [host for host in document["hosts"] if host["name"] != DRIVER]
        machines = f"{_NUM_WORKERS} hosts of {share:g} cores at {_rate(bandwidth)}"
        runs = StudyRuns(arguments, testbed, counted, document, directory,
                         {host: share for host in testbed.hosts}, machines)

        def add(*more):
            for row in more:
                found.append(row)
                what = ", ".join(row.get(key, "") for key in ("network", "setting", "strategy")
                                 if row.get(key))
                say(f"  {bandwidth}, {what}: " + (row["error"] if "error" in row else
                                                  f"{1e3 * row['step_s']:.0f} ms a step"))
            done()

        batch_size, period = arguments.batch_size, arguments.period
        for architecture in arguments.architectures:
            add(runs.cadastre(prepared.profile, architecture, batch_size, period, arguments.steps,
                              {}, prepared.classified))
        settings = [(batch_size, period, {})]
        if bandwidth == arguments.bandwidths[-1] and not arguments.without_variations:
            for size in arguments.other_batch_sizes:
                words = {"setting": f"batch {size}"}
                settings.append((size, period, words))
                for architecture in _VARIED:
                    add(runs.cadastre(prepared.profile, architecture, size, period,
                                      arguments.varied_steps, words))
            for other in arguments.other_periods:
                words = {"setting": f"averages every {other} steps" if other > 1 else
                                    "averages every step"}
                settings.append((batch_size, other, words))
                add(runs.cadastre(prepared.profile, AVERAGING, batch_size, other,
                                  max(arguments.varied_steps, 2 * other), words))
            for words in NETWORKS:
                for architecture in _VARIED + ["pipeline"] * (words == _WITHOUT_BRANCHES):
                    add(runs.cadastre(prepared.profile_of(words), architecture, batch_size, period,
                                      arguments.varied_steps, {"network": words}))
        if not arguments.without_spark:
            say("starting Spark")
            add(*runs.spark(prepared.model, prepared.weights, settings))


def write(arguments, found):
    """measured.json and measured.md, beside and then renamed."""
    document = {"format": "cadastre-measured/1", "measured": found}
    for name, text in (("measured.json", json.dumps(document, indent=1) + "\n"),
                       ("measured.md", paper_study_table.markdown(found))):
        file = os.path.join(arguments.output, name)
        with open(f"{file}.part", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(f"{file}.part", file)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True, help="directory for what comes out")
    parser.add_argument("--program", default=f"{ROOT}/build/release/bin/cadastre")
    parser.add_argument("--profile", help="of the study's network (default: one that is measured)")
    parser.add_argument("--data", help="scene with the study's modalities (default: one that is "
                                       "synthesized)")
    parser.add_argument("--bandwidths", nargs="+", default=["100Mbps", "1Gbps"])
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--period", type=int, default=10, help="steps between two averagings")
    parser.add_argument("--other-batch-sizes", type=int, nargs="*", default=[256])
    parser.add_argument("--other-periods", type=int, nargs="*", default=[1, 20])
    parser.add_argument("--architectures", nargs="*", choices=ARCHITECTURES, metavar="NAME",
                        default=ARCHITECTURES, help=", ".join(ARCHITECTURES))
    parser.add_argument("--steps", type=int, default=40, help="of each run, and of all of Spark's")
    parser.add_argument("--varied-steps", type=int, default=20,
                        help="of cadastre's runs with other batches, periods and networks")
    parser.add_argument("--learning-rate", type=float, default=0.05)
    parser.add_argument("--test-samples", type=int, default=1000)
    parser.add_argument("--inference-side", type=int, default=48,
                        help="pixels a side of the part of the scene that is classified")
    parser.add_argument("--aggregate", choices=["plain", "tree"], default="plain")
    parser.add_argument("--without-spark", action="store_true")
    parser.add_argument("--without-variations", action="store_true")
    parser.add_argument("--weight", type=int, default=10000,
                        help="of the hosts before whatever else this machine does, 100 is equal")
    return parser


def main():
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that testbeds are removed
    periods = [arguments.period, *arguments.other_periods]
    if min([arguments.batch_size, *arguments.other_batch_sizes, *periods,
            arguments.inference_side, arguments.varied_steps]) < 1 \
            or arguments.steps < max(4, 2 * max(periods)) \
            or any(arguments.steps % period for period in periods):
        error("expected positive numbers, four steps at least, and two whole rounds of every "
            "averaging period")
        return 2
    if reason := hosts.reason_not_to_run():
        error(reason)
        return 2
    if not arguments.without_spark and (reason := spark_cluster.reason_not_to_run()):
        say(f"note: no Spark side: {reason}")
        arguments.without_spark = True
    found = []
    try:
        os.makedirs(arguments.output, exist_ok=True)
        arguments.program = os.path.abspath(arguments.program)
        with tempfile.TemporaryDirectory(prefix="cadastre-study-") as directory:
            prepared = Prepared(arguments, directory)
            for bandwidth in arguments.bandwidths:
                measure(arguments, bandwidth, prepared, directory, found,
                        lambda: write(arguments, found))
    except OSError as failure:
        error(f"{failure.filename}: {failure.strerror}")
        return 2
    except (InputError, TestbedError, Failed) as failure:
        error(failure)
        return 2 if isinstance(failure, InputError) else 1
    print(paper_study_table.markdown(found), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
