"""Strangers who connect to the ports of a run, on one machine: they are refused and noted, and the
run goes on to the weights of an undisturbed one. What the ports are, and who can see the key."""

import contextlib
import json
import os
import re
import signal
import socket
import struct
import time
import unittest

import launched_run
from launched_run import Finished, environment, finish, free_port, start, wait_until
from run_test_case import RunTestCase

_LISTENS = "0A"
_KEY = "7d3f0c5a9be14426a8f1e02b6c9d4711"
_MANY_STEPS = 100000
# As long as it takes to be seen at its work, in seconds rather than minutes.
_STEPS = 60
_MOMENT_S = 0.0005


def _sockets_of(pid):
    """The inodes of a process's sockets."""
    found = set()
    with contextlib.suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                link = os.readlink(f"/proc/{pid}/fd/{name}")
                if link.startswith("socket:["):
                    found.add(link[len("socket:["):-1])
    return found


def _address(text):
    """("127.0.0.1", port) of the kernel's hexadecimal form."""
    number, port = text.split(":")
    words = [struct.pack("=I", int(number[i:i + 8], 16)) for i in range(0, len(number), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return socket.inet_ntop(family, b"".join(words)), int(port, 16)


def _listening_sockets():
    """((address, port), inode) of each of this machine."""
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}", encoding="ascii") as stream:
            for line in stream.readlines()[1:]:
                words = line.split()
                if words[3] == _LISTENS:
                    yield _address(words[1]), words[9]


def listening(pids):
    """(address, port) of each socket of these processes that listens."""
    inodes = set().union(*map(_sockets_of, pids))
    return sorted(place for place, inode in _listening_sockets() if inode in inodes)


def _frame(header, payload=b"", announced=None):
    text = json.dumps(header).encode()
    return b"CDS1" + struct.pack("<QQ", len(text),
                                 len(payload) if announced is None else announced) + text + payload


def _all_command_lines():
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as stream:
                found[int(pid)] = stream.read()
    return found


def _signal_each(pids, number):
    """Those that have not ended: a run may be over before a stranger comes."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _hold_when_listening(pids, run):
    """Lets them go on a little at a time until one of them listens, and leaves them held: left
    alone, they listen for milliseconds, which a busy machine misses."""
    while run.poll() is None:
        _signal_each(pids, signal.SIGSTOP)
        if listening(pids):
            return
        _signal_each(pids, signal.SIGCONT)
        time.sleep(_MOMENT_S)


class StrangersTest(RunTestCase):

    def setUp(self):
        self._strangers = contextlib.ExitStack()
        self.addCleanup(self._strangers.close)

    def connect(self, place):
        stream = socket.create_connection(place, timeout=5)
        self._strangers.enter_context(stream)
        return stream

    def coordinator_port(self):
        return int(next(iter(self.world.executors().values()))[
            next(iter(self.world.executors().values())).index("--coordinator-port") + 1])

    def test_each_kind_is_refused_and_noted_and_the_run_goes_on(self):
        plan = self.world.plan("data-parallel")
        undisturbed = self.world.output()
        self.assertEqual(finish(self.world.command(plan, undisturbed, "--local",
                                                   steps=_STEPS)).status, 0)
        output = self.world.output()
        run = start(self.world.command(plan, output, "--local", steps=_STEPS))
        wait_until(lambda: len(self.world.executors()) == 2)
        place = ("127.0.0.1", self.coordinator_port())
        self.connect(place)  # says nothing
        self.connect(place).sendall(b"GET / HTTP/1.1\r\nHost: run\r\n\r\n")
        self.connect(place).sendall(_frame({"type": "knock", "number": "0" * 32},
                                           announced=1 << 60))
        self.connect(place).sendall(_frame({"type": "hello", "number": 0, "num_ranks": 2}))
        wrong = self.connect(place)
        wrong.sendall(_frame({"type": "knock", "number": "0" * 32}) +
                      _frame({"type": "answer", "proof": "0" * 64}))
        wait_until(lambda: _is_closed(wrong), within_s=30)
        for _ in range(200):
            self.connect(place).close()
        finished = Finished(run)
        self.assertEqual(finished.status, 0, finished)
        self.assertTrue(launched_run.weights(output) == launched_run.weights(undisturbed),
                        "strangers changed the weights")
        lines = [line for line in finished.err.splitlines() if line.startswith("note: refused")]
        self.assertEqual(lines[0][:len("note: refused a connection from 127.0.0.1: ")],
                         "note: refused a connection from 127.0.0.1: ")
        self.assertLess(len(lines), 8, "a flood of lines")
        with open(os.path.join(output, "run.json"), encoding="utf-8") as stream:
            notes = json.load(stream)["notes"]
        self.assertRegex(" ".join(notes), r"refused 2\d\d connections from 127\.0\.0\.1, the first")

    def test_ranks_that_find_a_stranger_in_anothers_place_meet_again(self):
        plan = self.world.plan("data-parallel")
        undisturbed = self.world.output()
        self.assertEqual(finish(self.world.command(plan, undisturbed, "--local")).status, 0)
        for _ in range(20):  # the stranger may come too late
            finished, output = self._run_with_a_stranger_in_a_place(plan, b"\xff" * 4096)
            self.assertEqual(finished.status, 0, finished)
            self.assertTrue(launched_run.weights(output) == launched_run.weights(undisturbed),
                            "the stranger changed the weights")
            with open(os.path.join(output, "run.json"), encoding="utf-8") as stream:
                record = json.load(stream)
            if record.get("notes"):
                break
        self.assertRegex(" ".join(record["notes"]),
                         r"^rank \d .*cannot meet the other ranks: .*; they are started again, to "
                         "meet at other ports: 1 of 3 times$")
        self.assertEqual(record.get("failures", []), [])

    def _run_with_a_stranger_in_a_place(self, plan, words):
        """The ranks stand still while the stranger connects to each as they would to each other, as
        soon as one can be connected to, unless the run is over before: it may be missed."""
        output = self.world.output()
        run = start(self.world.command(plan, output, "--local"))
        self.addCleanup(run.kill)
        wait_until(lambda: len(self.world.executors()) == 2, pause_s=0)
        ranks = list(self.world.executors())
        _hold_when_listening(ranks, run)
        for place in listening(ranks):
            for number in range(4):
                with contextlib.suppress(OSError):
                    self.connect(place).sendall(struct.pack("<q", number) + words)
        _signal_each(ranks, signal.SIGCONT)
        return Finished(run), output

    def test_no_port_is_open_on_all_addresses_nor_a_ranks_to_strangers(self):
        for more in ([], ["--interface", "lo"]):
            with self.subTest(more):
                self._check_ports(more)

    def _check_ports(self, more):
        output = self.world.output()
        run = start(self.world.command(self.world.plan("data-parallel"), output, "--local", *more,
                                       steps=_MANY_STEPS))
        self.addCleanup(run.kill)
        seen = set()  # a rank's ports are open only until all have met

        def are_at_work():
            seen.update(listening(self.world.processes()))
            executors = self.world.executors()
            return len(executors) == 2 and all(map(_has_computed, executors))

        wait_until(are_at_work)
        self.assertEqual({address for address, _ in seen}, {"127.0.0.1"})
        wait_until(lambda: not any(map(_answers, listening(self.world.executors()))), within_s=30)
        self.assertIsNone(run.poll(), "the run has ended")
        run.send_signal(signal.SIGTERM)
        Finished(run)

    def test_nobody_sees_the_key(self):
        """Not on a command line, and not in the environment of a rank that is at work."""
        output = self.world.output()
        port = free_port()
        command = self.world.command(self.world.plan("data-parallel"), output, steps=_MANY_STEPS)
        ranks = [start(command, env=environment(RANK=rank, WORLD_SIZE=2, MASTER_ADDR="127.0.0.1",
                                                MASTER_PORT=port, CADASTRE_KEY=_KEY))
                 for rank in (0, 1)]
        for rank in ranks:
            self.addCleanup(rank.kill)
        seen = []

        def look():
            seen.extend(words for words in _all_command_lines().values() if _KEY.encode() in words)
            return len(self.world.executors()) == 2 and all(map(_has_computed,
                                                                self.world.executors()))

        wait_until(look)
        self.assertEqual(seen, [])
        for pid in self.world.executors():
            with open(f"/proc/{pid}/environ", "rb") as stream:
                self.assertNotIn(_KEY.encode(), stream.read())
        ranks[0].send_signal(signal.SIGTERM)
        for rank in ranks:
            Finished(rank)

    def test_a_rank_of_another_key_is_refused_and_the_run_goes_on(self):
        plan = self.world.plan("data-parallel")
        output = self.world.output()
        port = free_port()

        def rank(number, key):
            return start(self.world.command(plan, output),
                         env=environment(RANK=number, WORLD_SIZE=2, MASTER_ADDR="127.0.0.1",
                                         MASTER_PORT=port, CADASTRE_KEY=key))

        first = rank(0, _KEY)
        wrong = Finished(rank(1, _KEY[::-1]))
        self.assertEqual((wrong.status, wrong.err),
                         (2, f"error: expected the coordinator of the run at 127.0.0.1, port {port}"
                             ", found that of another run, or another key: it has another key\n"))
        self.assertIsNone(first.poll(), "the run has ended")
        second = rank(1, _KEY)
        finished = [Finished(first), Finished(second)]
        self.check_trained(finished[0], plan, output)
        self.assertRegex(finished[0].err, r"^note: refused a connection from 127\.0\.0\.1: it left "
                                          "when it was asked for the run's key\n$")
        self.assertEqual((finished[1].status, finished[1].err), (0, ""))

    def test_a_key_that_others_can_read_is_refused(self):
        key = self.world.path("key")
        with open(key, "w", encoding="ascii") as stream:
            stream.write(_KEY + "\n")
        os.chmod(key, 0o644)
        output = self.world.output()
        self.check_refused(
            finish(self.world.command(self.world.plan(), output, "--key-file", key, "--local")),
            f"{re.escape(key)}: expected a key that only its owner can read, found mode 644; .*",
            output)

    def test_a_key_file_serves_a_launchers_ranks(self):
        key = self.world.path("key.txt")
        with open(key, "w", encoding="ascii") as stream:
            stream.write(_KEY + "\n")
        os.chmod(key, 0o600)
        plan = self.world.plan("data-parallel")
        output = self.world.output()
        port = free_port()
        ranks = [start(self.world.command(plan, output, "--key-file", key),
                       env=environment(RANK=rank, WORLD_SIZE=2, MASTER_ADDR="127.0.0.1",
                                       MASTER_PORT=port)) for rank in (0, 1)]
        finished = [Finished(rank) for rank in ranks]
        self.check_trained(finished[0], plan, output)
        self.assertEqual(self._key_notes(output), [])

    def test_without_a_key_the_run_says_so(self):
        plan = self.world.plan("data-parallel")
        output = self.world.output()
        port = free_port()
        ranks = [start(self.world.command(plan, output),
                       env=environment(RANK=rank, WORLD_SIZE=2, MASTER_ADDR="127.0.0.1",
                                       MASTER_PORT=port)) for rank in (0, 1)]
        finished = [Finished(rank) for rank in ranks]
        self.check_trained(finished[0], plan, output)
        self.assertEqual(len(self._key_notes(output)), 1)

    def _key_notes(self, output):
        with open(os.path.join(output, "run.json"), encoding="utf-8") as stream:
            return [note for note in json.load(stream).get("notes", []) if "CADASTRE_KEY" in note]


def _is_closed(stream):
    stream.settimeout(0.1)
    try:
        return stream.recv(4096) == b""
    except ConnectionError:
        return True
    except (TimeoutError, socket.timeout):
        return False


def _answers(place):
    with contextlib.suppress(OSError), socket.create_connection(place, timeout=0.3):
        return True
    return False


def _has_computed(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii") as stream:
        words = stream.read().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK") > 1.5
    return False


if __name__ == "__main__":
    unittest.main()
