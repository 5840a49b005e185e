#!/usr/bin/env python3
"""The stand-in for ssh. Needs root, or ends with 77."""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../../executor/testbed"))

import hosts
from hosts import Testbed
from test_support import cluster, main, marked_processes, unique, wait_until


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

    def test_a_host_reaches_another_and_itself(self):
        for host in ("node2", "node1"):
            command = ["ssh", host, "hostname; ls /sys/class/net; wc -l < /proc/1/cgroup"]
            done = subprocess.run(self.testbed.command("node1", command), env=self.environment,
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.stdout.split()[:3], [host, "eth0", "lo"], done.stderr)
            self.assertGreater(int(done.stdout.split()[3]), 0)

    def test_killing_it_kills_what_it_started(self):
        mark = f"33{os.getpid()}"
        process = subprocess.Popen(["ssh", "node1", f"echo ready; sleep {mark}; true"],
                                   env=self.environment, stdout=subprocess.PIPE, text=True)
        process.stdout.readline()
        process.kill()
        process.wait()
        process.stdout.close()
        wait_until(lambda: not marked_processes(mark))


if __name__ == "__main__":
    main()
