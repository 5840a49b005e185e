"""Maps that several hosts of the testbed make: by --hosts over its ssh, and by the environment there."""

import json
import os
import signal
import unittest

import launched_run
from launched_run import Finished, environment, finish, start, wait_until
from several_hosts import PORT, SeveralHostsTestCase, reason_not_to_run

EXECUTOR = os.path.join(os.path.dirname(launched_run.PROGRAM), "cadastre-executor")


class PredictTest(SeveralHostsTestCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        plan = cls.world.plan("single")
        cls.run_directory = cls.world.output()
        finished = finish(cls.world.command(plan, cls.run_directory, "--local"))
        if finished.status != 0:
            raise AssertionError(f"training: {finished}")
        cls.alone = cls.world.path("alone.tif")
        finished = finish(cls.predict(cls.alone, "--threads", 1))
        if finished.status != 0:
            raise AssertionError(f"one host: {finished}")

    @classmethod
    def predict(cls, output, *more):
        return [launched_run.PROGRAM, "predict", "--run", cls.run_directory, "--quiet", "--json",
                "-o", output, *map(str, more)]

    def by_ssh(self, output, *more):
        hosts_file = self.world.path("hosts.txt")
        with open(hosts_file, "w", encoding="utf-8") as stream:
            stream.write("node1\nnode2\n")
        return self.testbed.command("node1", self.predict(
            output, "--hosts", hosts_file, "--ssh", f"{self.testbed.ssh_directory}/ssh", *more))

    def check_map(self, finished, output, hosts=("node1", "node2")):
        """It went well, and the map is that of one host."""
        self.assertEqual((finished.status, finished.err), (0, ""), finished)
        with open(output, "rb") as made, open(self.alone, "rb") as alone:
            self.assertTrue(made.read() == alone.read(), "the map differs from that of one host")
        told = json.loads(finished.out)
        self.assertEqual(sorted(rank["host"] for rank in told["ranks"]), sorted(hosts))
        return told

    def test_by_ssh_with_whole_networks_and_as_planned(self):
        for name, more in (("whole", []),
                           ("branch", ["--plan", self.plan("branch")]),
                           ("data-parallel", ["--plan", self.plan("data-parallel"),
                                              "--data", self.world.scene])):
            with self.subTest(name):
                output = self.world.path(f"{name}.tif")
                self.check_map(Finished(start(self.by_ssh(output, *more))), output)

    def test_by_the_environment(self):
        for name, more in (("environment", []), ("planned", ["--plan", self.plan("branch")])):
            with self.subTest(name):
                output = self.world.path(f"{name}.tif")
                ranks = []
                for number, host in enumerate(("node2", "node1")):
                    own = environment(RANK=number, WORLD_SIZE=2, MASTER_ADDR="node2",
                                      MASTER_PORT=PORT)
                    ranks.append(start(self.testbed.command(host, self.predict(output, *more)),
                                       env=own))
                finished = [Finished(rank) for rank in ranks]
                # All hosts of the testbed are of one machine's name, which a plan's are not.
                hosts = [rank["host"] for rank in json.loads(finished[0].out)["ranks"]]
                self.check_map(finished[0], output, hosts)
                self.assertEqual((finished[1].status, finished[1].err), (0, ""), finished[1])

    def test_a_host_that_hangs_leaves_its_tiles_to_the_other(self):
        output = self.world.path("hanging.tif")
        process = start(self.by_ssh(output, "--data", self.world.scene, "--tta"))
        wait_until(lambda: os.path.isdir(f"{output}.partial") and
                   any(name.endswith(".tile") for name in os.listdir(f"{output}.partial")))
        os.kill(self.rank_process(1), signal.SIGSTOP)
        finished = Finished(process)
        self.assertEqual(finished.status, 0, finished)
        told = json.loads(finished.out)
        self.assertEqual([rank.get("was_lost", False) for rank in told["ranks"]], [False, True])
        self.assertRegex(told["notes"][0], r"^rank 1 \(host node2\) has not answered for 20 s, ")

    def rank_process(self, number):
        """The process of a rank; None while there is none."""
        for pid in self.world.processes():
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                words = stream.read().decode().split("\0")
            if words[:2] == [EXECUTOR, "predict-rank"] and \
                    words[words.index("--number") + 1] == str(number):
                return pid
        return None


if __name__ == "__main__":
    if reason := reason_not_to_run():
        launched_run.skip(reason)
    unittest.main()
