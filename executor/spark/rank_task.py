"""A task of the barrier stage: starts one rank of a run and stays beside it until it has ended.

It computes nothing. The rank gets from it what any launcher gives (RANK, WORLD_SIZE, MASTER_ADDR,
MASTER_PORT); the driver hears what it writes, how it ended and, from rank 0, gets its files. The
rank never outlives the task, nor the task the driver.
"""

import ctypes
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from messages import Connection, MessageError

_CONNECT_S = 30
_MOST_SILENT_S = 30  # the driver pings every few seconds
_POLL_S = 0.1
_END_S = 5  # for a rank that was asked to end
_CHUNK_BYTES = 1 << 20
# Below those that systems hand out for outgoing connections.
_PORTS = range(20000, 32768)
_PR_SET_PDEATHSIG = 1


def run_rank(spec, _):
    """What Spark calls in each task. `spec` is made by `spark_run.py`."""
    from pyspark import BarrierTaskContext  # pylint: disable=import-outside-toplevel

    context = BarrierTaskContext.get()
    _Task(spec, context).run()
    return iter(())


class _Link:
    """The connection to the driver; a thread listens for its word to end."""

    def __init__(self, spec, rank):
        try:
            stream = socket.create_connection((spec["address"], spec["port"]), timeout=_CONNECT_S)
        except OSError as error:
            raise RuntimeError(f"the driver cannot be reached at {spec['address']}, port "
                               f"{spec['port']}, from {socket.gethostname()}: {error}") from None
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        stream.settimeout(_MOST_SILENT_S)
        self.own_address = stream.getsockname()[0]
        self.stop = threading.Event()
        self._dismissed = threading.Event()
        self._connection = Connection(stream)
        self.send("hello", token=spec["token"], rank=rank, host=socket.gethostname())
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, kind, payload=b"", **values):
        try:
            self._connection.send(kind, payload, **values)
        except OSError:
            self.stop.set()

    def _listen(self):
        try:
            while (message := self._connection.receive()) is not None:
                if message[0]["kind"] == "stop":
                    break
                if message[0]["kind"] == "bye":
                    self._dismissed.set()
        except (OSError, MessageError):
            pass
        self.stop.set()
        self._dismissed.set()

    def close(self):
        """Waits until the driver has everything."""
        self._dismissed.wait(_MOST_SILENT_S)
        self._connection.close()


