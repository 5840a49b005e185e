"""Runs on several hosts of the testbed: by --hosts over its ssh, and by the environment there."""

import unittest

import launched_run
from launched_run import Finished
from several_hosts import SeveralHostsTestCase, reason_not_to_run


class HostsTest(SeveralHostsTestCase):

    def test_by_ssh_gives_the_weights_of_a_local_run(self):
        for strategy in ("branch", "data-parallel"):
            with self.subTest(strategy):
                plan = self.plan(strategy)
                output = self.world.output()
                self.check_trained(self.run_by_ssh(plan, output), plan, output)

    def test_by_ssh_with_lines_in_another_order_and_with_names_of_hosts(self):
        plan = self.plan()
        for lines in (["node2", "node1"],
                      [f"root@{self.address('node2')} node2", "# the other", "",
                       f"{self.address('node1')} node1"]):
            with self.subTest(lines):
                output = self.world.output()
                self.check_trained(self.run_by_ssh(plan, output, lines=lines), plan, output)

    def test_by_the_environment_whatever_the_order_of_the_ranks(self):
        """A rank becomes that of the plan's host that it is on."""
        for strategy, order in (("branch", ["node1", "node2"]), ("branch", ["node2", "node1"]),
                                ("data-parallel", ["node2", "node1"])):
            with self.subTest(strategy=strategy, order=order):
                plan = self.plan(strategy)
                output = self.world.output()
                ranks = self.start_ranks(plan, output, order)
                finished = [Finished(rank) for rank in ranks]
                self.check_trained(finished[0], plan, output)
                self.assertEqual((finished[1].status, finished[1].err), (0, ""))

    def test_over_an_interface_that_is_named(self):
        plan = self.plan()
        output = self.world.output()
        interface = self.interface("node1")
        self.check_trained(self.run_by_ssh(plan, output, "--interface", interface), plan, output)


if __name__ == "__main__":
    if reason := reason_not_to_run():
        launched_run.skip(reason)
    unittest.main()
