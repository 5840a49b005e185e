"""What goes wrong on several hosts of the testbed: named, by status 2 before the first step, by 1
after it, with nothing left running."""

import os
import signal
import unittest

import launched_run
from launched_run import Finished, rank_process, wait_until
from several_hosts import PORT, SeveralHostsTestCase, reason_not_to_run

_MANY_STEPS = 1000000
# A run goes on for as long as a test needs, and its first steps are over soon.
_PLACE = r"(, in step \d+ at [^;]+)?(; rank [^;]+ waited for it in step \d+ at [^;]+)?"
_RANK = r"rank \d \(host {}, stages? [\d, ]+\)"


class RefusedTest(SeveralHostsTestCase):
    """Before a step runs: status 2."""

    def check_all_refused(self, ranks, pattern, output):
        for rank in [Finished(rank) for rank in ranks]:
            self.check_refused(rank, pattern, output)

    def test_a_host_that_cannot_be_reached(self):
        self.testbed.set_link("node2", "down")
        self.addCleanup(self.testbed.set_link, "node2", "up")
        output = self.world.output()
        self.check_refused(self.run_by_ssh(self.plan(), output),
                           _RANK.format("node2") + r" ended with status 255: ssh: connect to host "
                           "node2 port 22: No route to host", output)

    def test_a_host_that_there_is_not(self):
        plan = self.plan()
        for line in ("node3 node2", "no-such.invalid node2"):
            with self.subTest(line):
                output = self.world.output()
                self.check_refused(self.run_by_ssh(plan, output, lines=["node1", line]),
                                   _RANK.format("node2") + " ended with status 255: .*" +
                                   line.split()[0] + ".*", output)

    def test_a_plan_with_another_machines_address(self):
        output = self.world.output()
        plan = self.plan(node2={"address": "10.99.0.1"})
        self.check_refused(self.run_by_ssh(plan, output),
                           _RANK.format("node2") + ": expected the machine of the plan's host "
                           r"node2, address 10\.99\.0\.1, found node2 \(.*\)", output)

    def test_a_plan_with_a_loopback_address(self):
        plan = self.plan(node2={"address": "127.0.0.1"})
        pattern = "(" + _RANK.format("node2") + ": )?expected an address that other machines " \
                  "reach, found that the plan's host node2, 127.0.0.1, is 127.0.0.1 on node2; .*"
        output = self.world.output()
        self.check_refused(self.run_by_ssh(plan, output), pattern, output)
        output = self.world.output()
        self.check_all_refused(self.start_ranks(plan, output), pattern, output)

    def test_a_rank_0_at_a_loopback_address(self):
        """Each rank takes itself for where rank 0 is: as when a host's name is 127.0.1.1."""
        output = self.world.output()
        ranks = self.start_ranks(self.plan(), output, more=[("--patience", 3)] * 2,
                                 variables=[{"MASTER_ADDR": "127.0.0.1"}] * 2)
        finished = [Finished(rank) for rank in ranks]
        self.check_refused(finished[0], "expected 2 ranks to report within 3 s, found nothing of "
                                        "rank 1.*", output)
        self.check_refused(finished[1], rf"cannot reach 127\.0\.0\.1, port {PORT}: Connection "
                                        "refused.*", output)

    def test_an_interface_that_one_host_has_not(self):
        with self.subTest("environment"):
            output = self.world.output()
            self.check_all_refused(
                self.start_ranks(self.plan(), output, more=[(), ("--interface", "no0")]),
                _RANK.format("node2") + ": .*no0.*", output)
        with self.subTest("ssh"):
            output = self.world.output()
            self.check_refused(self.run_by_ssh(self.plan(), output, "--interface", "no0"),
                               ".*no0.*", output)

    def test_the_loopback_interface(self):
        output = self.world.output()
        self.check_refused(self.run_by_ssh(self.plan(), output, "--interface", "lo"),
                           ".*expected an address that other machines reach, found that the "
                           r"interface lo is 127\.0\.0\.1 on node\d.*", output)

    def test_a_host_with_less_memory_than_its_stage_needs(self):
        document = self.world.read(self.plan("data-parallel"))
        for layer in document["profile"]["layers"]:
            layer["saved_bytes_per_sample"] += 30 << 20
        for host in document["cluster"]["hosts"]:
            host["memory_bytes"] = 1 << 40
        plan = self.world.write("large.json", document)
        pattern = r"rank 0 \(host node1, stage 0\): expected \d+\.\d+ GB of free memory for its " \
                  r"part, found [12]\.\d+ GB on node1"
        output = self.world.output()
        self.check_refused(self.run_by_ssh(plan, output), pattern, output)
        output = self.world.output()
        self.check_all_refused(self.start_ranks(plan, output), pattern, output)

    def test_a_world_that_does_not_fit_the_plan(self):
        output = self.world.output()
        self.check_all_refused(self.start_ranks(self.plan("single"), output),
                               "expected 1 ranks?, as the plan has, found 2 that the launcher "
                               "started", output)

    def test_different_plans(self):
        output = self.world.output()
        self.check_all_refused(
            self.start_ranks([self.plan(), self.plan("data-parallel")], output),
            r"expected the same plan and training settings on all ranks, found others on rank 1 "
            r"\(host node2\)", output)

    def test_a_scene_that_one_host_has_not(self):
        """The hosts share this machine's files: each is given a path of its own."""
        output = self.world.output()
        first, _ = self.start_ranks_with_scenes(output, [self.world.scene,
                                                         self.world.path("no-scene")])
        self.check_refused(first, _RANK.format("node2") + ": .*no-scene.*", output)

    def start_ranks_with_scenes(self, output, scenes):
        plan = self.plan()
        ranks = []
        for number, scene in enumerate(scenes):
            command = self.world.command(plan, output, scene=scene)
            ranks.append(launched_run.start(
                self.testbed.command(f"node{number + 1}", command),
                env=launched_run.environment(RANK=number, WORLD_SIZE=2, MASTER_ADDR="node1",
                                             MASTER_PORT=PORT)))
        finished = [Finished(rank) for rank in ranks]
        for rank in finished:
            self.check_refused(rank, ".*no-scene.*", output)
        return finished

    def test_an_ssh_that_there_is_not(self):
        output = self.world.output()
        self.check_refused(self.run_by_ssh(self.plan(), output, ssh="/no/such/ssh -q"),
                           "/no/such/ssh cannot be started: No such file or directory", output)

    def test_a_program_that_is_not_on_the_hosts(self):
        output = self.world.output()
        self.check_refused(
            self.run_by_ssh(self.plan(), output, "--remote-program", "/no/such/executor"),
            _RANK.format(r"node\d") + " ended with status 127: .*/no/such/executor.*No such file "
            "or directory", output)

    def test_hosts_that_do_not_fit_the_plan(self):
        plan = self.plan()
        for lines, message in ((["node1"], "expected a line for the plan's host node2, found none"),
                               ([], "expected a line for each host, found none"),
                               (["node1", "node2 node1"], "expected each host once, found node1 "
                                                          "again"),
                               (["node1", "-oProxyCommand=true node2"],
                                'expected a destination of ssh, found "-oProxyCommand=true"')):
            with self.subTest(lines):
                output = self.world.output()
                self.check_refused(self.run_by_ssh(plan, output, lines=lines),
                                   f".*{output}.hosts(:\\d)?: {message}", output)


