"""What these tests share: a small scene and plans for it, runs of the program, what they must leave.

The directory of the programs is in the environment, as CADASTRE_BINARIES.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(_ROOT, "executor", "testbed"))

PROGRAM = os.path.join(os.path.abspath(os.environ["CADASTRE_BINARIES"]), "cadastre")
_LAUNCHERS_VARIABLES = re.compile(r"(RANK|WORLD_SIZE|LOCAL_RANK|MASTER_\w+|TORCHELASTIC_\w+|OMPI_\w+|"
                                  r"PMIX_\w+|SLURM_\w+|CADASTRE_(?!BINARIES)\w+)$")
NUM_STEPS = 3


def environment(**variables):
    """This process's, without what a launcher may have told it, and with `variables`."""
    inherited = {name: value for name, value in os.environ.items()
                 if not _LAUNCHERS_VARIABLES.match(name)}
    # Otherwise torchrun says in a banner that it sets this.
    return inherited | {"OMP_NUM_THREADS": "1"} | {n: str(v) for n, v in variables.items()}


def free_port():
    with socket.socket() as probe:
        probe.bind(("", 0))
        return probe.getsockname()[1]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


class Finished:
    """How a process ended; killed when it has not within `within_s`."""

    def __init__(self, process, within_s=180):
        self.hung = False
        try:
            self.out, self.err = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            self.hung = True
            process.kill()
            self.out, self.err = process.communicate()
        self.status = process.returncode

    @property
    def errors(self):
        return [line for line in self.err.splitlines() if line.startswith("error: ")]

    def __repr__(self):
        hung = "hung, " if self.hung else ""
        return f"{hung}status {self.status}\n{self.out}{self.err}"


def start(command, **options):
    options.setdefault("env", environment())
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            **options)


def finish(command, within_s=180, **options):
    return Finished(start(command, **options), within_s)


class World:
    """A directory with a scene, `plan()`s for hosts node1, node2, …, and the runs' outputs."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="cadastre-launchers-")
        self.scene = self.path("scene")
        self._plans = {}
        self._weights = {}
        self._num_runs = 0
        scenarios = os.path.join(_ROOT, "scenarios")
        try:
            self._make("synthesize", "--size-m", 128, "-o", self.scene)
            self._make("import", "model", f"{scenarios}/models/multimodal-cnn.json", "--device",
                       f"{scenarios}/devices/server-core.json", "-o", self.path("profile.json"))
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def _make(self, *words):
        finished = finish([PROGRAM, *map(str, words), "--quiet"], cwd=self.directory)
        if finished.status != 0:
            raise AssertionError(f"cadastre {words[0]}: {finished}")

    def plan(self, strategy="branch", num_hosts=2, cluster=None, **network):
        """The file of a plan, for `cluster` or hosts of one core."""
        key = json.dumps([strategy, num_hosts, cluster, network])
        if key not in self._plans:
            name = f"plan{len(self._plans)}"
            self.write(f"{name}.cluster.json", cluster or {
                "format": "cadastre-cluster/1", "name": "small",
                "hosts": [{"name": f"node{i + 1}", "cores": 1, "memory_bytes": "4GiB"}
                          for i in range(num_hosts)],
                "network": {"bandwidth_bytes_per_s": "1Gbps", "latency_s": "25us"}})
            self._make("plan", "--profile", self.path("profile.json"), "--cluster",
                       self.path(f"{name}.cluster.json"), "--batch-size", 8 * num_hosts,
                       "--strategy", strategy, "-o", self.path(f"{name}.json"))
            self._plans[key] = self.path(f"{name}.json")
        return self._plans[key]

    def write(self, name, document):
        with open(self.path(name), "w", encoding="utf-8") as stream:
            json.dump(document, stream)
        return self.path(name)

    def read(self, file):
        with open(file, encoding="utf-8") as stream:
            return json.load(stream)

    def output(self):
        self._num_runs += 1
        return self.path(f"run{self._num_runs}")

    def command(self, plan, output, *more, steps=NUM_STEPS, scene=None):
        return [PROGRAM, "run", "--plan", plan, "--data", scene or self.scene, "--epochs", "100000",
                "--max-steps", str(steps), "--test-samples", "8", "--quiet", "-o", output,
                *map(str, more)]

    def local_weights(self, plan):
        """The bytes of weights.pt of the run with --local."""
        if plan not in self._weights:
            output = self.output()
            finished = finish(self.command(plan, output, "--local"))
            if finished.status != 0:
                raise AssertionError(f"--local: {finished}")
            self._weights[plan] = weights(output)
        return self._weights[plan]

    def processes(self):
        """Those that name this directory: all ranks of its runs do."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as stream:
                words = stream.read()
                if self.directory.encode() in words and int(pid) != os.getpid():
                    found.append(int(pid))
        return found

    def executors(self):
        """The command line, by process, of those of this directory that are ranks."""
        found = {}
        for pid in self.processes():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as stream:
                words = stream.read().decode().split("\0")
                if words[0].endswith("cadastre-executor") and words[1] == "rank":
                    found[pid] = words
        return found


def rank_process(world, number):
    """The process of the rank that its launcher gave this number; None while there is none."""
    for pid, words in world.executors().items():
        if words[words.index("--number") + 1] == str(number):
            return pid
    return None


def weights(output):
    with open(os.path.join(output, "weights.pt"), "rb") as stream:
        return stream.read()


def wait_until(condition, within_s=180, pause_s=0.02):
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(pause_s)


def end_group(process):
    """Kills what is left of a process that was started in a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
