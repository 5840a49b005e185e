#!/usr/bin/env python3
"""Kills a process of a run at random moments of its life, as often as asked: every run must end with
the bytes of one that was left alone, by itself where a rank was killed, resumed where it was the
first process.

    tests/benchmarks/kill_moments.py --kills 100 -o kills.json
"""

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "../.."))
os.environ.setdefault("CADASTRE_BINARIES", os.path.join(ROOT, "build/release/bin"))
sys.path.insert(0, os.path.join(ROOT, "tests/launchers"))

import launched_run  # noqa: E402


class Kills:
    def __init__(self, arguments, world):
        self.arguments, self.world = arguments, world
        self.random = random.Random(arguments.seed)
        self.plan = world.plan("branch", num_hosts=3)

    def start(self, output, *more):
        return launched_run.start(self.world.command(
            self.plan, output, "--local", "--checkpoint-every", 5, "--resume", *more,
            steps=self.arguments.steps))

    def kill_once(self, life_s):
        """What was killed and when, and how the run ended."""
        output = self.world.output()
        process = self.start(output, "--max-restarts", 1)
        moment_s = self.random.uniform(0, life_s)
        time.sleep(moment_s)
        ranks = sorted(self.world.executors())
        victim = self.random.choice([*ranks, process.pid])
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(victim, signal.SIGKILL)
        finished = launched_run.Finished(process)
        what = "the first process" if victim == process.pid else "a rank"
        if finished.status == -signal.SIGKILL:
            launched_run.wait_until(lambda: not self.world.processes(), within_s=30)
            finished = launched_run.Finished(self.start(output))
        launched_run.wait_until(lambda: not self.world.processes(), within_s=30)
        one = {"what": what, "at_s": round(moment_s, 3), "status": finished.status}
        if finished.status == 0:
            with open(os.path.join(output, "run.json"), encoding="utf-8") as stream:
                one["failures"] = len(json.load(stream).get("failures", []))
            one["same_weights"] = launched_run.weights(output) == self.expected
        else:
            one["error"] = finished.err
        return one

    def run(self):
        output = self.world.output()
        began = time.monotonic()
        finished = launched_run.Finished(self.start(output))
        life_s = time.monotonic() - began
        if finished.status != 0:
            raise SystemExit(f"the undisturbed run: {finished}")
        self.expected = launched_run.weights(output)
        kills = []
        for number in range(self.arguments.kills):
            kills.append(self.kill_once(life_s))
            print(number + 1, kills[-1], file=sys.stderr, flush=True)
        return {"life_s": life_s, "seed": self.arguments.seed, "kills": kills}


def parser():
    made = argparse.ArgumentParser(description=__doc__,
                                   formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("-o", "--output", required=True)
    made.add_argument("--kills", type=int, default=100)
    made.add_argument("--steps", type=int, default=60)
    made.add_argument("--seed", type=int, default=1)
    return made


def main():
    arguments = parser().parse_args()
    with launched_run.World() as world:
        result = Kills(arguments, world).run()
    with open(arguments.output, "w", encoding="utf-8") as stream:
        json.dump(result, stream, indent=1)
    bad = [kill for kill in result["kills"] if not kill.get("same_weights")]
    print(f"{len(result['kills'])} kills, {len(bad)} that did not end with the same weights")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
