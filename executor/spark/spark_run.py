"""The driver's side of a run on Spark: a barrier stage with a rank in each task, and its end."""

import functools
import os
import queue
import secrets
import shutil
import signal
import sys
import threading
import time

from pyspark import SparkConf, SparkContext

import messages
import rank_task
from rank_listener import RankListener
from rank_states import RankStates
from request import InputError

_POLL_S = 0.2
_SILENT_S = 2  # of waiting for executors
_GRACE_S = 30  # for the other ranks to find out and end by themselves: rank 0 needs 20 s at most
_STOP_S = 15  # for ranks that were asked to end
_SPARK_END_S = 20
_ERROR = "error: "


class RunError(Exception):
    """The run failed."""


class Interrupted(Exception):
    """A signal asked this process to end."""


def spark_context(num_ranks):
    """Of an application whose failed tasks are never started again: a rank alone could not join a
    run that has begun. Raises RunError."""
    conf = SparkConf()
    conf.setIfMissing("spark.app.name", "cadastre run")
    conf.setIfMissing("spark.log.level", "ERROR")
    conf.set("spark.task.maxFailures", "1")
    conf.set("spark.stage.maxConsecutiveAttempts", "1")
    conf.set("spark.speculation", "false")
    # Barrier stages are refused with it.
    conf.set("spark.dynamicAllocation.enabled", "false")
    # The slots are counted before the stage is submitted; its own count only confirms.
    conf.set("spark.scheduler.barrier.maxConcurrentTasksCheck.interval", "2s")
    conf.set("spark.scheduler.barrier.maxConcurrentTasksCheck.maxFailures", "3")
    # Where Spark asks for executors by number (YARN, Kubernetes), for as many as there are ranks.
    conf.setIfMissing("spark.executor.instances", str(num_ranks))
    try:
        spark = SparkContext(conf=conf)
    except Exception as error:
        raise RunError(f"Spark cannot be started: {_reason(error)}") from None
    for module in (messages, rank_task):
        spark.addPyFile(module.__file__)
    return spark


def wait_for_executors(spark, request):
    """Raises InputError when there are fewer than ranks: Spark itself would wait in silence."""
    if _is_local(spark):
        found, what = spark.defaultParallelism, f"slots of {spark.master}"
    else:
        found, what = _wait_for_number(spark, request), "executors"
    if found < request.num_ranks:
        raise InputError(f"expected {request.num_ranks} {what}, one for each rank of the plan, "
                         f"found {found}"
                         + ("" if _is_local(spark) else f" within {request.patience_s} s"))


def _wait_for_number(spark, request):
    began_s = time.monotonic()
    shown = -1
    while True:
        # The driver is one of those that have a status.
        found = spark._jsc.sc().getExecutorMemoryStatus().size() - 1
        waited_s = time.monotonic() - began_s
        if found >= request.num_ranks or waited_s > request.patience_s:
            return found
        if found != shown and waited_s > _SILENT_S and not request.is_quiet:
            _say(f"waiting for executors: {found} of {request.num_ranks}")
            shown = found
        time.sleep(_POLL_S)


def _is_local(spark):
    return spark.master == "local" or spark.master.startswith("local[")


