#!/usr/bin/env python3
"""Training steps of cadastre and of PyTorch beside each other, on the testbed's hosts.

For every number of hosts and bandwidth: measures the model's layers and the network, plans, and
runs cadastre's single host, data-parallel, pipeline of equal parts and the planner's own plan, and
PyTorch in one process and under DistributedDataParallel over Gloo: in turn, several times over, so
that all see the same machine. Writes medians, ratios and a table. Needs root.

    sudo tests/benchmarks/cluster_benchmark.py -o cluster-benchmark
"""

import argparse
import os
import signal
import statistics
import sys

import cluster_measure
import cluster_table
from cluster_runs import Runs
from cluster_workplace import (ROOT, WEIGHT, carried_out, cluster_document, profile, say,
                               testbed_name)
from hosts import Testbed
from idle_time import Network, idle_time

STRATEGIES = {"single": "single", "data-parallel": "data-parallel", "pipeline": "pipeline",
              "planned": "auto"}
PYTORCH = {"pytorch-single": "single", "pytorch-ddp": "ddp"}


def core_share(num_hosts):
    return min(1.0, len(os.sched_getaffinity(0)) / num_hosts)


def setting(arguments, num_hosts, bandwidth, profiled, directory):
    """All runs of one number of hosts and one bandwidth."""
    profile_file, profiled_speed = profiled
    share = core_share(num_hosts)
    document = cluster_document(num_hosts, bandwidth, share)
    with Testbed.up(document, testbed_name(f"{num_hosts}"), weight=WEIGHT) as testbed:
        measured = cluster_measure.measure(testbed)
        document = testbed.cluster()
        # A core of its own is what the profile was measured on.
        relative_speed = cluster_measure.speed(testbed) / profiled_speed if share < 1 else 1.0
        for host in document["hosts"]:
            host["relative_speed"] = relative_speed
        document["network"] |= {"bandwidth_bytes_per_s": measured.bandwidth_bytes_per_s,
                                "latency_s": measured.latency_s / 2}  # a message crosses two links
        runs = Runs(arguments, testbed, document, profile_file, directory)
        plans = {name: runs.plan(strategy) for name, strategy in STRATEGIES.items()}
        times_s = {name: [] for name in [*PYTORCH, *STRATEGIES]}
        idle, loads = {}, []
        network = Network(measured.bandwidth_bytes_per_s, measured.latency_s)
        for repetition in range(arguments.repetitions):
            loads.append(os.getloadavg()[0])
            for name in times_s:
                if name in PYTORCH:
                    times_s[name].append(runs.pytorch(PYTORCH[name]))
                else:
                    step_s, timeline = runs.train(plans[name])
                    times_s[name].append(step_s)
                    idle.setdefault(name, []).append(idle_time(timeline, network).beyond_share)
                say(f"  {num_hosts} hosts, {bandwidth}, {repetition + 1} of "
                    f"{arguments.repetitions}: {name} {1e3 * times_s[name][-1]:.1f} ms")
    return {"num_hosts": num_hosts, "bandwidth": bandwidth, "cores_per_host": share,
            "measured_relative_speed": relative_speed,
            "measured_bandwidth_bytes_per_s": measured.bandwidth_bytes_per_s,
            "measured_latency_s": measured.latency_s, "load_average": loads,
            "step_s": {name: statistics.median(values) for name, values in times_s.items()},
            "all_step_s": times_s,
            "idle_beyond_share": {name: statistics.median(values) for name, values in idle.items()},
            "plans": {name: runs.describe(plan) for name, plan in plans.items()}}


def _parser():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True, help="directory for what comes out")
    parser.add_argument("--program", default=f"{ROOT}/build/release/bin/cadastre")
    parser.add_argument("--python", default="/usr/bin/python3", help="that has torch")
    parser.add_argument("--model", default=f"{ROOT}/scenarios/models/multimodal-cnn.json")
    parser.add_argument("--data", help="scene (default: one that is synthesized)")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--hosts", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--bandwidths", nargs="+", default=["100Mbps", "1Gbps"])
    parser.add_argument("--steps", type=int, default=40, help="of each run")
    parser.add_argument("--repetitions", type=int, default=5)
    return parser


def _settings(arguments, directory):
    profiled = profile(arguments, directory)
    settings = []
    for num_hosts in arguments.hosts:
        for bandwidth in arguments.bandwidths:
            settings.append(setting(arguments, num_hosts, bandwidth, profiled, directory))
            cluster_table.write(arguments, settings)
    print(cluster_table.markdown(settings), end="")


def main():
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that testbeds are removed
    if min(arguments.batch_size, arguments.repetitions) < 1 or min(arguments.hosts) < 2 \
            or arguments.steps < 4:
        say("error: expected positive numbers, 2 hosts and 4 steps at least")
        return 2
    return carried_out(arguments, lambda directory: _settings(arguments, directory))


if __name__ == "__main__":
    sys.exit(main())
