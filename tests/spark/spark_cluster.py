"""A standalone Spark cluster on the hosts of a testbed: the master and the driver on "driver", a
worker of one executor on each of the others."""

import os
import shutil
import signal
import subprocess
import sys
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(os.path.dirname(TESTS), "executor", "spark", "cadastre_spark.py")
# A Python that has PySpark, where that of the tests has not.
PYTHON_VARIABLE = "CADASTRE_SPARK_PYTHON"
_SMALL_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData"
_START_S = 90

sys.path.insert(0, os.path.join(os.path.dirname(TESTS), "executor", "testbed"))

import hosts  # pylint: disable=wrong-import-position
from hosts import Testbed  # pylint: disable=wrong-import-position


def spark_python():
    return os.environ.get(PYTHON_VARIABLE, sys.executable)


def spark_home():
    """The directory of PySpark's Spark, or None."""
    try:
        found = subprocess.run([spark_python(), "-c", "import pyspark; print(pyspark.__path__[0])"],
                               capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None


def reason_not_to_run():
    """Why there can be no cluster here, or None."""
    if spark_home() is None:
        return (f"{spark_python()} has no PySpark; `pip install pyspark` into an environment, and "
                f"name its Python in {PYTHON_VARIABLE}")
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        return "Spark needs Java, and there is no java in PATH"
    return hosts.reason_not_to_run()


class SparkCluster:
    def __init__(self, name, directory, num_workers, testbed=None):
        """On a `testbed` of that name with such hosts, or on one that it makes; `close` removes
        either. Raises AssertionError with the log when it does not come up."""
        self._home = spark_home()
        self._directory = directory
        self._processes = []
        self.workers = [f"node{i + 1}" for i in range(num_workers)]
        self.testbed = testbed or Testbed.up(
            {"format": "cadastre-cluster/1", "name": name,
             "hosts": [{"name": host, "memory_bytes": "4GiB"}
                       for host in ["driver", *self.workers]],
             "network": {"bandwidth_bytes_per_s": "1Gbps", "latency_s": "25us"}},
            name, core_share=None)
        self.master = "spark://driver:7077"
        try:
            self._start("driver", ["org.apache.spark.deploy.master.Master", "--host", "driver",
                                   "--port", "7077", "--webui-port", "8080"],
                        "New state: ALIVE")
            for worker in self.workers:
                self._start(worker, ["org.apache.spark.deploy.worker.Worker", "--cores", "1",
                                     "--memory", "700M", "--host", worker, "--work-dir",
                                     os.path.join(directory, f"work-{worker}"), self.master],
                            None)
            for worker in self.workers:
                self._wait_for_log(worker, "Successfully registered with master")
        except BaseException:
            self.close()
            raise

    def close(self):
        for process in self._processes:
            process.kill()
            process.wait()
        hosts.down(self.testbed.name)

    def submit(self, words, spark_words=(), around=(), program=PROGRAM, **environment):
        """The started driver; its standard output and error are pipes."""
        command = [os.path.join(self._home, "bin", "spark-submit"), "--master", self.master,
                   "--driver-java-options", _SMALL_JAVA, "--conf",
                   f"spark.executor.extraJavaOptions={_SMALL_JAVA}", "--conf",
                   "spark.executor.memory=512m", "--conf", "spark.ui.enabled=false",
                   *spark_words, program, *words]
        return self.testbed.start("driver", [*around, *command], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True,
                                  env=self._environment() | environment)

    def _environment(self):
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("SPARK_HOME", "SPARK_CONF_DIR", "RANK", "WORLD_SIZE")}
        return environment | {"PYSPARK_PYTHON": spark_python(), "SPARK_LOCAL_DIRS": self._directory,
                              "SPARK_DAEMON_MEMORY": "256m", "SPARK_DAEMON_JAVA_OPTS": _SMALL_JAVA}

    def _log(self, host):
        return os.path.join(self._directory, f"{host}.log")

    def _start(self, host, words, ready):
        with open(self._log(host), "wb") as log:
            self._processes.append(self.testbed.start(
                host, [os.path.join(self._home, "bin", "spark-class"), *words], stdout=log,
                stderr=log, env=self._environment()))
        if ready:
            self._wait_for_log(host, ready)

    def _wait_for_log(self, host, text):
        end_s = time.monotonic() + _START_S
        while True:
            with open(self._log(host), encoding="utf-8", errors="replace") as stream:
                log = stream.read()
            if text in log:
                return
            if time.monotonic() > end_s:
                raise AssertionError(f"no \"{text}\" of Spark on {host}:\n{log[-2000:]}")
            time.sleep(0.1)


def processes(*marks):
    """Those of this machine whose command line holds all of `marks`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        line = _read(pid, "cmdline")
        if int(pid) != os.getpid() and all(mark.encode() in line for mark in marks):
            found.append(int(pid))
    return found


def rank_process(number, mark):
    """The process that computes as this rank in the run whose command line holds `mark`."""
    ranks = [pid for pid in processes("cadastre-executor\0rank\0", mark)
             if f"\0RANK={number}\0".encode() in b"\0" + _read(pid, "environ")]
    assert len(ranks) == 1, ranks
    return ranks[0]


def kill(pid):
    os.kill(pid, signal.SIGKILL)


def ancestor(pid, mark):
    """The nearest process above `pid` whose command line holds `mark`."""
    while pid > 1:
        pid = int(_read(pid, "stat").rsplit(b")", 1)[1].split()[1])
        if mark.encode() in _read(pid, "cmdline"):
            return pid
    raise AssertionError(f"no process \"{mark}\"")


def _read(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as stream:
            return stream.read()
    except OSError:
        return b""
