#!/usr/bin/env python3
"""Which clusters a testbed can be made of, how ssh's arguments are read, what limits a host: all
that needs no root."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../executor/testbed"))

import control_groups
import network
import pinning
import ssh_stand_in
from errors import InputError
from json_place import JsonPlace, read_document
from wiring import wiring_of

SCENARIOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../scenarios/clusters")


def small_cluster():
    return {"format": "cadastre-cluster/1", "name": "small",
            "hosts": [{"name": name, "memory_bytes": "1GiB"} for name in ("a", "b", "c")],
            "network": {"bandwidth_bytes_per_s": "100Mbps", "latency_s": "25us"}}


def tree_cluster():
    document = small_cluster()
    document["network"]["topology"] = {
        "kind": "graph", "switches": ["s", "t"],
        "links": [{"from": "a", "to": "s"}, {"from": "b", "to": "s"}, {"from": "t", "to": "c"},
                  {"from": "s", "to": "t", "bandwidth_bytes_per_s": "10Mbps"}]}
    return document


def wiring(document):
    return wiring_of(JsonPlace(document, "cluster.json", ""))


class Units(unittest.TestCase):
    def test_texts_have_the_units_of_the_planner(self):
        for text, bytes_per_s in (("1Gbps", 125e6), ("100 Mbps", 12.5e6), ("125MBps", 125e6),
                                  ("8Kibps", 1024), (1e6, 1e6)):
            self.assertEqual(JsonPlace(text, "f", "").bandwidth_bytes_per_s(), bytes_per_s)
        for text, seconds in (("25us", 25e-6), ("0.1ms", 1e-4), ("2s", 2), (0.5, 0.5),
                              ("1e1ns", 1e-8)):
            self.assertAlmostEqual(JsonPlace(text, "f", "").duration_s(), seconds)
        self.assertEqual(JsonPlace("4GiB", "f", "").size_bytes(), 4 << 30)

    def test_what_has_no_unit_or_is_no_number_is_refused(self):
        for value in ("1", "Gbps", "1Gb", "1..2Gbps", "-1Gbps", "1GBps ", None, True, float("nan"),
                      [], 0):
            with self.assertRaises(InputError, msg=repr(value)):
                JsonPlace(value, "f", "").bandwidth_bytes_per_s()


class Wirings(unittest.TestCase):
    def refused(self, document, message):
        with self.assertRaises(InputError) as caught:
            wiring(document)
        self.assertEqual(str(caught.exception), f"cluster.json: {message}")

    def test_a_star_has_a_cable_for_every_host(self):
        document = small_cluster()
        document["hosts"][1]["bandwidth_bytes_per_s"] = "1Gbps"
        made = wiring(document)
        self.assertEqual([(cable.from_host, cable.to_switch, cable.bandwidth_bytes_per_s)
                          for cable in made.cables],
                         [(0, 0, 12.5e6), (1, 0, 125e6), (2, 0, 12.5e6)])
        self.assertEqual([host.address for host in made.hosts],
                         ["10.77.0.1", "10.77.0.2", "10.77.0.3"])

    def test_a_count_stands_for_many_hosts(self):
        document = small_cluster()
        document["hosts"] = [{"name": "node", "count": 3, "memory_bytes": 1000}]
        self.assertEqual([host.name for host in wiring(document).hosts],
                         ["node-1", "node-2", "node-3"])
        self.assertNotIn("count", wiring(document).hosts[0].entry)

    def test_a_zone_is_a_switch_behind_its_uplink(self):
        document = small_cluster()
        document["network"]["zones"] = [{"name": "site", "hosts": ["b", "c"], "latency_s": 0,
                                         "bandwidth_bytes_per_s": "10Mbps"}]
        made = wiring(document)
        self.assertEqual(made.switches, ["switch", "site"])
        uplink = made.cables[0]
        self.assertEqual((uplink.from_switch, uplink.to_switch, uplink.bandwidth_bytes_per_s),
                         (1, 0, 1.25e6))
        self.assertEqual([cable.to_switch for cable in made.cables[1:]], [0, 1, 1])

    def test_a_graph_that_is_a_tree_is_wired_as_it_is(self):
        made = wiring(tree_cluster())
        self.assertEqual([(cable.from_host, cable.from_switch, cable.to_host, cable.to_switch)
                          for cable in made.cables],
                         [(0, None, None, 0), (1, None, None, 0), (None, 1, 2, None),
                          (None, 0, None, 1)])
        self.assertEqual(made.cables[3].bandwidth_bytes_per_s, 1.25e6)

    def test_every_scenario_is_wired_or_refused_with_its_reason(self):
        refused = {"dragonfly-32.json": "/network/topology/kind",
                   "fat-tree-16.json": "/network/topology/kind",
                   "torus-16.json": "/network/topology/kind",
                   "two-sites-wan.json": "/network/topology/links/8/latency_s"}
        for name in sorted(os.listdir(SCENARIOS)):
            place = read_document(os.path.join(SCENARIOS, name))
            if name in refused:
                with self.assertRaisesRegex(InputError, f": {refused[name]}: expected "):
                    wiring_of(place)
            else:
                self.assertEqual(len(wiring_of(place).cables), len(place.value["hosts"]), name)
        wan = read_document(os.path.join(SCENARIOS, "two-sites-wan.json"))
        self.assertEqual(len(wiring_of(wan, ignore_latency=True).cables), 9)

    def test_a_damaged_document_is_refused_where_it_is_wrong(self):
        def changed(change, base=small_cluster):
            document = base()
            change(document)
            return document

        def at(pointer, value):
            def change(document):
                *way, last = [int(token) if token.isdigit() else token
                              for token in pointer.split("/")[1:]]
                for token in way:
                    document = document[token]
                document[last] = value
            return change

        self.refused([], "/: expected an object, found []")
        self.refused({}, '/: expected "format"')
        self.refused(changed(at("/format", "cadastre-plan/1")),
                     '/format: expected "cadastre-cluster/1", found "cadastre-plan/1"')
        self.refused(changed(at("/hosst", [])), '/: unknown key "hosst"; did you mean "hosts"?')
        self.refused(changed(at("/hosts", [])),
                     "/hosts: expected an array that is not empty, found []")
        self.refused(changed(at("/hosts/0", 3)), "/hosts/0: expected an object, found 3")
        self.refused(changed(at("/hosts/1/name", "a")),
                     '/hosts/1/name: expected a name used once, found "a" again')
        for name in ("", "a/b", "..", "a b", "-a", "a.", "x" * 65):
            with self.assertRaisesRegex(InputError, "/hosts/0/name: expected a host name of "):
                wiring(changed(at("/hosts/0/name", name)))
        self.refused(changed(at("/hosts/2/memory_bytes", "1.5B")),
                     '/hosts/2/memory_bytes: expected whole bytes > 0, or text such as "16GiB", '
                     'found "1.5B"')
        self.refused(changed(at("/hosts/2/cores", 0)),
                     "/hosts/2/cores: expected an integer from 1 to 1048576, found 0")
        self.refused(changed(at("/hosts/2/relative_speed", True)),
                     "/hosts/2/relative_speed: expected a number from 1e-06 to 1e+06, found true")
        self.refused(changed(at("/hosts/0/count", 251)),
                     "/hosts/0/count: expected an integer from 1 to 250, found 251")
        self.refused(changed(at("/hosts/0/count", 249)),
                     "/hosts: expected at most 250 hosts, found 251")
        self.refused(changed(at("/network/bandwidth_bytes_per_s", "fast")),
                     "/network/bandwidth_bytes_per_s: expected bytes per second from 1 to 10^15, "
                     'or text such as "1Gbps", found "fast"')
        self.refused(changed(at("/network/latency_s", "3ms")),
                     "/network/latency_s: expected at most 0.001 s, as a testbed does not delay "
                     'packets (--ignore-latency makes it all the same), found "3ms"')
        self.refused(changed(at("/machines", [{"name": "m"}])),
                     "/machines: expected none: a testbed gives every host a machine of its own")
        direct = [{"from": "a", "to": "b", "bandwidth_bytes_per_s": 1e6, "latency_s": 0}]
        self.refused(changed(at("/network/direct_links", [direct[0] | {"to": "d"}])),
                     "/network/direct_links/0/to: expected a host of the cluster (a, b, c), "
                     'found "d"')
        self.refused(changed(at("/network/direct_links",
                                direct + [direct[0] | {"from": "b", "to": "a"}])),
                     "/network/direct_links/1: expected one direct link between two different "
                     "hosts")
        links = "/network/topology/links"
        self.refused(changed(at(f"{links}/0/to", "t"), tree_cluster)
                     | {"hosts": small_cluster()["hosts"] + [{"name": "d", "memory_bytes": 1}]},
                     f'{links}: expected a way between all hosts, found none to "d"')
        self.refused(changed(at(f"{links}/1", {"from": "a", "to": "t"}), tree_cluster),
                     f'{links}/1: expected one link of "a", found a second: in a testbed, hosts do '
                     "not pass on what is for others")
        self.refused(changed(lambda d: d["network"]["topology"]["links"].append(
            {"from": "t", "to": "s"}), tree_cluster),
            f"{links}/4: expected a tree, found a link that closes a ring")
        self.refused(changed(at(f"{links}/0/sharing", "shared"), tree_cluster),
                     f'{links}/0/sharing: expected "split-duplex": a testbed has no other links, '
                     'found "shared"')

    def test_a_file_that_is_no_json_is_refused_by_name(self):
        with tempfile.TemporaryDirectory() as directory:
            file = f"{directory}/cluster.json"
            with self.assertRaisesRegex(InputError, f"^{file}: No such file or directory$"):
                read_document(file)
            for text in (b'{"format"', b"\xff\xfe", b"[" * 100000):
                with open(file, "wb") as stream:
                    stream.write(text)
                with self.assertRaisesRegex(InputError, f"^{file}: expected JSON: "):
                    read_document(file)


class SshArguments(unittest.TestCase):
    def test_options_stand_before_and_after_the_host(self):
        for words, read in (
                (["h", "ls", "-l"], ("h", ["ls", "-l"], "")),
                (["-o", "BatchMode=yes", "-oX=y", "u@h", "-p", "22", "ls"], ("h", ["ls"], "")),
                (["-nTp22", "h", "--", "-x", "y"], ("h", ["-x", "y"], "nT")),
                (["--", "h", "ls"], ("h", ["ls"], "")),
                (["h"], ("h", [], ""))):
            self.assertEqual(ssh_stand_in.parse(words), read, words)

    def test_what_ssh_refuses_is_refused(self):
        for words in ([], ["-p"], ["-o", "X=y"], ["-Z", "h"], ["--"]):
            with self.assertRaises(InputError, msg=words):
                ssh_stand_in.parse(words)


class Limits(unittest.TestCase):
    """Control groups of version 2 are plain files to who writes them."""

    def made(self, processors, memory_bytes=1 << 20, **options):
        with tempfile.TemporaryDirectory() as directory:
            parents = {"cpu": [2, directory], "memory": [2, directory]}
            control_groups.make(parents, "group", processors, memory_bytes, **options)
            return {file.name: file.read_text() for file in Path(directory, "group").iterdir()}

    def test_a_share_is_a_quota_of_a_short_period(self):
        self.assertEqual(self.made(0.5), {"cpu.max": "5000 10000", "memory.max": "1048576"})
        self.assertEqual(self.made(2)["cpu.max"], "20000 10000")

    def test_a_small_share_has_a_longer_period_as_the_least_quota_is_1_ms(self):
        self.assertEqual(self.made(0.05)["cpu.max"], "1000 20000")

    def test_without_a_share_there_is_no_quota(self):
        self.assertEqual(self.made(None), {"memory.max": "1048576"})

    def test_a_weight_is_written_where_it_is_not_the_normal_one(self):
        self.assertEqual(self.made(1, weight=10000)["cpu.weight"], "10000")


class Packets(unittest.TestCase):
    def test_the_largest_is_small_on_slow_links_and_costs_little_on_fast_ones(self):
        for bandwidth, bytes_ in ((12.5e6, 3028), (125e6, 25000), (1.25e9, 65536)):
            self.assertEqual(network._largest_packet_bytes(bandwidth), bytes_)



class Pinning(unittest.TestCase):
    def test_whole_hosts_have_processors_of_their_own(self):
        self.assertEqual(pinning.pinned({"a": 1.0, "b": 2.0}, {4, 5, 6}), {"a": [4], "b": [5, 6]})

    def test_parts_share_a_processor_that_no_whole_host_has(self):
        self.assertEqual(pinning.pinned({"a": 0.5, "b": 1.0, "c": 0.25, "d": 0.25}, {0, 1}),
                         {"a": [1], "b": [0], "c": [1], "d": [1]})
        self.assertEqual(pinning.pinned({"a": 1.5, "b": 0.5}, {0, 1}), {"a": [0, 1], "b": [1]})

    def test_rounding_is_no_part(self):
        self.assertEqual(pinning.pinned({"a": 3 * 0.1 / 0.3}, {0}), {"a": [0]})

    def test_the_rest_of_a_part_is_nobodys_where_no_other_host_has_it(self):
        self.assertEqual(pinning.sole_parts({"a": 1.0, "b": 0.25}, {"a": [0], "b": [1]}),
                         {"b": (1, 0.25)})
        self.assertEqual(pinning.sole_parts({"a": 1.5}, {"a": [0, 1]}), {"a": (1, 0.5)})
        self.assertEqual(pinning.sole_parts({"a": 0.5, "b": 0.5}, {"a": [0], "b": [0]}), {})

    def test_who_shares_a_processor(self):
        shares = {"a": 1.0, "b": 1.5, "c": 0.25, "d": 0.25}
        self.assertEqual(pinning.shared_parts(shares, {"a": [0], "b": [1, 2], "c": [2], "d": [2]}),
                         {2: ["b", "c", "d"]})
        self.assertEqual(pinning.shared_parts({"a": 0.5, "b": 0.5}, {"a": [0], "b": [1]}), {})

    def test_hosts_that_find_no_room_are_named(self):
        for shares, name in (({"a": 1.0, "b": 1.0, "c": 0.1}, "c"), ({"a": 3.0}, "a"),
                             ({"a": 0.6, "b": 0.6, "c": 0.6}, "c")):
            with self.assertRaisesRegex(InputError, f'"{name}"'):
                pinning.pinned(shares, {0, 1})


if __name__ == "__main__":
    unittest.main()
