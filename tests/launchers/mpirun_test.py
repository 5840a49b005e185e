"""`mpirun -np N cadastre run …` of OpenMPI, on one machine."""

import os
import shutil
import unittest

import launched_run
from launched_run import finish
from run_test_case import RunTestCase

_LAUNCH = ["mpirun", "--allow-run-as-root", "--oversubscribe", "--bind-to", "none"]


def reason_not_to_run():
    if shutil.which("mpirun") is None:
        return "there is no mpirun"
    said = finish(["mpirun", "--version"]).out
    return None if "Open MPI" in said else f"mpirun is not OpenMPI's: {said.strip()}"


class MpirunTest(RunTestCase):

    def run_ranks(self, num_ranks, plan, output, *more):
        return finish([*_LAUNCH, "-np", str(num_ranks), *self.world.command(plan, output, *more)],
                      cwd=self.world.directory)

    def test_gives_the_weights_of_a_local_run(self):
        for strategy, num_hosts in (("branch", 2), ("data-parallel", 3)):
            with self.subTest(strategy):
                plan = self.world.plan(strategy, num_hosts)
                output = self.world.output()
                self.check_trained(self.run_ranks(num_hosts, plan, output), plan, output)

    def test_two_runs_at_once_do_not_meet(self):
        plan = self.world.plan()
        outputs = [self.world.output(), self.world.output()]
        runs = [launched_run.start([*_LAUNCH, "-np", "2", *self.world.command(plan, output)])
                for output in outputs]
        for run, output in zip(runs, outputs):
            self.check_trained(launched_run.Finished(run), plan, output)

    def test_every_rank_says_that_the_world_does_not_fit(self):
        output = self.world.output()
        finished = self.run_ranks(3, self.world.plan(), output)
        # mpirun ends the others when one ends with a status: some may not come to say it.
        self.assertEqual(finished.status, 2, finished)
        self.assertEqual(set(finished.errors),
                         {"error: expected 2 ranks, as the plan has, found 3 that mpirun started"})
        self.assertLessEqual(len(finished.errors), 3)
        self.check_nothing_left(output)

    def test_local_is_local_even_there(self):
        plan = self.world.plan()
        output = self.world.output()
        self.check_trained(self.run_ranks(1, plan, output, "--local"), plan, output)


if __name__ == "__main__":
    if reason := reason_not_to_run():
        launched_run.skip(reason)
    os.environ.setdefault("OMPI_MCA_btl", "self,tcp")
    unittest.main()
