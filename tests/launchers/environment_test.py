"""Ranks by RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT alone, on one machine."""

import socket
import threading
import unittest

from launched_run import Finished, environment, finish, free_port, start
from run_test_case import RunTestCase


class Stranger:
    """Listens at a port, and sends each who connects `answer` and closes; without one, neither."""

    def __init__(self, answer):
        self._answer = answer
        self._server = socket.create_server(("", 0))
        self.port = self._server.getsockname()[1]
        self._connections = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for stream in [self._server, *self._connections]:
            stream.close()

    def _serve(self):
        while True:
            try:
                stream, _ = self._server.accept()
            except OSError:
                return
            self._connections.append(stream)
            if self._answer is not None:
                stream.recv(1 << 16)  # closing with bytes unread would reset the connection
                stream.sendall(self._answer)
                stream.close()


class EnvironmentTest(RunTestCase):

    def start_ranks(self, plan, output, num_ranks=2, more=(), variables=(), world_size=None):
        port = free_port()
        ranks = []
        for rank in range(num_ranks):
            own = {"RANK": rank, "WORLD_SIZE": world_size or num_ranks, "MASTER_ADDR": "127.0.0.1",
                   "MASTER_PORT": port}
            own.update(variables[rank] if variables else {})
            ranks.append(start(
                self.world.command(plan, output, *(more[rank] if more else ())),
                env=environment(**{name: value for name, value in own.items()
                                   if value is not None})))
        return ranks

    def run_ranks(self, *arguments, **options):
        return [Finished(rank) for rank in self.start_ranks(*arguments, **options)]

    def check_all_refused(self, ranks, pattern, output):
        for finished in ranks:
            self.check_refused(finished, pattern, output)

    def test_gives_the_weights_of_a_local_run(self):
        for strategy, num_hosts in (("branch", 2), ("data-parallel", 3), ("single", 1)):
            with self.subTest(strategy):
                plan = self.world.plan(strategy, num_hosts)
                output = self.world.output()
                ranks = self.run_ranks(plan, output, num_hosts)
                self.check_trained(ranks[0], plan, output)
                for other in ranks[1:]:
                    self.assertEqual((other.status, other.out, other.err), (0, "", ""))

    def test_refuses_a_world_that_does_not_fit_the_plan(self):
        plan = self.world.plan()
        for num_ranks in (1, 3):
            with self.subTest(num_ranks):
                output = self.world.output()
                self.check_all_refused(
                    self.run_ranks(plan, output, num_ranks),
                    f"expected 2 ranks, as the plan has, found {num_ranks} that the launcher "
                    "started", output)

    def test_refuses_ranks_with_different_plans(self):
        plans = [self.world.plan(), self.world.plan("data-parallel")]
        output = self.world.output()
        port = free_port()
        ranks = [start(self.world.command(plan, output),
                       env=environment(RANK=rank, WORLD_SIZE=2, MASTER_ADDR="127.0.0.1",
                                       MASTER_PORT=port))
                 for rank, plan in enumerate(plans)]
        self.check_all_refused(
            [Finished(rank) for rank in ranks],
            r"expected the same plan and training settings on all ranks, found others on rank 1 "
            r"\(host \S+\)", output)

    def test_refuses_ranks_with_different_settings(self):
        plan = self.world.plan()
        output = self.world.output()
        self.check_all_refused(
            self.run_ranks(plan, output, more=[(), ("--seed", 2)]),
            r"expected the same plan and training settings on all ranks, found others on rank 1 "
            r"\(host \S+\)", output)

    def test_refuses_a_plan_that_one_rank_cannot_read(self):
        plan = self.world.plan()
        for broken in (0, 1):
            with self.subTest(broken):
                output = self.world.output()
                port = free_port()
                plans = [plan, plan]
                plans[broken] = self.world.path("no-plan.json")
                ranks = [start(self.world.command(plans[rank], output),
                               env=environment(RANK=rank, WORLD_SIZE=2, MASTER_ADDR="127.0.0.1",
                                               MASTER_PORT=port)) for rank in (0, 1)]
                self.check_all_refused([Finished(rank) for rank in ranks],
                                       "(rank 1 .*: )?.*no-plan.json.*", output)

    def test_refuses_an_incomplete_environment(self):
        plan = self.world.plan()
        cases = [
            ({"MASTER_ADDR": None}, "expected the environment variable MASTER_ADDR from the "
                                    "launcher, found none"),
            ({"MASTER_PORT": None}, "expected the environment variable MASTER_PORT from the "
                                    "launcher, found none"),
            ({"MASTER_PORT": "70000"}, "expected a number from 1 to 65535 in the environment "
                                       'variable MASTER_PORT from the launcher, found "70000"'),
            ({"MASTER_PORT": ""}, "expected the environment variable MASTER_PORT from the "
                                  "launcher, found an empty one"),
            ({"WORLD_SIZE": None}, "expected the environment variable WORLD_SIZE from the "
                                   "launcher, found none"),
            ({"WORLD_SIZE": "0"}, "expected a number from 1 to 1048576 in the environment variable "
                                  'WORLD_SIZE from the launcher, found "0"'),
            ({"RANK": None}, "expected the environment variable RANK from the launcher, found "
                             "none"),
            ({"RANK": "two"}, "expected a number from 0 to 1 in the environment variable RANK from "
                              'the launcher, found "two"'),
            ({"RANK": "2"}, "expected a number from 0 to 1 in the environment variable RANK from "
                            'the launcher, found "2"'),
        ]
        for variables, message in cases:
            with self.subTest(variables):
                output = self.world.output()
                self.check_all_refused(
                    self.run_ranks(plan, output, variables=[variables, variables]), message,
                    output)

    def test_refuses_a_port_that_is_taken(self):
        """By a program that says nothing, one that closes, one that speaks another language."""
        for answer, cause in ((None, "it has not been heard of for 10 s"),
                              (b"", "it closed the connection"),
                              (b"HTTP/1.1 400 Bad Request\r\n\r\n", "expected a frame")):
            with self.subTest(answer), Stranger(answer) as stranger:
                output = self.world.output()
                ranks = self.run_ranks(self.world.plan(), output,
                                       variables=[{"MASTER_PORT": stranger.port}] * 2)
                self.check_refused(ranks[0], f"cannot listen on 127.0.0.1, port "
                                             f"{stranger.port}: Address already in use", output)
                self.check_refused(ranks[1], "expected the coordinator of the run at 127.0.0.1, "
                                             f"port {stranger.port}, found something else: "
                                             f"{cause}", output)

    def test_refuses_an_interface_that_does_not_exist(self):
        plan = self.world.plan()
        for where in (0, 1):
            with self.subTest(where):
                output = self.world.output()
                more = [(), ()]
                more[where] = ("--interface", "no0")
                self.check_all_refused(self.run_ranks(plan, output, more=more), ".*no0.*", output)

    def test_names_a_rank_that_does_not_come(self):
        plan = self.world.plan("data-parallel", 3)
        output = self.world.output()
        ranks = self.run_ranks(plan, output, 2, world_size=3, more=[("--patience", 3)] * 3)
        self.check_all_refused(ranks, "expected 3 ranks to report within 3 s, found nothing of "
                                      "rank 2", output)

    def test_says_where_the_coordinator_was_expected(self):
        plan = self.world.plan()
        output = self.world.output()
        port = free_port()
        finished = finish(self.world.command(plan, output, "--patience", 1),
                          env=environment(RANK=1, WORLD_SIZE=2, MASTER_ADDR="127.0.0.1",
                                          MASTER_PORT=port))
        self.check_refused(finished, f"cannot reach 127.0.0.1, port {port}: Connection refused",
                           output)

    def test_says_that_a_name_does_not_resolve(self):
        output = self.world.output()
        finished = finish(self.world.command(self.world.plan(), output),
                          env=environment(RANK=1, WORLD_SIZE=2, MASTER_ADDR="no-such.invalid",
                                          MASTER_PORT=29500))
        self.check_refused(finished, "the name no-such.invalid does not resolve: .*", output)


if __name__ == "__main__":
    unittest.main()
