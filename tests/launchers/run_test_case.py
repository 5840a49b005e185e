"""The checks on a run that these tests share."""

import os
import unittest

import launched_run
from launched_run import World, wait_until


class RunTestCase(unittest.TestCase):
    """Has a `world`; leaves no process of it."""

    @classmethod
    def setUpClass(cls):
        cls.world = cls.enterClassContext(World()) if hasattr(cls, "enterClassContext") else World()
        if not hasattr(cls, "enterClassContext"):
            cls.addClassCleanup(cls.world.__exit__)

    def tearDown(self):
        left = self.world.processes()
        for pid in left:
            os.kill(pid, 9)
        self.assertEqual(left, [], "processes were left")

    def check_trained(self, finished, plan, output):
        """It went well and gave the weights of --local."""
        self.assertEqual(finished.status, 0, finished)
        self.assertEqual(finished.errors, [])
        self.assertTrue(launched_run.weights(output) == self.world.local_weights(plan),
                        "weights.pt differs from that of --local")

    def check_ended(self, finished, pattern, status, output):
        """It ended with this status and one line, and left no process and no output."""
        self.assertFalse(finished.hung, finished)
        self.assertEqual(finished.status, status, finished)
        self.assertEqual(finished.err.count("\n"), 1, finished)
        self.assertRegex(finished.err, f"^error: {pattern}\n$")
        self.check_nothing_left(output)

    def check_nothing_left(self, output):
        # A process that a kill has reached takes a moment to be gone.
        wait_until(lambda: not self.world.processes(), within_s=10)
        self.assertFalse(os.path.exists(output), output)

    def check_refused(self, finished, pattern, output):
        self.check_ended(finished, pattern, 2, output)
