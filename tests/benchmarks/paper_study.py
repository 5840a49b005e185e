#!/usr/bin/env python3
"""The paper's architectures measured on the testbed's hosts, beside Spark's own parameter averaging.

Four hosts and a driver, each with a fifth of this machine's cores (a core at most) and a shaped
link. On the four: the model on one host, divided by branches, in a pipeline, data-parallel, with
parameters averaged over Spark's all-reduce, and as the planner has it, by `cadastre run`. On all
five: a standalone Spark cluster, the master and the driver on the fifth, on which
spark_averaging.py trains the same model from the same weights on the same samples. For each, by
host: bytes at the network interfaces and processor seconds, counted by the kernel; and time of a
step, accuracy and kappa. Writes measured.json and .md. Needs root; without PySpark or Java there is
no Spark side, and it says so.

    sudo CADASTRE_SPARK_PYTHON=venv/bin/python tests/benchmarks/paper_study.py -o paper-study
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
sys.path.insert(0, os.path.join(ROOT, "tests/testbed"))
sys.path.insert(0, os.path.join(ROOT, "tests/spark"))

import hosts  # noqa: E402
import paper_study_table  # noqa: E402
import spark_cluster  # noqa: E402
from cluster_runs import Failed, run_program  # noqa: E402
from errors import InputError, TestbedError  # noqa: E402
from paper_study_counters import Counters  # noqa: E402
from paper_study_runs import AVERAGING, DRIVER, StudyRuns  # noqa: E402

ARCHITECTURES = ["single", "branch", "pipeline", "data-parallel", AVERAGING, "auto"]
_NUM_WORKERS = 4
_MEMORY = "4GiB"


def say(text):
    print(text, file=sys.stderr, flush=True)


def cluster_document(bandwidth, core_share, with_driver):
    names = [*([DRIVER] if with_driver else []),
             *(f"node{number}" for number in range(1, _NUM_WORKERS + 1))]
    return {"format": "cadastre-cluster/1", "name": f"{_NUM_WORKERS} hosts at {bandwidth}",
            "hosts": [{"name": name, "relative_speed": core_share, "memory_bytes": _MEMORY}
                      for name in names],
            "network": {"bandwidth_bytes_per_s": bandwidth, "latency_s": "25us"}}


def cadastre(arguments, *words):
    run_program([subprocess.Popen([arguments.program, *map(str, words)],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)],
                f"cadastre {words[0]}")


def prepare(arguments, directory):
    """(profile, initial weights): the weights that cadastre begins with, after a step that changes
    next to nothing."""
    if not arguments.data:
        say("synthesizing a scene")
        arguments.data = f"{directory}/scene"
        cadastre(arguments, "synthesize", "--quiet", "-o", arguments.data)
    arguments.data = os.path.abspath(arguments.data)
    profile, one = arguments.profile or f"{directory}/profile.json", f"{directory}/one.json"
    if not arguments.profile:
        say("profiling the model")
        cadastre(arguments, "profile", arguments.model, "--data", arguments.data, "--quiet", "-o",
                 profile)
    document = cluster_document("1Gbps", 1.0, with_driver=False)
    document["hosts"] = document["hosts"][:1]
    with open(one, "w", encoding="utf-8") as stream:
        json.dump(document, stream)
    plan = f"{directory}/plan-one.json"
    cadastre(arguments, "plan", "--quiet", "--profile", profile, "--cluster", one, "--batch-size",
             "16", "--strategy", "single", "-o", plan)
    cadastre(arguments, "run", "--quiet", "--plan", plan, "--data", arguments.data, "--local",
             "--max-steps", "1", "--learning-rate", "1e-12", "--test-samples", "1", "-o",
             f"{directory}/initial")
    return profile, f"{directory}/initial/weights.pt"


def measure(arguments, bandwidth, prepared, directory, entries, done):
    """Adds the entries of one bandwidth; `done` is called after each."""
    profile, weights = prepared
    share = min(1.0, len(os.sched_getaffinity(0)) / (_NUM_WORKERS + 1))
    with hosts.Testbed.up(cluster_document(bandwidth, share, with_driver=True),
                          f"study-{os.getpid()}", weight=arguments.weight) as testbed, \
            Counters(testbed) as counted:
        document = testbed.cluster()
        document["hosts"] = [host for host in document["hosts"] if host["name"] != DRIVER]
        runs = StudyRuns(arguments, testbed, counted, document, profile, directory,
                         bandwidth, {host: share for host in testbed.hosts})

        def add(*found):
            entries.extend(found)
            for entry in found:
                say(f"  {bandwidth}, batch {entry['batch_size']}, "
                    f"{paper_study_table.name_of(entry)}: {1e3 * entry['step_s']:.0f} ms a step")
            done()

        for batch_size in arguments.batch_sizes:
            for architecture in arguments.architectures:
                for period in arguments.periods if architecture == AVERAGING else [0]:
                    add(runs.cadastre(architecture, batch_size, period))
        if not arguments.without_spark:
            add(*runs.spark(weights))


def write(arguments, entries):
    """measured.json and measured.md, beside and then renamed."""
    document = {"model": os.path.basename(arguments.model), "num_steps": arguments.steps,
                "learning_rate": arguments.learning_rate, "num_hosts": _NUM_WORKERS,
                "num_cores": len(os.sched_getaffinity(0)), "entries": entries}
    for name, text in (("measured.json", json.dumps(document, indent=1) + "\n"),
                       ("measured.md", paper_study_table.markdown(entries))):
        file = os.path.join(arguments.output, name)
        with open(f"{file}.part", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(f"{file}.part", file)


def _parser():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True, help="directory for what comes out")
    parser.add_argument("--program", default=f"{ROOT}/build/release/bin/cadastre")
    parser.add_argument("--model", default=f"{ROOT}/scenarios/models/multimodal-cnn.json")
    parser.add_argument("--profile", help="of the model (default: one that is measured)")
    parser.add_argument("--data", help="scene (default: one that is synthesized)")
    parser.add_argument("--bandwidths", nargs="+", default=["100Mbps", "1Gbps"])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--periods", type=int, nargs="+", default=[1, 10])
    parser.add_argument("--architectures", nargs="*", choices=ARCHITECTURES, metavar="NAME",
                        default=ARCHITECTURES, help=", ".join(ARCHITECTURES))
    parser.add_argument("--steps", type=int, default=40, help="of each run")
    parser.add_argument("--learning-rate", type=float, default=0.05)
    parser.add_argument("--test-samples", type=int, default=1000)
    parser.add_argument("--inference-pixels", type=int, default=4096)
    parser.add_argument("--aggregate", choices=["plain", "tree"], default="plain")
    parser.add_argument("--without-spark", action="store_true")
    parser.add_argument("--weight", type=int, default=10000,
                        help="of the hosts before whatever else this machine does, 100 is equal")
    return parser


def main():
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that testbeds are removed
    periods = arguments.periods
    if min([*arguments.batch_sizes, *periods, arguments.inference_pixels]) < 1 \
            or arguments.steps < max(4, 2 * max(periods)) \
            or any(arguments.steps % period for period in periods):
        say("error: expected positive numbers, four steps at least, and two whole rounds of every "
            "averaging period")
        return 2
    if reason := hosts.reason_not_to_run():
        say(f"error: {reason}")
        return 2
    if not arguments.without_spark and (reason := spark_cluster.reason_not_to_run()):
        say(f"note: no Spark side: {reason}")
        arguments.without_spark = True
    entries = []
    try:
        os.makedirs(arguments.output, exist_ok=True)
        arguments.program = os.path.abspath(arguments.program)
        arguments.model = os.path.abspath(arguments.model)
        with tempfile.TemporaryDirectory(prefix="cadastre-study-") as directory:
            prepared = prepare(arguments, directory)
            for bandwidth in arguments.bandwidths:
                measure(arguments, bandwidth, prepared, directory, entries,
                        lambda: write(arguments, entries))
    except OSError as error:
        say(f"error: {error.filename}: {error.strerror}")
        return 2
    except (InputError, TestbedError, Failed) as error:
        say(f"error: {error}")
        return 2 if isinstance(error, InputError) else 1
    print(paper_study_table.markdown(entries), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
