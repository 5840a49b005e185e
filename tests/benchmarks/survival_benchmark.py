#!/usr/bin/env python3
"""What checkpoints cost, and how soon a run goes on after a failure: the demo's model, on two ranks
of this machine.

- A checkpoint every 10 steps against none: the ratio of the median steps, and an interval around it
  for 95 % of the times.
- The bytes of a checkpoint over those of its tensors.
- A rank is killed, and one is stopped: seconds until the run says so, and from there to the end of
  the first step after it.

    tests/benchmarks/survival_benchmark.py -o survival
"""

import argparse
import json
import math
import os
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
_CLUSTER = {"format": "cadastre-cluster/1", "name": "two",
            "hosts": [{"name": name, "cores": 1, "memory_bytes": "8GiB"} for name in ("a", "b")],
            "network": {"bandwidth_bytes_per_s": "10Gbps", "latency_s": 5e-5}}


def ratio_of(pairs):
    """The second of each pair to the first: median, and the interval that holds the true median in
    95 % of the times (from the sixth pair on; the k-th smallest and largest, by the sign test)."""
    ratios = sorted(second / first for first, second in pairs)
    count = len(ratios)
    outside = 0
    while sum(math.comb(count, i) for i in range(outside + 1)) * 2 <= 0.05 * 2 ** count:
        outside += 1
    interval = [ratios[outside - 1], ratios[count - outside]] if outside else None
    return {"ratio": statistics.median(ratios), "interval": interval}


class Benchmark:
    def __init__(self, arguments):
        self.arguments = arguments
        self.place = os.path.abspath(arguments.output)
        self.program = f"{arguments.programs}/cadastre"
        os.makedirs(self.place, exist_ok=True)
        if not os.path.exists(self.path("plan.json")):
            with open(self.path("cluster.json"), "w", encoding="utf-8") as file:
                json.dump(_CLUSTER, file)
            self.cadastre("synthesize", "--seed", "1", "-o", self.path("scene"))
            self.cadastre("profile", f"{ROOT}/scenarios/models/multimodal-cnn.json", "--data",
                          self.path("scene"), "--threads", "1", "-o", self.path("profile.json"))
            self.cadastre("plan", "--profile", self.path("profile.json"), "--cluster",
                          self.path("cluster.json"), "--batch-size", "64", "--strategy", "branch",
                          "-o", self.path("plan.json"))

    def path(self, name):
        return os.path.join(self.place, name)

    def cadastre(self, *words):
        subprocess.run([self.program, *words, "--quiet"], check=True, stdout=subprocess.DEVNULL)

    def words(self, steps, *more):
        shutil.rmtree(self.path("run"), ignore_errors=True)
        return [self.program, "run", "--plan", self.path("plan.json"), "--data", self.path("scene"),
                "--local", "--max-steps", str(steps), "--epochs", "100000", "--test-samples", "1",
                "-o", self.path("run"), *more]

    def record(self):
        with open(self.path("run/run.json"), encoding="utf-8") as file:
            return json.load(file)

    def overhead(self):
        """Of a checkpoint every 10 steps. A machine's speed differs more from run to run than what
        is looked for: so a run has one every 20, which is written well within 10 steps, and those
        are compared with the 10 that follow them."""
        halves = []
        for _ in range(self.arguments.runs):
            subprocess.run(self.words(self.arguments.steps, "--checkpoint-every", "20", "--quiet"),
                           check=True, stdout=subprocess.DEVNULL)
            ends = [step["end_s"] for step in self.record()["steps"]]
            halves += [(ends[first + 19] - ends[first + 9], ends[first + 9] - ends[first - 1])
                       for first in range(20, len(ends) - 19, 20)]
        return {"step_s": statistics.median(without for without, _ in halves) / 10,
                "cycles": len(halves), **ratio_of(halves)}

    def checkpoint_bytes(self):
        checkpoints = self.path("run/checkpoints")
        newest = os.path.join(checkpoints, max(
            name for name in os.listdir(checkpoints) if name.startswith("step-")))
        files = [os.path.join(newest, name) for name in os.listdir(newest)]
        tensors = sum(info.file_size for file in files if file.endswith(".pt")
                      for info in zipfile.ZipFile(file).infolist() if "/data/" in info.filename)
        whole = sum(os.path.getsize(file) for file in files)
        return {"bytes": whole, "ratio": whole / tensors}

    def rank_processes(self):
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().decode().split("\0")
            except OSError:
                continue
            if words[0].endswith("cadastre-executor") and words[1] == "rank" and \
                    self.path("scene") in words:
                found.append(int(pid))
        return found

    def failure(self, number):
        """(seconds to the note, seconds from there to the end of a step)"""
        process = subprocess.Popen(
            self.words(self.arguments.steps, "--checkpoint-every", "10", "--max-restarts", "1"),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while not os.path.exists(self.path("run/checkpoints")):
            time.sleep(0.01)
        time.sleep(random.uniform(0, 1))
        victim = random.choice(self.rank_processes())
        at = time.monotonic()
        os.kill(victim, number)
        for line in process.stderr:
            if re.match("note: rank", line):
                noticed_s = time.monotonic() - at
                break
        process.communicate()
        if process.returncode != 0:
            raise SystemExit("the run failed")
        return noticed_s, self.record()["failures"][0]["restart_s"]


def parser():
    made = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("-o", "--output", required=True)
    made.add_argument("--programs", default=f"{ROOT}/build/release/bin")
    made.add_argument("--steps", type=int, default=420)
    made.add_argument("--runs", type=int, default=5)
    made.add_argument("--kills", type=int, default=5)
    return made


def main():
    arguments = parser().parse_args()
    benchmark = Benchmark(arguments)
    result = {"overhead": benchmark.overhead()}
    for name, number, times in (("killed", signal.SIGKILL, arguments.kills),
                                ("stopped", signal.SIGSTOP, 1)):
        pairs = [benchmark.failure(number) for _ in range(times)]
        result[name] = {"noticed_s": [noticed for noticed, _ in pairs],
                        "restart_s": [restart for _, restart in pairs]}
    result["checkpoint"] = benchmark.checkpoint_bytes()  # of the last of these runs
    json.dump(result, sys.stdout, indent=1)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