class EndedTest(SeveralHostsTestCase):
    """In the middle of a run: status 1."""

    def start_long(self, by_ssh, order=("node1", "node2")):
        output = self.world.output()
        none = ("--checkpoint-every", 0)
        if by_ssh:
            processes = [self.start_by_ssh(self.plan(), output, *none, steps=_MANY_STEPS)]
        else:
            processes = self.start_ranks(self.plan(), output, order, more=(none, none),
                                         steps=_MANY_STEPS)
        # Ranks say nothing of their steps with --quiet: connected with each other, they compute.
        wait_until(lambda: len(self.world.executors()) == 2 and self.is_training())
        return output, processes

    def is_training(self):
        """All ranks have computed: they were told to begin."""
        return all(_cpu_seconds(pid) > 1.5 for pid in self.world.executors())

    def check_all_ended(self, processes, pattern, output, within_s=180):
        for process in processes:
            self.check_ended(Finished(process, within_s), pattern, 1, output)

    def test_a_rank_that_is_killed(self):
        for by_ssh, cause in ((True, r"(died: its connection closed|ended with status \d+.*)"),
                              (False, "died: its connection closed")):
            with self.subTest(by_ssh=by_ssh):
                output, processes = self.start_long(by_ssh)
                os.kill(rank_process(self.world, 1), signal.SIGKILL)
                self.check_all_ended(processes[:1], rf"rank \d \(host node\d, stage \d\) {cause}, "
                                     r"after \d+ steps" + _PLACE + "; the other ranks were ended", output)
                for process in processes[1:]:
                    self.assertNotEqual(Finished(process).status, 0)

    def test_a_killed_rank_goes_by_the_host_that_it_was_on(self):
        output, processes = self.start_long(False, order=("node2", "node1"))
        os.kill(rank_process(self.world, 1), signal.SIGKILL)  # the launcher's number 1: on node1
        self.check_all_ended(processes[:1], _RANK.format("node1") + " died: .*", output)
        Finished(processes[1])

    def test_rank_0_that_is_killed(self):
        output, processes = self.start_long(False)
        coordinator = next(pid for pid in self.world.processes()
                           if self.is_coordinator(pid))
        os.kill(coordinator, signal.SIGKILL)
        self.assertNotEqual(Finished(processes[0]).status, 0)
        self.check_ended(Finished(processes[1]), f"lost the coordinator at node1, port {PORT}: it "
                                                 "closed the connection", 1, output=self.world.path(
                                                     "no"))
        # Nobody was left to remove what it had made.
        self.assertEqual(os.listdir(output) if os.path.exists(output) else [], [])

    def is_coordinator(self, pid):
        with open(f"/proc/{pid}/cmdline", "rb") as stream:
            words = stream.read().decode().split("\0")
        return words[0] == launched_run.PROGRAM and words[1] == "run"

    def test_an_interrupt(self):
        for by_ssh in (True, False):
            with self.subTest(by_ssh=by_ssh):
                output, processes = self.start_long(by_ssh)
                processes[0].send_signal(signal.SIGINT)
                self.check_all_ended(processes, "interrupted by Interrupt; the ranks were ended",
                                     output)

    def test_a_link_that_is_cut(self):
        """The ranks cannot tell a cut cable from a slow host; after 20 s they take it for one."""
        for by_ssh in (True, False):
            with self.subTest(by_ssh=by_ssh):
                output, processes = self.start_long(by_ssh)
                self.testbed.set_link("node2", "down")
                try:
                    finished = [Finished(process, within_s=45) for process in processes]
                finally:
                    self.testbed.set_link("node2", "up")
                self.check_ended(finished[0], _RANK.format("node2") + " has not answered for 20 s, "
                                 r"after \d+ steps" + _PLACE + "; the other ranks were ended", 1, output)
                for other in finished[1:]:
                    self.check_ended(other, f"lost the coordinator at node1, port {PORT}: it has "
                                     "not been heard of for 30 s", 1, output)


def _cpu_seconds(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stream:
            fields = stream.read().rsplit(")", 1)[1].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    if reason := reason_not_to_run():
        launched_run.skip(reason)
    unittest.main()
