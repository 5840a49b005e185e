#!/usr/bin/env python3
"""Plans chosen with and without an eye to hosts that vary from step to step, beside each other.

On the testbed's hosts, each of which has a processor, some share theirs with another program, which
leaves them another part of it every few steps. Probes them meanwhile, plans `--robust` for what
that measures, and runs that plan, the one that is fastest without variation, and others of which
the simulator expects most, in turn and several times over, each time through the same good and bad
moments. Reports the median and the 95th percentile of the steps of each, and its regret: by how
much the latter is more than the least that any plan measured has. Needs root.

    sudo tests/benchmarks/robust_benchmark.py -o robust-benchmark
"""

import argparse
import contextlib
import json
import os
import signal
import sys
import threading
import time

import robust_figures
from cluster_runs import Runs, ranks_of, run_program, start_ranks
from cluster_workplace import (ROOT, WEIGHT, carried_out, cluster_document, profile, say,
                               testbed_name)
import control_groups  # beside the testbed, which the line above has made known
from errors import TestbedError
from hosts import Testbed

_LEFT_OUT = 8  # steps, in which ranks warm up
_PROBE_S = 60  # many of the intervals in which hosts have another speed


_OTHER_WORK = """
# the other work of the robust benchmark
while True:
    pass
"""


class OtherWork:
    """Programs that compute on hosts, each of which leaves its host a share of its processor."""

    def __init__(self, testbed, hosts, share):
        self._testbed = testbed
        self._share = share
        self._processes = [testbed.start(host, [sys.executable, "-c", _OTHER_WORK])
                           for host in hosts]
        self._pids = {host: self._find(host) for host in hosts}
        self.leave(dict.fromkeys(hosts, 1))

    def _find(self, host):
        """The program's number on this machine."""
        place = self._testbed.place(host)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            for pid in control_groups.processes(place["parents"], place["group"]):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as stream:
                    words = stream.read().split(b"\0")
                    if len(words) > 2 and words[1] == b"-c" and words[2] == _OTHER_WORK.encode():
                        return pid
            time.sleep(0.05)
        raise TestbedError(f"the other work on {host} did not start")

    def leave(self, factors):
        """Leaves {host: factor} times the share."""
        for host, factor in factors.items():
            os.setpriority(os.PRIO_PROCESS, self._pids[host],
                           robust_figures.niceness(min(0.98, self._share * factor)))

    def end(self):
        for process in self._processes:
            process.kill()
            process.wait()


@contextlib.contextmanager
def varying(other_work, spreads, interval_s, seed):
    """Hosts get another factor of their share in every interval."""
    over = threading.Event()
    sequences = {host: robust_figures.factors(f"{seed} {host}", spread)
                 for host, spread in spreads.items()}

    def vary():
        while not over.wait(interval_s):
            other_work.leave({host: next(sequence) for host, sequence in sequences.items()})

    thread = threading.Thread(target=vary)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        other_work.leave(dict.fromkeys(spreads, 1))


def plans_to_run(robust, num_others):
    """{name: document} of the plan that is fastest without variation, of the robust one, and of
    others that were replayed: least 95th percentile first."""
    def whole(plan):
        return ({part: robust[part] for part in ("format", "search", "profile", "cluster")} | plan |
                {"alternatives": [], "runners_up": []})

    def what(plan):
        return [plan["stages"], plan["micro_batches"], plan["schedule"]]

    replayed = sorted((plan for plan in [robust, *robust["runners_up"], *robust["alternatives"]]
                       if "p95_s" in plan.get("simulated", {})),
                      key=lambda plan: plan["simulated"]["p95_s"])
    plain = min(replayed, key=lambda plan: plan["predicted"]["step_s"])
    named = {"plain": plain, "robust": robust}
    known = [what(plain), what(robust)]
    for other in replayed:
        if len(named) < 2 + num_others and what(other) not in known:
            known.append(what(other))
            named[f"{other['strategy']} {len(named) - 1}"] = other
    return {name: whole(plan) for name, plan in named.items()}


def probed_cluster(arguments, testbed, profile_file, directory):
    """What `cadastre probe` measures of a testbed: speeds, links, and how both vary."""
    file = f"{directory}/probed.json"
    command = [arguments.program, "probe", "--quiet", "--profile", profile_file, "--compute-s",
               _PROBE_S, "-o", file]
    run_program(start_ranks(testbed, testbed.hosts, command), "cadastre probe")
    with open(file, encoding="utf-8") as stream:
        return json.load(stream)


