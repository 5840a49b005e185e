#!/usr/bin/env python3
"""Testbeds that are made, used and removed. Needs root; ends with 77 and says why without."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import unittest
from unittest import mock

import control_groups
import hosts
import network
import testbed as testbed_program
from errors import InputError, TestbedError
from hosts import Testbed

PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "testbed.py")

# Listens, says so, and prints how many bytes came and when they had. Hosts have the same clock.
RECEIVE = """
import socket, time
server = socket.create_server(("", 5000))
print("ready", flush=True)
stream, _ = server.accept()
got = 0
while data := stream.recv(1 << 20):
    got += len(data)
print(got, time.monotonic(), flush=True)
"""
SEND = """
import socket, sys, time
print(time.monotonic())
with socket.create_connection((sys.argv[1], 5000), timeout=10) as stream:
    stream.sendall(bytes(int(sys.argv[2])))
"""
CONNECT = """
import socket, sys
socket.create_connection((sys.argv[1], 5000), timeout=float(sys.argv[2]))
"""


def cluster(num_hosts=2, bandwidth="1Gbps", **network_keys):
    return {"format": "cadastre-cluster/1", "name": "test",
            "hosts": [{"name": f"node{i + 1}", "memory_bytes": "1GiB"} for i in range(num_hosts)],
            "network": {"bandwidth_bytes_per_s": bandwidth, "latency_s": "25us"} | network_keys}


def program(*words, **options):
    return subprocess.run([sys.executable, PROGRAM, *words], capture_output=True, text=True,
                          timeout=60, check=False, **options)


def python(code, *arguments):
    return [sys.executable, "-c", code, *map(str, arguments)]


def output(testbed, host, command, **options):
    return testbed.run(host, command, stdout=subprocess.PIPE, text=True, check=True, timeout=60,
                       **options).stdout


def receiving(testbed, host):
    receiver = testbed.start(host, python(RECEIVE), stdout=subprocess.PIPE, text=True)
    assert receiver.stdout.readline() == "ready\n"
    return receiver


def bytes_per_s(testbed, sender, receiver, num_bytes):
    with receiving(testbed, receiver) as process:
        start_s = float(output(testbed, sender, python(SEND, receiver, num_bytes)))
        got, end_s = process.communicate(timeout=60)[0].split()
    assert int(got) == num_bytes
    return num_bytes / (float(end_s) - start_s)


def marked_processes(mark):
    """Processes of this machine with `mark` in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                if mark.encode() in stream.read() and int(pid) != os.getpid():
                    found.append(int(pid))
        except OSError:
            pass
    return found


def wait_until(condition, within_s=20):
    end = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


def unique(name):
    """Other runs of this test may be under way."""
    return f"{name}-{os.getpid()}"


def remains(name):
    """What is there of a testbed: namespaces, control groups, files."""
    prefix = f"cadastre.{name}."
    directories = [network.NAMESPACES] + [parent for _, parent in
                                          control_groups.find_parents().values()]
    return ([entry for directory in directories for entry in hosts._entries(directory)
             if entry.startswith(prefix)] + [entry for entry in hosts._entries(hosts.STATE)
                                             if entry == name])


class OneTestbed(unittest.TestCase):
    """Tests that can share a testbed of two hosts."""

    @classmethod
    def setUpClass(cls):
        cls.testbed = Testbed.up(cluster(bandwidth="200Mbps"), unique("shared"), core_share=0.5)
        cls.addClassCleanup(hosts.down, cls.testbed.name)

    def test_a_host_has_its_name_its_address_and_no_other_interface(self):
        code = ("import socket, json; print(json.dumps([socket.gethostname(), "
                "socket.gethostbyname('node1'), socket.gethostbyname('node2'), "
                "sorted(name for _, name in socket.if_nameindex()), open('/etc/hostname').read()]))")
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
        self.assertNotEqual(marked_processes(f"sleep\0{mark}"), [])
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


