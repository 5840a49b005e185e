"""`srun cadastre run …`, also of a batch script, on a Slurm that the test starts."""

import os
import unittest

import launched_run
import slurm_cluster
from launched_run import finish
from run_test_case import RunTestCase
from slurm_cluster import SlurmCluster, SlurmError

CLUSTER = None


class SlurmTest(RunTestCase):

    def run_ranks(self, num_ranks, plan, output, *more, **options):
        return finish(["srun", "--immediate=30", "-n", str(num_ranks), "--overcommit",
                       *self.world.command(plan, output, *more, **options)],
                      env=CLUSTER.environment)

    def test_gives_the_weights_of_a_local_run(self):
        for strategy, num_hosts in (("branch", 2), ("data-parallel", 3)):
            with self.subTest(strategy):
                plan = self.world.plan(strategy, num_hosts)
                output = self.world.output()
                self.check_trained(self.run_ranks(num_hosts, plan, output), plan, output)

    def test_steps_of_a_batch_script_do_too(self):
        """Two after each other; and one that srun does not start is not of several ranks."""
        plan = self.world.plan()
        outputs = [self.world.output() for _ in range(3)]
        lines = [" ".join(self.world.command(plan, output, *more))
                 for output, more in zip(outputs, ((), (), ("--local",)))]
        script = self.world.path("job.sh")
        with open(script, "w", encoding="utf-8") as stream:
            stream.write(f"#!/bin/sh\nset -e\nsrun {lines[0]}\nsrun {lines[1]}\n{lines[2]}\n")
        log = self.world.path("job.log")
        finished = finish(["sbatch", "--wait", "-n", "2", "--overcommit", "-o", log, script],
                          within_s=120, env=CLUSTER.environment)
        with open(log, encoding="utf-8") as stream:
            finished.err += stream.read()
        for output in outputs:
            self.check_trained(finished, plan, output)

    def test_every_rank_says_that_the_world_does_not_fit(self):
        output = self.world.output()
        finished = self.run_ranks(3, self.world.plan(), output)
        self.assertEqual(finished.status, 2, finished)
        self.assertEqual(
            finished.errors,
            ["error: expected 2 ranks, as the plan has, found 3 that Slurm started"] * 3)
        self.check_nothing_left(output)

    def test_every_rank_says_what_is_wrong_with_the_scene(self):
        output = self.world.output()
        finished = self.run_ranks(2, self.world.plan(), output,
                                  scene=os.path.join(self.world.directory, "no-scene"))
        self.assertEqual(finished.status, 2, finished)
        self.assertEqual(len(finished.errors), 2, finished)
        self.assertEqual(len(set(finished.errors)), 1)
        self.assertIn("no-scene", finished.errors[0])


if __name__ == "__main__":
    if reason := slurm_cluster.reason_not_to_run():
        launched_run.skip(reason)
    try:
        CLUSTER = SlurmCluster()
    except SlurmError as error:
        launched_run.skip(str(error))
    try:
        unittest.main()
    finally:
        CLUSTER.close()