def chosen_plans(arguments, testbed, profile_file, document, directory):
    """The runs of a testbed that is as the cluster of that document, and the plans for it."""
    runs = Runs(arguments, testbed, document, profile_file, directory)
    with open(runs.plan("auto", "--robust"), encoding="utf-8") as stream:
        plans = plans_to_run(json.load(stream), arguments.others)
    return runs, plans


def benchmark(arguments, directory):
    """The document of all that was measured."""
    profile_file, _ = profile(arguments, directory)
    hosts = [f"node{number}" for number in range(1, arguments.num_hosts + 1)]
    spreads = dict.fromkeys(hosts[-arguments.num_varying:], arguments.spread)
    stated = cluster_document(arguments.num_hosts, arguments.bandwidth, 1.0)
    with Testbed.up(stated, testbed_name("robust"), weight=WEIGHT,
                    pin=True) as testbed:
        other_work = OtherWork(testbed, spreads, arguments.share)
        try:
            say("probing the hosts")
            with varying(other_work, spreads, arguments.interval, "probe"):
                document = probed_cluster(arguments, testbed, profile_file, directory)
            runs, plans = chosen_plans(arguments, testbed, profile_file, document, directory)
            steps_s = {name: [] for name in plans}
            for repetition in range(arguments.repetitions):
                for name, plan in plans.items():
                    file = f"{directory}/run-plan.json"
                    with open(file, "w", encoding="utf-8") as stream:
                        json.dump(plan, stream)
                    with varying(other_work, spreads, arguments.interval, repetition):
                        runs.train(file)
                    with open(f"{directory}/run/run.json", encoding="utf-8") as stream:
                        steps_s[name].append(robust_figures.step_seconds(json.load(stream),
                                                                         _LEFT_OUT))
                    p95_s = robust_figures.quantile(steps_s[name][-1], 0.95)
                    say(f"  {repetition + 1} of {arguments.repetitions}: {name}, 95th percentile "
                        f"{1e3 * p95_s:.0f} ms")
        finally:
            other_work.end()
    found = robust_figures.figures(steps_s)
    for name, plan in plans.items():
        found[name] |= {"num_hosts": len(ranks_of(plan)),
                        "predicted_step_s": plan["predicted"]["step_s"],
                        "simulated_p95_s": plan["simulated"]["p95_s"],
                        "stages": plan["stages"], "all_step_s": steps_s[name]}
    return {"cluster": document, "share_left_by_other_work": arguments.share,
            "interval_s": arguments.interval, "model": os.path.basename(arguments.model),
            "batch_size": arguments.batch_size, "num_steps": arguments.steps,
            "num_repetitions": arguments.repetitions, "plans": found}


def _parser():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", required=True, help="directory for what comes out")
    parser.add_argument("--program", default=f"{ROOT}/build/release/bin/cadastre")
    parser.add_argument("--model", default=f"{ROOT}/scenarios/models/multimodal-cnn.json")
    parser.add_argument("--data", help="scene (default: one that is synthesized)")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--num-hosts", type=int, default=2)
    parser.add_argument("--num-varying", type=int, default=1, help="of these, the last ones")
    parser.add_argument("--share", type=float, default=0.6,
                        help="of its processor that the other program leaves a host, in the median")
    parser.add_argument("--spread", type=float, default=1.2, help="of the speed of what varies")
    parser.add_argument("--interval", type=float, default=0.25, help="seconds that a speed lasts")
    parser.add_argument("--bandwidth", default="1Gbps")
    parser.add_argument("--steps", type=int, default=120, help="of each run")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--others", type=int, default=3, help="plans to run beside both")
    return parser


def _figures(arguments, directory):
    document = benchmark(arguments, directory)
    robust_figures.write(arguments.output, document)
    print(robust_figures.markdown(document), end="")


def main():
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that testbeds are removed
    arguments.hosts = [arguments.num_hosts]
    if not (1 <= arguments.num_varying < arguments.num_hosts and arguments.num_hosts >= 2
            and arguments.steps >= 2 * _LEFT_OUT and arguments.repetitions >= 1
            and arguments.others >= 0 and 0 < arguments.share < 1 and arguments.interval > 0
            and 0 < arguments.spread <= 4):
        say("error: expected 2 hosts, of which not all vary, and 16 steps at least, a share below "
            "1, and an interval and a spread (4 at most) above 0")
        return 2
    return carried_out(arguments, lambda directory: _figures(arguments, directory))


if __name__ == "__main__":
    sys.exit(main())