class Ssh(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.testbed = Testbed.up(cluster(), unique("ssh"), core_share=0.5)
        cls.addClassCleanup(hosts.down, cls.testbed.name)
        cls.environment = os.environ | {
            "PATH": f"{cls.testbed.ssh_directory}:{os.environ['PATH']}", "SECRET": "kept"}

    def ssh(self, *words, **options):
        return subprocess.run(["ssh", *words], env=self.environment, capture_output=True, text=True,
                              timeout=60, check=False, **options)

    def test_a_command_runs_on_the_host_by_name_or_address(self):
        for host in ("node2", "root@node2", "10.77.0.2"):
            done = self.ssh("-o", "BatchMode=yes", host, "hostname")
            self.assertEqual((done.returncode, done.stdout), (0, "node2\n"), done.stderr)

    def test_words_are_joined_and_split_again_by_a_shell(self):
        done = self.ssh("node1", "echo", "a  b", "'c  d'", "$HOME;", "exit", "3")
        self.assertEqual((done.returncode, done.stdout), (3, "a b c  d /root\n"))

    def test_the_environment_is_that_of_a_login(self):
        done = self.ssh("node1", "env; pwd")
        self.assertNotIn("SECRET", done.stdout)
        self.assertNotIn("CADASTRE_TESTBED", done.stdout)
        self.assertTrue(done.stdout.endswith("/root\n"))

    def test_standard_input_passes_through_unless_told_otherwise(self):
        self.assertEqual(self.ssh("node1", "cat", input="given").stdout, "given")
        self.assertEqual(self.ssh("-n", "node1", "cat", input="given").stdout, "")

    def test_a_host_that_is_not_there_or_cut_off_ends_with_255(self):
        done = self.ssh("node9", "true")
        self.assertEqual(done.returncode, 255)
        self.assertIn("Could not resolve hostname node9", done.stderr)
        self.testbed.set_link("node2", "down")
        done = self.ssh("node2", "true")
        self.testbed.set_link("node2", "up")
        self.assertEqual(done.returncode, 255)
        self.assertIn("No route to host", done.stderr)

    def test_a_host_reaches_another(self):
        done = subprocess.run(self.testbed.command("node1", ["ssh", "node2", "hostname"]),
                              env=self.environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout, "node2\n", done.stderr)

    def test_killing_it_kills_what_it_started(self):
        mark = f"33{os.getpid()}"
        process = subprocess.Popen(["ssh", "node1", f"echo ready; sleep {mark}; true"],
                                   env=self.environment, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
        wait_until(lambda: not marked_processes(mark))


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


class Removal(unittest.TestCase):
    def test_nothing_is_left_of_a_testbed_in_use(self):
        mark = f"34{os.getpid()}"
        name = unique("used")
        testbed = Testbed.up(cluster(3), name)
        running = [testbed.start(host, ["sh", "-c", f"trap '' TERM; setsid sleep {mark} & "
                                        f"sleep {mark}"]) for host in testbed.hosts]
        # One that came by other means, and is in no control group of the testbed.
        running.append(subprocess.Popen(["ip", "netns", "exec", f"cadastre.{name}.node1", "sleep",
                                         mark]))
        wait_until(lambda: len(marked_processes(f"sleep\0{mark}")) >= 4)
        self.assertNotEqual(remains(name), [])
        self.assertEqual(program("down", name).returncode, 0)
        self.assertEqual(remains(name), [])
        for process in running:
            self.assertNotEqual(process.wait(timeout=20), 0)
        self.assertEqual(marked_processes(mark), [])
        with self.assertRaises(InputError):
            Testbed(name)

    def test_others_with_a_name_that_begins_alike_stay(self):
        name = unique("a")
        with Testbed.up(cluster(), name + "-b") as other:
            Testbed.up(cluster(), name)
            hosts.down(name)
            self.assertEqual(remains(name), [])
            self.assertEqual(output(other, "node1", ["hostname"]), "node1\n")

    def test_what_was_half_built_when_making_it_failed_is_removed(self):
        name = unique("half")
        for where in ("network.run", "network.add_namespace", "control_groups.make"):
            calls = 0
            original = getattr(sys.modules[where.split(".")[0]], where.split(".")[1])

            def fail_later(*arguments, original=original, **options):
                nonlocal calls
                calls += 1
                if calls == 2:
                    raise TestbedError("no more")
                return original(*arguments, **options)

            with mock.patch(where, fail_later):
                with self.assertRaisesRegex(TestbedError, "^no more$"):
                    Testbed.up(cluster(), name)
            self.assertEqual(remains(name), [], where)

    def test_what_a_crash_left_is_listed_and_removed(self):
        name = unique("crashed")
        process = subprocess.Popen(
            [sys.executable, "-c", "import sys, os, signal; sys.path.insert(0, sys.argv[1])\n"
             "import control_groups, hosts\n"
             "control_groups.make = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
             f"hosts.Testbed.up({cluster()!r}, {name!r})", os.path.dirname(PROGRAM)])
        self.assertEqual(process.wait(timeout=60), -signal.SIGKILL)
        self.assertIn(name, program("list").stdout.split())
        self.assertEqual(program("down", name).returncode, 0)
        self.assertEqual(remains(name), [])
        network.run("ip", "netns", "add", f"cadastre.{name}.node1")  # its files are lost
        self.assertIn(name, program("list").stdout.split())
        self.assertEqual(program("down", name).returncode, 0)
        self.assertEqual(remains(name), [])

    def test_an_error_in_a_block_removes_the_testbed(self):
        name = unique("block")
        with self.assertRaises(ZeroDivisionError):
            with Testbed.up(cluster(), name):
                raise ZeroDivisionError
        self.assertEqual(remains(name), [])

    def test_testbeds_made_and_removed_at_once_do_not_disturb_each_other(self):
        failures = []

        def cycle(name):
            try:
                for _ in range(2):
                    with Testbed.up(cluster(), name, None) as testbed:
                        if output(testbed, "node2", ["hostname"]) != "node2\n":
                            failures.append(name)
            except BaseException as error:  # noqa: B902 - in a thread, it would be lost
                failures.append(f"{name}: {error}")

        threads = [threading.Thread(target=cycle, args=(unique(f"at-once-{i}"),)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


class Requests(unittest.TestCase):
    def test_a_host_with_more_processors_than_the_machine_is_refused(self):
        document = cluster()
        document["hosts"][1]["cores"] = 4096
        with self.assertRaisesRegex(InputError, 'expected "node2" to have from 0.001 to '):
            Testbed.up(document, unique("large"))
        self.assertEqual(remains(unique("large")), [])

    def test_a_wrong_request_is_one_line_and_status_2(self):
        for words in (("up", "/no/such.json", "--name", "x"), ("up", "/dev/null", "--name", "x"),
                      ("up", "/dev/null", "--name", "a/b")):
            done = program(*words)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
        for words in ((), ("upp",), ("up", "/dev/null"), ("link", "x", "y", "sideways"),
                      ("up", "/dev/null", "--name", "x", "--core-share", "-1")):
            self.assertEqual(program(*words).returncode, 2)

    def test_who_is_not_root_is_told_so(self):
        said = io.StringIO()
        with mock.patch("os.geteuid", lambda: 65534), contextlib.redirect_stderr(said):
            self.assertEqual(testbed_program.main(["list"]), 2)
            self.assertEqual(hosts.reason_not_to_run(), "a testbed needs root")
        self.assertEqual(said.getvalue(), "error: a testbed needs root\n")


if __name__ == "__main__":
    if reason := hosts.reason_not_to_run():
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
