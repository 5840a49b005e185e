"""`torchrun --no-python cadastre run …`, by Debian's PyTorch, on one machine."""

import unittest

import launched_run
from launched_run import finish, free_port
from run_test_case import RunTestCase

_PYTHON = "/usr/bin/python3"


def reason_not_to_run():
    if finish([_PYTHON, "-c", "import torch.distributed.run"]).status != 0:
        return f"{_PYTHON} has no torch.distributed.run"
    return None


class TorchrunTest(RunTestCase):

    def run_ranks(self, num_ranks, plan, output):
        # PyTorch 1.13 under Python 3.11 fails where standard output is not redirected.
        return finish([_PYTHON, "-m", "torch.distributed.run", "--no_python", "--redirects", "1",
                       "--tee", "1", "--log_dir", self.world.path("torchrun"),
                       "--monitor_interval", "0.2", f"--nproc_per_node={num_ranks}",
                       f"--master_port={free_port()}", *self.world.command(plan, output)],
                      within_s=120)

    def test_gives_the_weights_of_a_local_run(self):
        plan = self.world.plan("data-parallel", 2)
        output = self.world.output()
        self.check_trained(self.run_ranks(2, plan, output), plan, output)

    def test_every_rank_says_that_the_world_does_not_fit(self):
        output = self.world.output()
        finished = self.run_ranks(3, self.world.plan(), output)
        self.assertEqual(
            finished.errors,
            ["error: expected 2 ranks, as the plan has, found 3 that torchrun started"] * 3)
        self.check_nothing_left(output)


if __name__ == "__main__":
    if reason := reason_not_to_run():
        launched_run.skip(reason)
    unittest.main()