class _Task:
    def __init__(self, spec, context):
        self._spec = spec
        self._context = context
        self._rank = context.partitionId()
        self._worker = os.getppid()
        self._link = _Link(spec, self._rank)
        self._shown = {}  # our paths, and the user's

    def run(self):
        program, problem = self._find_program()
        place = self._meet(problem)
        if place is None:
            self._link.send("end", status=2)
            self._link.close()
            return
        directory = None
        try:
            directory = tempfile.mkdtemp(prefix="cadastre-spark-", dir=_scratch_directory())
            status = self._run_in(directory, program, place)
            if status == 0 and self._rank == 0:
                self._send_files(os.path.join(directory, "run"))
        except OSError as error:
            self._link.send("problem", text=f"{error.filename or program}: {error.strerror}")
            status = 2
        finally:
            if directory is not None:
                shutil.rmtree(directory, ignore_errors=True)
        self._link.send("end", status=status)
        self._link.close()

    def _find_program(self):
        program = self._spec["program"]
        found = shutil.which(program)
        if found is None and not self._spec["program_was_asked_for"]:
            found = shutil.which(os.path.basename(program))
        if found is None:
            return program, f"expected the program {program}, found none; give --cadastre PATH"
        return found, None

    def _meet(self, problem):
        """Address and port of rank 0's coordinator, or None when one rank cannot take part."""
        facts = {"address": self._link.own_address,
                 "executor": [socket.gethostname(), self._worker]}
        everyone = [json.loads(text) for text in self._context.allGather(json.dumps(facts))]
        executors = [tuple(one["executor"]) for one in everyone]
        first = executors.index(executors[self._rank])
        if not self._spec["ranks_share_executors"] and first != self._rank:
            problem = f"expected an executor of its own, found that rank {first} has the same"
        if problem:
            self._link.send("problem", text=problem)
        place = None
        if self._rank == 0:
            others = [one["address"] for one in everyone if one["address"] != facts["address"]]
            address = _address_towards(others[0]) if others else facts["address"]
            place = [address, _free_port()]
        answers = [json.loads(text) for text in
                   self._context.allGather(json.dumps([problem is None, place]))]
        return answers[0][1] if all(able for able, _ in answers) else None

    def _run_in(self, directory, program, place):
        words = [program, *self._spec["arguments"]]
        for option, path, content in self._spec["documents"]:
            own = os.path.join(directory, option.lstrip("-"), os.path.basename(path))
            os.makedirs(os.path.dirname(own))
            with open(own, "wb") as stream:
                stream.write(content)
            words += [option, own]
            self._shown[own] = path
        output = os.path.join(directory, "run")
        words += ["--output", output]
        self._shown[output] = self._spec["output"]
        pipes = ({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} if self._rank == 0 else
                 {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT})
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, preexec_fn=_dying_with_parent(),
                              env=self._environment(place), **pipes) as process:
            self._link.send("started", process=process.pid)
            readers = [threading.Thread(target=self._send_lines, daemon=True,
                                        args=(process.stderr or process.stdout,))]
            if self._rank == 0:
                readers.append(threading.Thread(target=self._send_output, daemon=True,
                                                args=(process.stdout,)))
            for reader in readers:
                reader.start()
            status = self._wait_for(process)
            for reader in readers:
                reader.join()
        return status

    def _environment(self, place):
        environment = dict(os.environ)
        # Spark sets it for the Python of a task; a rank's threads are the plan's business.
        if not self._spec["keep_threads"]:
            environment.pop("OMP_NUM_THREADS", None)
        for name in [name for name in environment if name.startswith("TORCHELASTIC_")]:
            del environment[name]
        return environment | {"RANK": str(self._rank), "WORLD_SIZE": str(self._spec["num_ranks"]),
                              "MASTER_ADDR": place[0], "MASTER_PORT": str(place[1]),
                              "CADASTRE_KEY": self._spec["key"]}

    def _wait_for(self, process):
        """Its status; negative is a signal's number."""
        end_s = None
        while True:
            try:
                return process.wait(_POLL_S)
            except subprocess.TimeoutExpired:
                pass
            if end_s is None and (self._link.stop.is_set() or os.getppid() != self._worker):
                process.terminate()
                end_s = time.monotonic() + _END_S
            elif end_s is not None and time.monotonic() > end_s:
                process.kill()

    def _send_lines(self, stream):
        for line in stream:
            text = line.decode(errors="replace").rstrip("\r\n")
            for own, shown in self._shown.items():
                text = text.replace(own, shown)
            self._link.send("line", text=text)

    def _send_output(self, stream):
        for line in stream:
            for own, shown in self._shown.items():
                if "--json" in self._spec["arguments"]:
                    shown = json.dumps(shown, ensure_ascii=False)[1:-1]
                line = line.replace(os.fsencode(own), os.fsencode(shown))
            self._link.send("output", line)

    def _send_files(self, directory):
        # run.json last, as it is written last: who sees it may take the others for complete.
        names = sorted((os.path.relpath(os.path.join(parent, name), directory)
                        for parent, _, files in os.walk(directory) for name in files),
                       key=lambda name: (name == "run.json", name))
        for name in names:
            with open(os.path.join(directory, name), "rb") as stream:
                while True:
                    chunk = stream.read(_CHUNK_BYTES)
                    self._link.send("file", chunk, name=name, is_last=len(chunk) < _CHUNK_BYTES)
                    if len(chunk) < _CHUNK_BYTES:
                        break


def _dying_with_parent():
    """For between fork and exec: the kernel kills the process when the one that is here ends."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def prepare():
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _scratch_directory():
    """The executor's own, which Spark removes if nobody else could."""
    first = os.environ.get("SPARK_LOCAL_DIRS", "").split(",")[0]
    return first if first and os.access(first, os.W_OK) else None


def _address_towards(address):
    """This machine's address by which that one is reached. Nothing is sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((address, 9))
        return probe.getsockname()[0]


def _free_port():
    for port in random.SystemRandom().sample(_PORTS, 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError:
                continue
            return port
    raise OSError("no free port from 20000 to 32767")