class SparkRun:
    """Of ranks in a barrier stage, until all have ended. `output` is a `RunOutput`."""

    def __init__(self, spark, request, output):
        self._spark = spark
        self._request = request
        self._output = output
        self._states = RankStates(request.num_ranks)
        self._text = []  # rank 0's standard output
        self._failure = None  # of the job or here
        self._is_job_over = False
        configuration = spark.getConf()
        token = secrets.token_hex(16)
        address = configuration.get("spark.driver.host")
        port = _port(configuration.get("spark.cadastre.driverPort", "0"))
        try:
            self._listener = RankListener(
                configuration.get("spark.driver.bindAddress", address).strip("[]"), port,
                request.num_ranks, token)
        except OSError as error:
            raise InputError(f"cannot listen at {address}, port {port}: {error.strerror}") from None
        self._spec = {
            "address": address.strip("[]"), "port": self._listener.port, "token": token,
            "key": secrets.token_hex(16),  # of the ranks' run
            "num_ranks": request.num_ranks, "arguments": request.arguments,
            "documents": request.documents, "output": request.output,
            "ranks_share_executors": _is_local(spark),
            "keep_threads": configuration.get("spark.executorEnv.OMP_NUM_THREADS") is not None,
            **_program(request, configuration)}

    def run(self):
        """Returns what rank 0 wrote to standard output. Raises InputError, RunError and
        Interrupted; by then the ranks have ended, or have lost this process and are ending."""
        threading.Thread(target=self._run_job, daemon=True).start()
        try:
            self._watch()
        except Interrupted:
            self._end_all()
            raise
        except OSError as error:
            self._end_all()
            raise RunError(f"{self._request.output}: cannot be written: {error.strerror}") from None
        if not self._states.have_succeeded():
            line, status = (self._states.cause() or
                            (self._failure or "the ranks did not end when they were told to", 1))
            raise (InputError if status == 2 else RunError)(line.removeprefix(_ERROR))
        return b"".join(self._text)

    def _run_job(self):
        number = self._request.num_ranks
        try:
            tasks = self._spark.parallelize(range(number), number).barrier()
            tasks.mapPartitions(functools.partial(rank_task.run_rank, self._spec)).collect()
            failure = None
        except Exception as error:  # pylint: disable=broad-except
            failure = f"Spark ended the ranks: {_reason(error)}"
        self._listener.events.put((None, {"kind": "job", "failure": failure}, b""))

    def _watch(self):
        """Until ranks and job are over, the ranks with a hand where need be."""
        failed_s = stopped_s = None
        while not self._is_over():
            try:
                self._handle(*self._listener.events.get(timeout=_POLL_S))
            except queue.Empty:
                pass
            now_s = time.monotonic()
            if failed_s is None and (self._states.have_failed() or self._failure):
                failed_s = now_s
            if stopped_s is None and failed_s is not None and now_s > failed_s + self._grace_s():
                stopped_s = now_s
                self._listener.stop_all()
            elif stopped_s is not None and now_s > stopped_s + _STOP_S:
                return

    def _is_over(self):
        # A job that has failed leaves nothing of tasks that never came to say hello.
        started = [rank for rank in self._states.ranks if rank.host]
        return self._is_job_over and (self._states.are_over() or bool(self._failure)
                                      and all(rank.is_over for rank in started))

    def _grace_s(self):
        """A failed job's tasks are being killed by Spark."""
        return 2 if self._is_job_over else _GRACE_S

    def _end_all(self):
        self._listener.stop_all()
        deadline_s = time.monotonic() + _STOP_S
        while not self._is_over() and time.monotonic() < deadline_s:
            try:
                self._handle(*self._listener.events.get(timeout=_POLL_S))
            except (queue.Empty, OSError):
                pass

    def _handle(self, number, header, payload):
        kind = header["kind"]
        if kind == "job":
            self._is_job_over = True
            self._failure = header["failure"]
            return
        rank = self._states.ranks[number]
        if kind == "hello":
            rank.host = header["host"]
        elif kind == "line":
            self._show(rank, header["text"])
        elif kind == "output":
            self._text.append(payload)
        elif kind == "file":
            self._output.add(header["name"], payload, header["is_last"])
        elif kind == "problem":
            rank.problem = header["text"]
        elif kind == "end":
            self._states.end(number, header["status"])
            self._listener.dismiss(number)
        elif kind == "lost":
            self._states.lose(number)

    def _show(self, rank, text):
        # All ranks say the same at the end: the one line is printed when they have.
        if text.startswith(_ERROR):
            rank.error = text
        elif text:
            _say(text if rank.number == 0 else f"{rank.name}: {text}")


def end_spark(spark):
    """Also when its Java process is gone or hangs."""
    def stop():
        try:
            spark.cancelAllJobs()
            spark.stop()
        except Exception:  # pylint: disable=broad-except
            pass  # it has ended already

    ending = threading.Thread(target=stop, daemon=True)
    ending.start()
    ending.join(_SPARK_END_S)


def interrupt_on_signals():
    def interrupt(number, _):
        # Once: what is done then is not to be broken off.
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        raise Interrupted(f"interrupted by signal {number} ({signal.strsignal(number)})")

    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(name) != signal.SIG_IGN:  # as nohup has it
            signal.signal(name, interrupt)


def _port(text):
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= 65535):
        raise InputError("spark.cadastre.driverPort: expected a whole number from 0 to 65535, "
                         f'found "{text}"')
    return int(text)


def _program(request, configuration):
    asked_for = request.program or configuration.get("spark.cadastre.program", "")
    found = shutil.which("cadastre")
    if os.sep in asked_for:
        asked_for = os.path.abspath(asked_for)
    return {"program": asked_for or (os.path.abspath(found) if found else "cadastre"),
            "program_was_asked_for": bool(asked_for)}


def _reason(error):
    """What an exception of Spark says, in one line: a task's own, where that is its cause."""
    java = getattr(error, "java_exception", None)
    lines = [line for line in str(java.toString() if java is not None else error).splitlines()
             if line.strip()]
    if not lines:
        return type(error).__name__
    begins = [i for i, line in enumerate(lines)
              if line.endswith("Traceback (most recent call last):")]
    if not begins:
        return lines[0].strip()
    # Frames and code are indented, Java's frames below with a tab.
    return next((line for line in lines[begins[0] + 1:] if not line[0].isspace()),
                lines[0]).strip()


def _say(text):
    print(text, file=sys.stderr, flush=True)
