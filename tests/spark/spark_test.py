#!/usr/bin/env python3
"""`cadastre run` on a standalone Spark cluster. The first argument is the directory of cadastre's
programs. Needs PySpark, Java and root, or ends with 77."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import spark_cluster
from spark_cluster import SparkCluster, ancestor, kill, processes, rank_process

SCENARIOS = os.path.join(os.path.dirname(spark_cluster.TESTS), "scenarios")
MODEL = os.path.join(SCENARIOS, "models", "lidar-only.json")
SHORT = ["--max-steps", "6", "--test-samples", "100"]
LONG = ["--epochs", "100000", "--test-samples", "100"]
FILES = ["run.json", "timeline.json", "trace.json", "weights.pt"]
# For a machine that is busy with other things; nothing takes as long by itself.
_PATIENCE_S = 240
CADASTRE = os.path.join(sys.argv.pop(1) if len(sys.argv) > 1 else "", "cadastre")


def cadastre(*words):
    return subprocess.run([CADASTRE, *words], capture_output=True, text=True, timeout=_PATIENCE_S,
                          check=True)


def read(*parts):
    with open(os.path.join(*parts), "rb") as stream:
        return stream.read()


class Driver:
    """One that runs; its lines are read as they come."""

    def __init__(self, process):
        self._process = process
        self._errors = []
        self._output = ""
        self._readers = [threading.Thread(target=self._read_errors, daemon=True),
                         threading.Thread(target=self._read_output, daemon=True)]
        for reader in self._readers:
            reader.start()

    def _read_errors(self):
        with self._process.stderr as stream:
            for line in stream:
                self._errors.append(line)

    def _read_output(self):
        with self._process.stdout as stream:
            self._output = stream.read()

    def wait_for(self, text, within_s=_PATIENCE_S):
        end_s = time.monotonic() + within_s
        while not any(text in line for line in self._errors):
            if time.monotonic() > end_s or self._process.poll() is not None:
                raise AssertionError(f"no \"{text}\" in {''.join(self._errors)}")
            time.sleep(0.05)

    def end(self, within_s=_PATIENCE_S):
        """Exit status, standard output, cadastre's lines with an error, standard error."""
        try:
            status = self._process.wait(within_s)
        finally:
            self._process.kill()
        for reader in self._readers:
            reader.join()
        errors = "".join(self._errors)
        return (status, self._output,
                [line for line in errors.splitlines() if line.startswith("error: ")], errors)


