"""What the benchmarks of clusters do alike: hosts made here, the model profiled on them, errors."""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
sys.path.insert(0, os.path.join(ROOT, "executor/testbed"))

import cluster_measure  # noqa: E402
from cluster_runs import Failed, run_program  # noqa: E402
from errors import InputError, TestbedError  # noqa: E402
from hosts import Testbed, reason_not_to_run  # noqa: E402

WEIGHT = 10000  # before whatever else this machine does
_MEMORY = "4GiB"


def say(text):
    print(text, file=sys.stderr, flush=True)


def cluster_document(num_hosts, bandwidth, core_share):
    """Equal hosts on one switch: a share of a core is a core of that speed."""
    return {"format": "cadastre-cluster/1", "name": f"{num_hosts} hosts at {bandwidth}",
            "hosts": [{"name": f"node{number}", "relative_speed": core_share,
                       "memory_bytes": _MEMORY} for number in range(1, num_hosts + 1)],
            "network": {"bandwidth_bytes_per_s": bandwidth, "latency_s": 0}}


def testbed_name(what):
    return f"bench-{os.getpid()}-{what}"


def profile(arguments, directory):
    """(file of the model's profile on a host, that host's speed), measured while as many hosts as
    there are cores do: what they take from each other (memory bandwidth, frequency) they will take
    in the runs, too."""
    say("profiling the model")
    num_hosts = max(1, min(max(arguments.hosts), len(os.sched_getaffinity(0))))
    with Testbed.up(cluster_document(num_hosts, "1Gbps", 1.0), testbed_name("profile"),
                    weight=WEIGHT) as testbed:
        run_program([testbed.start(host, [
            arguments.program, "profile", arguments.model, "--data", arguments.data, "--quiet",
            "-o", f"{directory}/profile-{host}.json"], stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True) for host in testbed.hosts], "cadastre profile")
        return f"{directory}/profile-node1.json", cluster_measure.speed(testbed)


def carried_out(arguments, work):
    """The exit status of `work(directory)`, in a temporary directory and with a scene at
    `arguments.data`: 2 where the input is wrong or no hosts can be made here, 1 where a run
    fails."""
    if reason := reason_not_to_run():
        say(f"error: {reason}")
        return 2
    try:
        os.makedirs(arguments.output, exist_ok=True)
        arguments.program = os.path.abspath(arguments.program)
        arguments.model = os.path.abspath(arguments.model)
        with tempfile.TemporaryDirectory(prefix="cadastre-benchmark-") as directory:
            if not arguments.data:
                arguments.data = f"{directory}/scene"
                say("synthesizing a scene")
                run_program([subprocess.Popen(
                    [arguments.program, "synthesize", "--quiet", "-o", arguments.data],
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)],
                    "cadastre synthesize")
            arguments.data = os.path.abspath(arguments.data)
            work(directory)
    except OSError as error:
        say(f"error: {error.filename}: {error.strerror}")
        return 2
    except (InputError, TestbedError, Failed) as error:
        say(f"error: {error}")
        return 2 if isinstance(error, InputError) else 1
    return 0
