"""Runs of the paper's study on a testbed: cadastre's architectures, and Spark's averaging."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

import paper_study_counters as counters
import paper_study_rows as rows
from cluster_runs import HERE, Failed, run_program

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "spark"))

import control_groups  # noqa: E402
from spark_cluster import SparkCluster  # noqa: E402

AVERAGING = "parameter-averaging"
DRIVER = "driver"
# What spark_averaging.py does, which has neither augmentation nor smoothed labels nor means of
# weights, and takes samples as they are.
TRAINING = ["--momentum", "0.9", "--weight-decay", "1e-4", "--label-smoothing", "0",
            "--class-balance", "1", "--no-augmentation"]
_NO_DIVISION = 2  # exit status of a plan that there is none of
_SPARK_S = 600


def read_json(file):
    with open(file, encoding="utf-8") as stream:
        return json.load(stream)


def write_json(file, document):
    with open(file, "w", encoding="utf-8") as stream:
        json.dump(document, stream)


class StudyRuns:
    """Of one testbed. `cores` by host; `counted`: its Counters; `document`: the cluster of the
    hosts that compute; `scene`: of the pixels that are classified; `machines`: these, in words."""

    def __init__(self, arguments, testbed, counted, document, directory, cores, machines):
        self._arguments = arguments
        self._testbed = testbed
        self._counted = counted
        self._directory = directory
        self._cores = cores
        self._machines = machines
        self._cluster = f"{directory}/cluster.json"
        write_json(self._cluster, document)
        self._first = document["hosts"][0]["name"]
        self._hosts = f"{directory}/hosts.txt"
        with open(self._hosts, "w", encoding="utf-8") as stream:
            stream.writelines(f"{host['name']}\n" for host in document["hosts"])

    def _plan(self, profile, strategy, batch_size, period):
        """(file, document), or (None, why not)."""
        file = f"{self._directory}/plan-{strategy}.json"
        words = [self._arguments.program, "plan", "--quiet", "--profile", profile, "--cluster",
                 self._cluster, "--batch-size", batch_size, "--strategy", strategy, "--optimizer",
                 "sgd", "--no-average", "-o", file]
        if strategy == AVERAGING:  # over the same links as Spark: all to one host, from there to all
            words += ["--averaging-period", period, "--all-reduce", "spark"]
        done = subprocess.run(list(map(str, words)), capture_output=True, text=True, check=False)
        if done.returncode == _NO_DIVISION:
            return None, done.stderr.strip().splitlines()[-1]
        if done.returncode != 0:
            raise Failed(f"cadastre plan --strategy {strategy}: exit status {done.returncode}: "
                         f"{done.stderr.strip()}")
        return file, read_json(file)

    def _cadastre(self, *words):
        """What a verb prints that is started on the first host, and starts ranks on all by ssh."""
        path = f"{self._testbed.ssh_directory}:{os.environ['PATH']}"
        process = self._testbed.start(
            self._first, [self._arguments.program, *words, "--quiet", "--hosts", self._hosts],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
        return run_program([process], f"cadastre {words[0]}")[0]

    def cadastre(self, profile, strategy, batch_size, period, steps, words, classified=None):
        """A row: of a training of so many steps, and of the inference of a scene, if given.
        `words`: network and setting, by these keys."""
        place = {"machines": self._machines, **words}
        plan_file, plan = self._plan(profile, strategy, batch_size, period)
        if plan_file is None:
            return rows.no_row(place, strategy, plan)
        output = f"{self._directory}/run"
        shutil.rmtree(output, ignore_errors=True)
        arguments = self._arguments
        self._cadastre("run", "--plan", plan_file, "--data", arguments.data, "--steps", steps,
                       "--learning-rate", arguments.learning_rate, *TRAINING, "--test-samples",
                       arguments.test_samples, "-o", output)
        row = rows.cadastre_row(place, strategy, plan, read_json(f"{output}/run.json"),
                                arguments.num_training_samples)
        if steps != arguments.steps:  # another training: its accuracy is no figure beside theirs
            row = rows.without_accuracy(row)
        if classified is None:
            return row
        said = self._cadastre("predict", "--run", output, "--plan", plan_file, "--data", classified,
                              "--json", "--no-resume", "-o", f"{output}/map.tif")
        return rows.with_inference(row, json.loads(said))

    def spark(self, model, weights, settings):
        """Rows of Spark's own averaging, on a standalone cluster. `settings`: (batch size, period,
        words) of each; the words as for `cadastre`."""
        marks = f"{self._directory}/marks"
        shutil.rmtree(marks, ignore_errors=True)
        os.makedirs(marks)
        output = f"{self._directory}/spark.json"
        arguments = self._arguments
        num_workers = len(self._testbed.hosts) - 1
        self._limit(lift=True)  # Java takes a minute to start on a share of a core
        try:
            cluster = SparkCluster(self._testbed.name, self._directory, num_workers,
                                   testbed=self._testbed)
        except AssertionError as error:
            raise Failed(f"Spark: {error}") from None
        pairs = [f"{batch_size}:{period}" for batch_size, period, _ in settings]
        driver = cluster.submit(
            [model, "--data", arguments.data, "--weights", weights, "--partitions", num_workers,
             "--runs", *pairs, "--steps", arguments.steps, "--learning-rate",
             arguments.learning_rate, "--test-samples", arguments.test_samples,
             "--inference-pixels", arguments.inference_side**2, "--aggregate",
             arguments.aggregate, "--marks", marks, "-o", output],
            program=f"{HERE}/spark_averaging.py", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        try:
            readings = self._follow(driver, marks)
        finally:
            driver.kill()
            driver.wait()
            cluster.close()
        document = read_json(output)
        lost = [run["replicas_lost"] for run in document["runs"]]
        if any(lost):
            raise Failed(f"Spark: replicas had to be made again during the runs, {lost}: what the "
                         "steps took is no figure of theirs")
        return [rows.spark_row({"machines": self._machines, **words}, document, run,
                               counters.per_step(reading, run["num_steps"], run["step_s"],
                                                 self._cores), read_json(model), DRIVER)
                for (_, _, words), run, reading in zip(settings, document["runs"], readings)]

    def _limit(self, lift=False):
        for host in self._testbed.hosts:
            place = self._testbed.place(host)
            control_groups.limit(place["parents"], place["group"],
                                 None if lift else self._cores[host])

    def _follow(self, driver, marks):
        """Readings of the training parts of a driver, until it ends. Raises Failed."""
        said, readings, before = [], [], None
        drains = [threading.Thread(target=said.extend, args=(stream,), daemon=True)
                  for stream in (driver.stdout, driver.stderr)]
        for drain in drains:
            drain.start()
        end_s = time.monotonic() + _SPARK_S
        while driver.poll() is None:
            if time.monotonic() > end_s:
                raise Failed(f"Spark: not done within {_SPARK_S} s")
            if os.path.exists(f"{marks}/begins"):
                self._limit()
                before = self._counted.read()
                os.remove(f"{marks}/begins")
            if os.path.exists(f"{marks}/ended"):
                readings.append(counters.between(before, self._counted.read()))
                os.remove(f"{marks}/ended")
            time.sleep(0.01)
        for drain in drains:
            drain.join()
        if driver.returncode != 0:
            raise Failed(f"spark_averaging.py: exit status {driver.returncode}: "
                         f"{''.join(said)[-2000:]}")
        return readings
