#!/usr/bin/env python3
"""Making and removing testbeds, whatever goes wrong. Needs root, or ends with 77."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../executor/testbed"))

import control_groups
import hosts
import network
import testbed as testbed_program
from errors import InputError, TestbedError
from hosts import Testbed
from test_support import (PROGRAM, cluster, main, marked_processes, output, program, remains,
                          unique, wait_until)


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
    main()
