#!/usr/bin/env python3
"""Networks of all shapes that a testbed makes. Needs root, or ends with 77."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../executor/testbed"))

from hosts import Testbed
from test_support import (CONNECT, SEND, bytes_per_s, cluster, main, output, program, python,
                          receiving, unique)


class Networks(unittest.TestCase):
    def test_a_host_has_its_own_bandwidth_and_a_zone_its_uplink(self):
        document = cluster(4, "400Mbps", zones=[{
            "name": "site", "hosts": ["node3", "node4"], "latency_s": 0,
            "bandwidth_bytes_per_s": "40Mbps"}])
        document["hosts"][1]["bandwidth_bytes_per_s"] = "80Mbps"
        with Testbed.up(document, unique("zones"), core_share=None) as testbed:
            for sender, receiver, rate in (("node1", "node2", 10e6), ("node1", "node3", 5e6),
                                           ("node4", "node1", 5e6), ("node4", "node3", 50e6)):
                measured = bytes_per_s(testbed, sender, receiver, int(rate / 2))
                self.assertLess(measured, 1.05 * rate)
                self.assertGreater(measured, 0.3 * rate)

    def test_a_direct_link_is_taken_instead_of_the_switch(self):
        document = cluster(3, "20Mbps", direct_links=[{
            "from": "node1", "to": "node3", "bandwidth_bytes_per_s": "200Mbps", "latency_s": 0}])
        with Testbed.up(document, unique("direct"), core_share=None) as testbed:
            self.assertLess(bytes_per_s(testbed, "node1", "node2", 1_000_000), 1.05 * 2.5e6)
            for sender, receiver in (("node1", "node3"), ("node3", "node1")):
                measured = bytes_per_s(testbed, sender, receiver, 10_000_000)
                self.assertGreater(measured, 2 * 2.5e6)
                self.assertLess(measured, 1.05 * 25e6)
            testbed.set_link("node3", "down")
            done = testbed.run("node1", python(CONNECT, "node3", 0.5), capture_output=True)
            self.assertNotEqual(done.returncode, 0)

    def test_a_tree_of_switches_joins_its_hosts(self):
        document = cluster(3, "400Mbps", topology={
            "kind": "graph", "switches": ["left", "right"],
            "links": [{"from": "node1", "to": "left"}, {"from": "node2", "to": "left"},
                      {"from": "right", "to": "node3"},
                      {"from": "left", "to": "right", "bandwidth_bytes_per_s": "40Mbps"}]})
        with Testbed.up(document, unique("tree"), core_share=None) as testbed:
            self.assertLess(bytes_per_s(testbed, "node1", "node3", 2_500_000), 1.05 * 5e6)
            self.assertGreater(bytes_per_s(testbed, "node1", "node2", 10_000_000), 1.2 * 5e6)

    def test_the_slowest_and_the_fastest_link_and_any_name_can_be_made(self):
        document = cluster(2, 1e15)
        document["hosts"] += [{"name": name, "memory_bytes": "1GiB", "bandwidth_bytes_per_s": 1}
                              for name in ("switches", "x" * 64)]
        with Testbed.up(document, unique("extreme"), core_share=None) as testbed:
            self.assertGreater(bytes_per_s(testbed, "node1", "node2", 10_000_000), 10e6)
            self.assertEqual(output(testbed, "switches", ["hostname"]), "switches\n")
            self.assertEqual(output(testbed, "x" * 64, ["hostname"]), "x" * 64 + "\n")

    def test_two_testbeds_with_the_same_addresses_do_not_see_each_other(self):
        with Testbed.up(cluster(), unique("left"), None) as left, \
                Testbed.up(cluster(), unique("right"), None) as right:
            self.assertLessEqual({left.name, right.name}, set(program("list").stdout.split()))
            with receiving(left, "node2") as receiver:
                done = right.run("node1", python(CONNECT, "node2", 5), capture_output=True,
                                 text=True)
                self.assertIn("ConnectionRefusedError", done.stderr)
                output(left, "node1", python(SEND, "node2", 10))
                self.assertEqual(receiver.communicate(timeout=60)[0].split()[0], "10")


if __name__ == "__main__":
    main()
