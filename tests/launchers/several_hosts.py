"""Two hosts of the testbed, and runs on them."""

import copy
import json
import os
import subprocess

import launched_run  # finds the testbed's modules
import hosts
from hosts import Testbed
from launched_run import environment, start
from run_test_case import RunTestCase

_TESTBED = os.path.join(os.path.dirname(hosts.__file__), "testbed.py")
PORT = 29400


def reason_not_to_run():
    return hosts.reason_not_to_run()


class SeveralHostsTestCase(RunTestCase):
    """node1 and node2 are hosts of `testbed`; --hosts is asked for on node1."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.testbed = Testbed.up(
            {"format": "cadastre-cluster/1", "name": "two",
             "hosts": [{"name": f"node{i}", "cores": 1, "memory_bytes": "2GiB"} for i in (1, 2)],
             "network": {"bandwidth_bytes_per_s": "1Gbps", "latency_s": "25us"}},
            f"launchers-{os.getpid()}", core_share=None)
        cls.addClassCleanup(cls.testbed.__exit__)

    def plan(self, strategy="branch", **changes):
        """For the testbed's cluster, with addresses; `changes` by host: keys of its entry."""
        cluster = copy.deepcopy(self.testbed.cluster())
        for entry in cluster["hosts"]:
            entry.update(changes.get(entry["name"], {}))
        return self.world.plan(strategy, cluster=cluster)

    def address(self, name):
        return self.testbed.host(name).address

    def interface(self, name):
        shown = self.testbed.run(name, ["ip", "-j", "address"], stdout=subprocess.PIPE, text=True,
                                 check=True).stdout
        return next(one["ifname"] for one in json.loads(shown)
                    if any(address["local"] == self.address(name) for address in one["addr_info"]))

    def start_by_ssh(self, plan, output, *more, lines=("node1", "node2"), ssh=None, **options):
        hosts_file = f"{output}.hosts"
        with open(hosts_file, "w", encoding="utf-8") as stream:
            stream.write("".join(f"{line}\n" for line in lines))
        # The way to the other hosts leads past the first: a host cannot enter another.
        command = self.world.command(plan, output, "--hosts", hosts_file, "--ssh",
                                     ssh or f"{self.testbed.ssh_directory}/ssh", *more, **options)
        return start(self.testbed.command("node1", command))

    def run_by_ssh(self, *arguments, **options):
        return launched_run.Finished(self.start_by_ssh(*arguments, **options), within_s=180)

    def start_ranks(self, plans, output, order=("node1", "node2"), more=((), ()), variables=(),
                    **options):
        """A rank on each host of `order`, with its own plan, options and variables."""
        ranks = []
        for number, name in enumerate(order):
            own = {"RANK": number, "WORLD_SIZE": len(order), "MASTER_ADDR": order[0],
                   "MASTER_PORT": PORT} | (variables[number] if variables else {})
            plan = plans if isinstance(plans, str) else plans[number]
            ranks.append(start(
                self.testbed.command(name, self.world.command(plan, output, *more[number],
                                                              **options)),
                env=environment(**own)))
        return ranks
