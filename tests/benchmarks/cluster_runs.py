"""One training run on a testbed's hosts, of cadastre or of PyTorch, started rank by rank."""

import json
import os
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
_PORT = 29500
_MOST_S = 600  # for a run


class Failed(Exception):
    """A program of a run failed; says which and what it said."""


def run_program(processes, what):
    """Waits for processes that belong together; their standard outputs, where they are pipes.

    Raises Failed, having ended the others, when one of them fails or all take too long.
    """
    end = time.monotonic() + _MOST_S
    try:
        waiting = list(processes)
        while waiting:
            for process in waiting:
                status = process.poll()
                if status is not None:
                    waiting.remove(process)
                    if status != 0:
                        said = process.stderr.read().strip() if process.stderr else ""
                        raise Failed(f"{what}: exit status {status}: {said or 'no message'}")
                    break
            else:
                if time.monotonic() > end:
                    raise Failed(f"{what}: not done within {_MOST_S} s")
                time.sleep(0.02)
        return [process.stdout.read() if process.stdout else "" for process in processes]
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream:
                    stream.close()


def ranks_of(plan):
    """The hosts in the order of their ranks: that in which the stages name them."""
    hosts = []
    for stage in plan["stages"]:
        for replica in stage["replicas"]:
            if replica["host"] not in hosts:
                hosts.append(replica["host"])
    return hosts


def _read(file):
    with open(file, encoding="utf-8") as stream:
        return json.load(stream)


def start_ranks(testbed, hosts, command):
    """The ranks' processes, one a host, told their places as torchrun does."""
    master = testbed.host(hosts[0]).address
    return [testbed.start(
        host, command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"RANK": str(rank), "WORLD_SIZE": str(len(hosts)),
                          "MASTER_ADDR": master, "MASTER_PORT": str(_PORT),
                          "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1",
                          "GLOO_SOCKET_IFNAME": "eth0", "OMP_NUM_THREADS": "1",
                          "OPENBLAS_NUM_THREADS": "1"})
        for rank, host in enumerate(hosts)]


class Runs:
    def __init__(self, arguments, testbed, document, profile, directory):
        self._arguments = arguments
        self._testbed = testbed
        self._profile = profile
        self._directory = directory
        self._cluster = f"{directory}/cluster.json"
        with open(self._cluster, "w", encoding="utf-8") as stream:
            json.dump(document, stream)

    def plan(self, strategy, *words):
        """The file of the plan by that strategy; `words` are further options of `cadastre plan`."""
        file = f"{self._directory}/plan-{strategy}.json"
        run_program([subprocess.Popen(
            [self._arguments.program, "plan", "--quiet", "--profile", self._profile, "--cluster",
             self._cluster, "--batch-size", str(self._arguments.batch_size), "--strategy",
             strategy, *words, "-o", file], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)],
            f"cadastre plan --strategy {strategy}")
        return file

    def describe(self, plan_file):
        """What a table says of a plan."""
        plan = _read(plan_file)
        return {"schedule": plan["schedule"], "micro_batches": plan["micro_batches"],
                "num_stages": len(plan["stages"]), "num_hosts": len(ranks_of(plan)),
                "most_replicas": max(len(stage["replicas"]) for stage in plan["stages"]),
                "predicted_step_s": plan["predicted"]["step_s"]}

    def train(self, plan_file):
        """(median step in seconds, measured timeline) of a run of `cadastre run`."""
        output = f"{self._directory}/run"
        shutil.rmtree(output, ignore_errors=True)
        hosts = ranks_of(_read(plan_file))
        command = [self._arguments.program, "run", "--quiet", "--plan", plan_file, "--data",
                   self._arguments.data, "--epochs", "1000", "--max-steps",
                   self._arguments.steps, "--test-samples", "1", "-o", output]
        run_program(start_ranks(self._testbed, hosts, command),
                    f"cadastre run of {os.path.basename(plan_file)}")
        return (_read(f"{output}/run.json")["measured"]["step_s"],
                _read(f"{output}/timeline.json"))

    def pytorch(self, mode):
        """The median step in seconds of ddp.py."""
        hosts = self._testbed.hosts if mode == "ddp" else self._testbed.hosts[:1]
        warm_up = max(1, self._arguments.steps // 8)
        command = [self._arguments.python, f"{HERE}/ddp.py", self._arguments.model, "--mode", mode,
                   "--batch-size", self._arguments.batch_size, "--warm-up", warm_up, "--steps",
                   self._arguments.steps - warm_up]
        printed = run_program(start_ranks(self._testbed, hosts, command), f"ddp.py --mode {mode}")
        return json.loads(printed[0])["median_step_s"]
