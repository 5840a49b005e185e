#!/usr/bin/env python3
"""What a host of a testbed is to the commands that run on it. Needs root, or ends with 77."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../executor/testbed"))

import hosts
import network
from errors import InputError
from hosts import Testbed
from test_support import (CONNECT, SEND, bytes_per_s, cluster, main, marked_processes, output,
                          program, python, receiving, unique, wait_until)


def processor_s(pids):
    """Seconds that processes have computed."""
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            ticks += sum(map(int, stream.read().rsplit(")", 1)[1].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def slowing_processes(name):
    return sorted(set(marked_processes("slowing.py")) & set(marked_processes(f"cadastre.{name}.")))


def may_go_before_others():
    code = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"
    return subprocess.run(python(code), capture_output=True, check=False).returncode == 0


def down_if_there(name):
    if name in hosts.names():
        hosts.down(name)


class SlowedHost(unittest.TestCase):
    """Hosts that have parts of processors, a quarter each."""

    def slowed_hosts(self, number):
        if not may_go_before_others():
            self.skipTest("this user may not go before others")
        document = cluster(number)
        for host in document["hosts"]:
            host["relative_speed"] = 0.25
        testbed = Testbed.up(document, unique("slowed"), pin=True)
        self.addCleanup(down_if_there, testbed.name)
        return testbed

    def test_a_testbed_tells_to_which_processors_its_hosts_are_bound(self):
        testbed = self.slowed_hosts(2)
        verbs = os.path.join(os.path.dirname(hosts.__file__), "testbed.py")
        said = subprocess.run([sys.executable, verbs, "processors", testbed.name],
                              capture_output=True, text=True, check=True)
        processors = json.loads(said.stdout)
        self.assertEqual(set(processors), {"node1", "node2"})
        self.assertEqual(processors["node1"], processors["node2"])  # a quarter each
        self.assertIn(processors["node1"][0], os.sched_getaffinity(0))

    def assert_in_short_turns_while_it_has_processes(self, testbed, most_s):
        slowing = slowing_processes(testbed.name)
        self.assertEqual(len(slowing), 1)
        # Counts how often another process took its turn on the host's processor.
        code = ("import resource, time\nend = time.monotonic() + 1\n"
                "before = resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw\n"
                "used = time.process_time()\nwhile time.monotonic() < end: pass\n"
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw - before, "
                "time.process_time() - used)")
        turns, used_s = map(float, output(testbed, "node1", python(code)).split())
        self.assertLess(used_s, most_s)
        self.assertGreater(turns, 200)
        before = processor_s(slowing)
        time.sleep(1)
        self.assertLess(processor_s(slowing) - before, 0.3)  # nobody runs there
        hosts.down(testbed.name)
        self.assertEqual(slowing_processes(testbed.name), [])

    def test_the_rest_of_its_own_processor_is_taken(self):
        self.assert_in_short_turns_while_it_has_processes(self.slowed_hosts(1), 0.5)

    def test_one_that_shares_a_processor_is_interrupted_as_often(self):
        self.assert_in_short_turns_while_it_has_processes(self.slowed_hosts(2), 0.35)


class OneTestbed(unittest.TestCase):
    """Tests that can share a testbed of two hosts."""

    @classmethod
    def setUpClass(cls):
        cls.testbed = Testbed.up(cluster(bandwidth="200Mbps"), unique("shared"), core_share=0.5)
        cls.addClassCleanup(hosts.down, cls.testbed.name)

    def test_a_host_has_its_name_its_address_and_no_other_interface(self):
        code = ("import socket, json; print(json.dumps([socket.gethostname(), "
                "socket.gethostbyname('node1'), socket.gethostbyname('node2'), "
                "sorted(name for _, name in socket.if_nameindex()), "
                "open('/etc/hostname').read()]))")
        self.assertEqual(json.loads(output(self.testbed, "node2", python(code))),
                         ["node2", "10.77.0.1", "10.77.0.2", ["eth0", "lo"], "node2\n"])
        self.assertEqual(output(self.testbed, "node2", ["ls", "/sys/class/net"]), "eth0\nlo\n")

    def test_this_machine_keeps_its_name_and_its_interfaces(self):
        before = (os.uname().nodename, os.listdir("/sys/class/net"))
        output(self.testbed, "node1", ["true"])
        self.assertEqual((os.uname().nodename, os.listdir("/sys/class/net")), before)

    def test_hosts_reach_each_other_by_name_at_their_bandwidth(self):
        rate = 25e6
        for sender, receiver in (("node1", "node2"), ("node2", "node1")):
            measured = bytes_per_s(self.testbed, sender, receiver, 10_000_000)
            print(f"{sender} to {receiver}: {measured / rate:.3f} of the link's rate")
            self.assertLess(measured, 1.02 * rate)
            self.assertGreater(measured, 0.5 * rate)

    def test_a_host_computes_no_more_than_its_share(self):
        code = ("import time\nend = time.monotonic() + 1\nbefore = time.process_time()\n"
                "while time.monotonic() < end: pass\nprint(time.process_time() - before)")
        used_s = float(output(self.testbed, "node1", python(code)))
        self.assertLess(used_s, 0.55)  # a period more than half a second
        self.assertGreater(used_s, 0.05)

    def test_a_host_that_needs_more_memory_than_it_has_loses_the_process(self):
        if "memory" not in self.testbed.place("node1")["parents"]:
            self.skipTest("no control group for memory can be made here")
        done = self.testbed.run("node1", python("b = b'x' * (3 << 30)"), capture_output=True)
        self.assertEqual(done.returncode, 128 + signal.SIGKILL)

    def test_the_commands_streams_directory_and_status_pass_through(self):
        done = self.testbed.run("node1", ["sh", "-c", "cat; pwd; echo bad >&2; exit 7"],
                                input="given\n", capture_output=True, text=True, cwd="/usr")
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("given\n/usr\n", "bad\n", 7))

    def test_a_command_that_a_signal_kills_ends_with_128_more(self):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV):
            done = self.testbed.run("node1", ["sh", "-c", f"kill -{int(number)} $$"])
            self.assertEqual(done.returncode, 128 + number)

    def test_a_command_that_is_not_there_ends_with_127(self):
        done = self.testbed.run("node1", ["/no/such"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr),
                         (127, "error: /no/such: No such file or directory\n"))

    def test_signals_go_to_the_command(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            process = self.testbed.start(
                "node1", ["sh", "-c", f"trap 'exit 5' {int(number)}; echo ready; "
                          "while :; do sleep 0.01; done"], stdout=subprocess.PIPE, text=True)
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=20), 5)
            process.stdout.close()

    def test_all_that_a_command_started_ends_with_it(self):
        mark = f"31{os.getpid()}"
        self.testbed.run("node1", ["sh", "-c", f"sleep {mark} & setsid sleep {mark} & exit 0"],
                         check=True)
        self.assertEqual(marked_processes(mark), [])

    def test_all_that_a_command_started_ends_when_it_is_killed(self):
        mark = f"32{os.getpid()}"
        process = self.testbed.start(
            "node1", ["sh", "-c", f"setsid sleep {mark} & echo ready; sleep {mark}"],
            stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        wait_until(lambda: len(marked_processes(f"sleep\0{mark}")) == 2)
        process.kill()
        process.wait()
        process.stdout.close()
        wait_until(lambda: not marked_processes(mark))

    def test_a_killed_host_loses_its_processes_and_its_neighbour_does_not(self):
        victim = self.testbed.start("node1", ["sleep", "1000"])
        other = self.testbed.start("node2", ["sleep", "1000"])
        wait_until(lambda: len(network.pids([self.testbed.place("node1")["namespace"]])) >= 2)
        self.testbed.kill("node1")
        self.assertNotEqual(victim.wait(timeout=20), 0)
        self.assertIsNone(other.poll())
        other.kill()
        other.wait()

    def test_a_cut_cable_carries_nothing_until_it_is_mended(self):
        with receiving(self.testbed, "node2") as receiver:
            self.testbed.set_link("node2", "down")
            try:
                done = self.testbed.run("node1", python(CONNECT, "node2", 0.5), capture_output=True)
                self.assertNotEqual(done.returncode, 0)
            finally:
                self.testbed.set_link("node2", "up")
            output(self.testbed, "node1", python(SEND, "node2", 1000))
            self.assertEqual(receiver.communicate(timeout=60)[0].split()[0], "1000")
        measured = bytes_per_s(self.testbed, "node1", "node2", 5_000_000)
        self.assertLess(measured, 1.02 * 25e6)  # mended, it is as slow as before

    def test_the_cluster_is_the_document_with_addresses(self):
        printed = json.loads(program("cluster", self.testbed.name).stdout)
        self.assertEqual([host["address"] for host in printed["hosts"]], ["10.77.0.1", "10.77.0.2"])
        for host in printed["hosts"]:
            del host["address"]
        self.assertEqual(printed, cluster(bandwidth="200Mbps"))

    def test_a_second_of_the_name_is_refused_and_the_first_stays(self):
        done = program("up", "/dev/null", "--name", self.testbed.name)
        self.assertEqual(done.returncode, 2)  # no document
        with self.assertRaisesRegex(InputError, "there is a testbed .* already"):
            Testbed.up(cluster(), self.testbed.name)
        self.assertEqual(output(self.testbed, "node1", ["echo", "here"]), "here\n")

    def test_what_is_not_there_is_refused(self):
        name = self.testbed.name
        for words, message in (
                (("exec", name, "node3", "--", "true"),
                 f'testbed "{name}" has no host "node3" (it has node1, node2)'),
                (("link", name, "node3", "down"), f'testbed "{name}" has no host "node3"'),
                (("exec", name, "node1", "--"), "expected a command after --"),
                (("exec", "nowhere", "node1", "--", "true"), 'there is no testbed "nowhere"'),
                (("down", "nowhere"), 'there is no testbed "nowhere"'),
                (("down", "../etc"), 'expected a name of up to 32 letters'),
                (("cluster", "nowhere"), 'there is no testbed "nowhere"')):
            done = program(*words)
            self.assertEqual((done.returncode, done.stdout), (2, ""), words)
            self.assertTrue(done.stderr.startswith(f"error: {message}"), done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)


if __name__ == "__main__":
    main()
