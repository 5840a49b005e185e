#!/usr/bin/env python3
"""Training on three hosts of the testbed, with a fault of a random kind every so many seconds.

Runs of some minutes, one after the other, on hosts with a link each: ranks and their first process
are killed, stopped and interrupted, links are cut, the disk is full for a while, checkpoints are
damaged, strangers knock at the ports. A run whose first process ends is resumed. Every run must come
to its end with the bytes of one that was left alone, and leave no process, port, file or namespace;
the memory of its processes must not grow. Needs root.

    sudo tests/benchmarks/soak.py --minutes 30 --every 20 -o soak.json

Exit status 0: all of this held. What was done, and when, is in the output.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
os.environ.setdefault("CADASTRE_BINARIES", os.path.join(ROOT, "build/release/bin"))
sys.path.insert(0, os.path.join(ROOT, "tests/launchers"))

import launched_run  # noqa: E402  (finds the testbed's modules)
from hosts import Testbed, reason_not_to_run  # noqa: E402

_HOSTS = ("node1", "node2", "node3")
_DISK_BYTES = 48 << 20
_FROZEN_AFTER_S = 4


def say(text):
    print(text, file=sys.stderr, flush=True)


class Failed(Exception):
    pass


def resident_bytes(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/status", encoding="utf-8") as stream:
        for line in stream:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    return 0


class Soak:
    def __init__(self, arguments, testbed, world):
        self.arguments, self.testbed, self.world = arguments, testbed, world
        self.random = random.Random(arguments.seed)
        self.plan = world.plan(arguments.strategy, num_hosts=3, cluster=testbed.cluster())
        self.hosts_file = world.path("hosts")
        with open(self.hosts_file, "w", encoding="utf-8") as stream:
            stream.write("".join(f"{name}\n" for name in _HOSTS))
        self.began = time.monotonic()
        self.faults, self.memory, self.runs = [], [], []

    def now(self):
        return round(time.monotonic() - self.began, 1)

    def undisturbed(self):
        output = self.world.output()
        finished = launched_run.finish(
            self.world.command(self.plan, output, "--local", steps=self.arguments.steps), 3600)
        if finished.status != 0:
            raise Failed(f"the undisturbed run: {finished}")
        with open(os.path.join(output, "run.json"), encoding="utf-8") as stream:
            say(f"undisturbed, on this machine alone: {json.load(stream)['measured']['wall_s']:.0f} s")
        return launched_run.weights(output)

    def start(self, output, *more):
        command = self.world.command(
            self.plan, output, "--hosts", self.hosts_file, "--ssh",
            f"{self.testbed.ssh_directory}/ssh", "--max-restarts", 100000, "--checkpoint-every",
            self.arguments.checkpoint_every, "--frozen-after", _FROZEN_AFTER_S, *more,
            steps=self.arguments.steps)
        return launched_run.start(self.testbed.command("node1", command))

    def coordinator(self):
        for pid in self.world.processes():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as stream:
                words = stream.read().split(b"\0")
                if words[0].endswith(b"cadastre-executor") and words[1] == b"run":
                    return pid
                if words[0] == launched_run.PROGRAM.encode() and words[1] == b"run":
                    return pid
        return None

    # Faults: each says what it did, or None where it could not.

    def kill_a_rank(self):
        return self._signal_a_rank(signal.SIGKILL) and "killed a rank"

    def stop_a_rank(self):
        """As a host that hangs, and comes back when nobody waits for it any more, or still does."""
        pid = self._signal_a_rank(signal.SIGSTOP)
        time.sleep(self.random.uniform(1, 2.5 * _FROZEN_AFTER_S))
        with contextlib.suppress(ProcessLookupError, TypeError):
            os.kill(pid, signal.SIGCONT)
        return pid and "stopped a rank for a while"

    def _signal_a_rank(self, number):
        ranks = sorted(self.world.executors())
        if not ranks:
            return None
        pid = self.random.choice(ranks)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        return pid

    def kill_the_first_process(self):
        return self._signal_the_first(signal.SIGKILL, "killed")

    def interrupt(self):
        return self._signal_the_first(signal.SIGINT, "interrupted")

    def _signal_the_first(self, number, done):
        pid = self.coordinator()
        if pid is None:
            return None
        os.kill(pid, number)
        return f"{done} the first process"

    def cut_a_link(self):
        name = self.random.choice(_HOSTS[1:])
        self.testbed.set_link(name, "down")
        time.sleep(self.random.uniform(1, 2.5 * _FROZEN_AFTER_S))
        self.testbed.set_link(name, "up")
        return f"cut the link of {name} for a while"

    def fill_the_disk(self):
        filler = os.path.join(self.output, "filler")
        with contextlib.suppress(OSError), open(filler, "wb") as stream:
            while True:
                stream.write(bytes(1 << 16))
        time.sleep(6)
        os.remove(filler)
        return "filled the disk for a while"

    def damage_a_checkpoint(self):
        checkpoints = os.path.join(self.output, "checkpoints")
        with contextlib.suppress(OSError, IndexError):
            newest = sorted(name for name in os.listdir(checkpoints)
                            if name.startswith("step-") and "." not in name)[-1]
            part = self.random.choice(sorted(os.listdir(os.path.join(checkpoints, newest))))
            with open(os.path.join(checkpoints, newest, part), "r+b") as stream:
                size = os.path.getsize(stream.name)
                if self.random.random() < 0.5:
                    stream.truncate(self.random.randrange(size))
                else:
                    stream.seek(self.random.randrange(size))
                    byte = stream.read(1)
                    stream.seek(-1, os.SEEK_CUR)
                    stream.write(bytes([byte[0] ^ 4]))
            self.kill_a_rank()
            return f"damaged {newest}/{part} and killed a rank"
        return None

    def knock(self):
        """At every port that processes of the run listen at, with garbage or nothing."""
        ports = self.listening()
        for name, address, port in ports:
            code = (f"import os,socket,time; s=socket.create_connection(({address!r}, {port}), 2); "
                    f"s.sendall(os.urandom({self.random.choice((0, 3, 5000))})); time.sleep(1)")
            self.testbed.run(name, [sys.executable, "-c", code], stderr=subprocess.DEVNULL)
        return f"knocked at {len(ports)} ports" if ports else None

    def listening(self):
        found = []
        for name in _HOSTS:
            shown = self.testbed.run(name, ["ss", "-Hltn"], stdout=subprocess.PIPE, text=True).stdout
            for line in shown.splitlines():
                address, port = line.split()[3].rsplit(":", 1)
                address = address.strip("[]")
                found.append((name, "127.0.0.1" if address in ("0.0.0.0", "*", "::") else address,
                              int(port)))
        return found

    def fault(self):
        kinds = [self.kill_a_rank, self.stop_a_rank, self.kill_the_first_process, self.interrupt,
                 self.cut_a_link, self.fill_the_disk, self.damage_a_checkpoint, self.knock]
        kind = self.random.choice(kinds)
        at = self.now()
        done = kind()
        if done:
            self.faults.append({"at_s": at, "what": done})
            say(f"  {at:7.1f} s: {done}")

    def sample_memory(self):
        coordinator = self.coordinator()
        ranks = [resident_bytes(pid) for pid in self.world.executors()]
        if coordinator and ranks:
            self.memory.append({"at_s": self.now(), "first_bytes": resident_bytes(coordinator),
                                "ranks_bytes": max(ranks)})

    def run(self, expected):
        """One run to its end, disturbed as long as there is time."""
        self.output = self.world.output()
        os.mkdir(self.output)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "none", self.output],
                       check=True)
        began, starts, num_faults = self.now(), 1, len(self.faults)
        process = self.start(self.output, "--resume")
        next_fault = time.monotonic() + self.arguments.every * self.random.uniform(0.5, 1)
        try:
            while True:
                time.sleep(0.5)
                self.sample_memory()
                if process.poll() is not None:
                    out, err = process.communicate()
                    if process.returncode == 0:
                        break
                    if process.returncode == 2:
                        raise Failed(f"it was refused: {err}")
                    self.wait_for_nothing(60)
                    process = self.start(self.output, "--resume")
                    starts += 1
                if time.monotonic() > next_fault and self.now() < 60 * self.arguments.minutes:
                    self.fault()
                    next_fault = time.monotonic() + self.arguments.every
            ended = launched_run.weights(self.output)
            with open(os.path.join(self.output, "run.json"), encoding="utf-8") as stream:
                failures = json.load(stream).get("failures", [])
            self.wait_for_nothing(60)
            left = [name for name in os.listdir(os.path.join(self.output, "checkpoints"))
                    if name.endswith(".unfinished")]
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
            subprocess.run(["umount", "-l", self.output], check=False)
        self.runs.append({"began_s": began, "ended_s": self.now(), "starts": starts,
                          "faults": len(self.faults) - num_faults,
                          "restarts_of_the_last_start": len(failures),
                          "same_weights": ended == expected, "left_files": left})
        say(f"  run: {self.runs[-1]}")

    def wait_for_nothing(self, within_s):
        """No process and no port of the run is left."""
        end = time.monotonic() + within_s
        while self.world.processes() or self.listening():
            if time.monotonic() > end:
                raise Failed(f"left: processes {self.world.processes()}, ports {self.listening()}")
            time.sleep(0.2)

    def growth(self):
        """Median memory of the last fifth of the time over that of the first."""
        def median(key, begin, end):
            return statistics.median(
                sample[key] for sample in self.memory
                if begin <= sample["at_s"] / self.memory[-1]["at_s"] <= end)
        return {key: median(key, 0.8, 1) / median(key, 0, 0.2)
                for key in ("first_bytes", "ranks_bytes")}


def parser():
    made = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("-o", "--output", required=True)
    made.add_argument("--minutes", type=float, default=30)
    made.add_argument("--every", type=float, default=20, help="seconds between faults")
    made.add_argument("--steps", type=int, default=3000, help="of a run")
    made.add_argument("--checkpoint-every", type=int, default=50)
    made.add_argument("--strategy", default="branch")
    made.add_argument("--seed", type=int, default=1)
    return made


def own_namespaces(name):
    """Those of the testbed of this name: other programs may have theirs."""
    there = os.listdir("/run/netns") if os.path.exists("/run/netns") else []
    return sorted(namespace for namespace in there if f".{name}." in namespace)


def main():
    arguments = parser().parse_args()
    if reason := reason_not_to_run():
        say(f"error: {reason}")
        return 2
    name = f"soak-{os.getpid()}"
    document = {"format": "cadastre-cluster/1", "name": "three",
                "hosts": [{"name": name, "cores": 1, "memory_bytes": "2GiB"} for name in _HOSTS],
                "network": {"bandwidth_bytes_per_s": "1Gbps", "latency_s": "25us"}}
    error = None
    with launched_run.World() as world, \
            Testbed.up(document, name, core_share=None) as testbed:
        soak = Soak(arguments, testbed, world)
        try:
            expected = soak.undisturbed()
            soak.began = time.monotonic()
            while soak.now() < 60 * arguments.minutes:
                soak.run(expected)
        except Failed as failure:
            error = str(failure)
            say(f"error: {error}")
        for pid in world.processes():
            os.kill(pid, signal.SIGKILL)
    left = own_namespaces(name)
    result = {"seed": arguments.seed, "faults": soak.faults, "runs": soak.runs, "error": error,
              "left_namespaces": left, "memory_growth": soak.growth() if soak.memory else None}
    with open(arguments.output, "w", encoding="utf-8") as stream:
        json.dump(result, stream, indent=1)
    good = (error is None and not left and soak.runs and
            all(run["same_weights"] and not run["left_files"] for run in soak.runs) and
            all(growth < 1.2 for growth in result["memory_growth"].values()))
    say(f"{len(soak.runs)} runs, {len(soak.faults)} faults: {'all held' if good else 'FAILED'}; "
        f"memory {result['memory_growth']}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
