#!/usr/bin/env python3
"""A probe of hosts whose links and processors are known. Needs root, or ends with 77.

    testbed_probe_test.py DIRECTORY_OF_THE_PROGRAMS
"""

import json
import os
import subprocess
import sys
import tempfile
import unittest

_TESTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path[:0] = [f"{_TESTS}/../executor/testbed", f"{_TESTS}/testbed"]

import hosts
from hosts import Testbed
from test_support import cluster, main, unique, wait_until

PROGRAMS = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else "."
MEGABIT = 1e6 / 8


def shaped():
    """node2 has half the processor of the others, node3 a quarter of their bandwidth."""
    document = cluster(num_hosts=3, bandwidth="200Mbps")
    document["hosts"][1]["relative_speed"] = 0.5
    document["hosts"][2]["bandwidth_bytes_per_s"] = "50Mbps"
    return document


class Probe(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Hosts that go before the machine's other work get what they were promised.
        cls.testbed = Testbed.up(shaped(), unique("probe"), core_share=0.4, weight=10000)
        cls.addClassCleanup(hosts.down, cls.testbed.name)
        cls.directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.directory.cleanup)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def probe(self, lines, *options):
        """From node1, by ssh to `lines`."""
        with open(self.path("hosts.txt"), "w", encoding="utf-8") as stream:
            stream.write("".join(f"{line}\n" for line in lines))
        environment = os.environ | {"PATH": f"{self.testbed.ssh_directory}:{os.environ['PATH']}"}
        return subprocess.run(
            self.testbed.command("node1", [f"{PROGRAMS}/cadastre", "probe", "--hosts",
                                           self.path("hosts.txt"), *options]),
            env=environment, capture_output=True, text=True, timeout=200, check=False)

    def processes(self, host):
        return subprocess.run(["ip", "netns", "pids", self.testbed.place(host)["namespace"]],
                              capture_output=True, text=True, check=True).stdout

    def refused(self, lines, *options):
        done = self.probe(lines, "--quiet", "-o", self.path("refused.json"), *options)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertFalse(os.path.exists(self.path("refused.json")))
        for host in self.testbed.hosts:
            wait_until(lambda host=host: not self.processes(host))
        self.assertEqual(done.stderr.count("error: "), 1, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_what_was_shaped_is_measured(self):
        hosts_file = f"{self.testbed.place('node3')['files']}/hosts"
        with open(hosts_file, encoding="utf-8") as stream:
            before = stream.read()
        # As Debian's installer does it, on all hosts here.
        with open(hosts_file, "w", encoding="utf-8") as stream:
            stream.write("127.0.1.1 node3\n" + before)
        try:
            done = self.probe(["node1", "root@node2", "10.77.0.3 node3"], "--json", "-o",
                              self.path("cluster.json"))
        finally:
            with open(hosts_file, "w", encoding="utf-8") as stream:
                stream.write(before)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(self.path("cluster.json"), encoding="utf-8") as stream:
            found = json.load(stream)
        result = json.loads(done.stdout)
        self.assertEqual(result["cluster"], found)
        self.assertEqual([(host["name"], host["address"], host["cores"])
                          for host in found["hosts"]],
                         [(f"node{i}", f"10.77.0.{i}", 1) for i in (1, 2, 3)])

        rates = {(way["from"], way["to"]): way["bandwidth_bytes_per_s"] / MEGABIT
                 for way in result["measurements"]["ways"]}
        print("Mbit/s:", {pair: round(rate, 1) for pair, rate in rates.items()})
        self.assertEqual(len(rates), 6)
        for (sender, receiver), rate in rates.items():
            shaped_to = 50 if "node3" in (sender, receiver) else 200
            self.assertLess(rate, 1.05 * shaped_to)
            self.assertGreater(rate, 0.5 * shaped_to)
        links = [host.get("bandwidth_bytes_per_s", found["network"]["bandwidth_bytes_per_s"])
                 for host in found["hosts"]]
        self.assertLess(links[2], 1.05 * 50 * MEGABIT)
        self.assertGreater(links[2], 0.5 * 50 * MEGABIT)
        self.assertGreater(min(links[:2]), 1.5 * links[2])

        speeds = [host["relative_speed"] for host in found["hosts"]]
        print("relative speeds:", speeds)
        self.assertEqual(speeds[0], 1)
        self.assertLess(speeds[1], 0.8)
        self.assertGreater(speeds[1], 0.25)

        warnings = result["warnings"]
        print(*warnings, sep="\n")
        for part in ("node3 resolves to 127.0.1.1", "slower than its twin node",
                     "node3's link gives ", "node1 may use 0.40 of its "):
            self.assertTrue(any(part in warning for warning in warnings), part)
        for warning in warnings:
            self.assertIn(f"warning: {warning}\n", done.stderr)

    def test_what_cannot_be_is_refused_and_nothing_is_left(self):
        self.assertIn("node9", self.refused(["node1", "node9"]))
        self.assertIn("found eth7", self.refused(["node1", "node2"], "--interface", "eth7"))
        self.assertIn("127.0.0.1", self.refused(["node1", "node2"], "--interface", "lo"))
        self.testbed.set_link("node2", "down")
        try:
            self.assertIn("node2", self.refused(["node1", "node2"]))
        finally:
            self.testbed.set_link("node2", "up")


if __name__ == "__main__":
    main()