class Spark(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="cadastre-spark-test-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        os.chdir(cls.directory)
        cadastre("synthesize", "--size-m", "128", "-o", "scene")
        cadastre("profile", MODEL, "--batch-sizes", "16", "64", "-o", "profile.json")
        for plan, cluster, strategy in (("plan", "two-hosts", "pipeline"),
                                        ("four", "lab-four-1gbe", "data-parallel")):
            cadastre("plan", "--profile", "profile.json", "--cluster",
                     os.path.join(SCENARIOS, "clusters", f"{cluster}.json"), "--batch-size", "64",
                     "--strategy", strategy, "-o", f"{plan}.json")
        cls.cluster = SparkCluster(f"spark-{os.getpid()}", cls.directory, 2)
        cls.addClassCleanup(cls.cluster.close)

    def setUp(self):
        self.mark = os.path.join(self.directory, "scene")

    def run_plan(self, words, plan="plan.json", **options):
        patience = [] if "--patience" in words else ["--patience", "120"]
        return Driver(self.cluster.submit(["run", "--plan", plan, "--data", "scene", "--cadastre",
                                           CADASTRE, *patience, *words], **options))

    def expect_nothing_left(self, output=None):
        end_s = time.monotonic() + 20
        while left := processes("cadastre-executor", self.mark):
            self.assertLess(time.monotonic(), end_s, f"ranks run on: {left}")
            time.sleep(0.1)
        if output:
            self.assertFalse(os.path.exists(output))

    def test_a_run_gives_the_files_of_a_local_one(self):
        cadastre("run", "--plan", "plan.json", "--data", "scene", *SHORT, "--local", "-o", "local")
        # Plan and output in a place that the driver alone sees.
        os.mkdir("private")
        script = ('mount -t tmpfs tmpfs private && cp plan.json private/given.json && "$@"; '
                  "status=$?; cp -r private/run seen-by-driver; exit $status")
        status, output, lines, errors = self.run_plan(
            [*SHORT, "--model", MODEL, "--json", "-o", "private/run"], plan="private/given.json",
            around=["unshare", "--mount", "sh", "-c", script, "sh"]).end()
        self.assertEqual((status, lines), (0, []), errors)
        self.assertEqual(json.loads(output)["run"], "private/run")
        self.assertEqual(json.loads(output)["num_steps"], 6)
        self.assertEqual(os.listdir("private"), [])
        self.assertEqual(sorted(os.listdir("seen-by-driver")), FILES)
        self.assertEqual(read("seen-by-driver", "weights.pt"), read("local", "weights.pt"))
        seen, local = (json.loads(read(run, "run.json")) for run in ("seen-by-driver", "local"))
        self.assertEqual([step["loss"] for step in seen["steps"]],
                         [step["loss"] for step in local["steps"]])
        self.expect_nothing_left()

    def test_too_few_executors(self):
        status, output, lines, errors = self.run_plan(["--patience", "4", "-o", "few"],
                                                      plan="four.json").end()
        self.assertEqual((status, output), (2, ""), errors)
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], r"^error: expected 4 executors, one for each rank of the plan, "
                                   r"found [012] within 4 s$")
        self.expect_nothing_left("few")

    def test_a_killed_rank_ends_the_run(self):
        driver = self.run_plan([*LONG, "-o", "rank-killed"])
        driver.wait_for("training: ")
        kill(rank_process(1, self.mark))
        status, output, lines, errors = driver.end()
        self.assertEqual((status, output, len(lines)), (1, "", 1), errors)
        self.assertRegex(lines[0], r"^error: rank \d \(host node\d, stage \d\) died: its "
                                   r"connection closed, after \d+ steps(, in step \d+ at [^;]+)?"
                                   r"(; rank [^;]+ waited for it in step \d+ at [^;]+)?; "
                                   r"the other ranks were "
                                   r"ended$")
        self.expect_nothing_left("rank-killed")

    def test_a_killed_executor_ends_the_run(self):
        driver = self.run_plan([*LONG, "-o", "executor-killed"])
        driver.wait_for("training: ")
        kill(ancestor(rank_process(1, self.mark), "CoarseGrainedExecutorBackend"))
        status, output, lines, errors = driver.end()
        self.assertEqual((status, output, len(lines)), (1, "", 1), errors)
        self.assertRegex(lines[0], r"^error: rank \d \(host node\d, stage \d\) died")
        self.expect_nothing_left("executor-killed")

    def test_the_end_of_the_driver_ends_the_ranks(self):
        for part in ("org.apache.spark.deploy.SparkSubmit", "python"):
            driver = self.run_plan([*LONG, "-o", "driver-killed"])
            driver.wait_for("training: ")
            marks = (part, spark_cluster.PROGRAM, "driver-killed")
            victims = [pid for pid in processes(*marks)
                       if os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith(
                           "java" if part != "python" else "python")
                       and not processes_is_testbed(pid)]
            self.assertEqual(len(victims), 1, victims)
            kill(victims[0])
            self.expect_nothing_left()
            self.assertNotEqual(driver.end()[0], 0)
            shutil.rmtree("driver-killed", ignore_errors=True)  # nobody was left to remove it

    def test_an_interrupted_driver_ends_the_ranks(self):
        driver = self.run_plan([*LONG, "-o", "interrupted"])
        driver.wait_for("training: ")
        for pid in processes("python", spark_cluster.PROGRAM, "interrupted"):
            if not processes_is_testbed(pid) and "java" not in os.readlink(f"/proc/{pid}/exe"):
                os.kill(pid, 15)
        status, _, lines, errors = driver.end()
        self.assertEqual((status, lines), (1, ["error: interrupted by signal 15 (Terminated)"]),
                         errors)
        self.expect_nothing_left("interrupted")

    def test_a_wrong_plan_is_one_line_and_status_2(self):
        broken = json.loads(read("plan.json"))
        broken["micro_batches"] = -1
        with open("broken.json", "w", encoding="utf-8") as stream:
            json.dump(broken, stream)
        status, output, lines, errors = self.run_plan(["-o", "refused"], plan="broken.json").end()
        self.assertEqual((status, output, len(lines)), (2, "", 1), errors)
        self.assertRegex(lines[0], r"^error: broken\.json: /micro_batches: expected .*, found -1$")
        self.expect_nothing_left("refused")

    def test_an_option_that_is_not_known(self):
        status, output, lines, errors = self.run_plan(["--epoch", "3", "-o", "refused"]).end()
        self.assertEqual((status, output, len(lines)), (2, "", 1), errors)
        self.assertRegex(lines[0], r'expected an option .*did you mean "--epochs"\?$')
        self.expect_nothing_left("refused")

    def test_a_program_that_is_not_there(self):
        status, _, lines, errors = Driver(self.cluster.submit(
            ["run", "--plan", "plan.json", "--data", "scene", "-o", "nowhere"],
            ["--conf", "spark.cadastre.program=/nowhere/cadastre"])).end()
        self.assertEqual((status, len(lines)), (2, 1), errors)
        self.assertRegex(lines[0], r"^error: rank 0 \(host node\d\): expected the program "
                                   r"/nowhere/cadastre, found none; give --cadastre PATH$")
        self.assertFalse(os.path.exists("nowhere"))


def processes_is_testbed(pid):
    """Whether it is one of the processes by which the testbed brings a command to a host."""
    return pid in processes("testbed.py")


if __name__ == "__main__":
    if reason := spark_cluster.reason_not_to_run():
        print(f"skipped: {reason}")
        sys.exit(77)
    with contextlib.suppress(KeyboardInterrupt):
        unittest.main()
