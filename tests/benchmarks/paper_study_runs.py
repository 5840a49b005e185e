"""Runs of the paper's study on a testbed: cadastre's architectures, and Spark's averaging."""

import argparse
import json
import os
import re
import shutil
import sys
import threading
import time

import paper_study_counters as counters
from cluster_runs import HERE, Failed, Runs, ranks_of, run_program

sys.path.insert(0, os.path.join(os.path.dirname(HERE), "spark"))

import control_groups  # noqa: E402
from spark_cluster import SparkCluster  # noqa: E402

AVERAGING = "parameter-averaging"
SPARK = "spark"
DRIVER = "driver"
_WARM_UP_STEPS = 4  # not counted, where nothing is averaged
_SPARK_S = 600
_PROGRESS = re.compile(r"training: +(\d+) %")


def start_of_clock(seen, ends_s):
    """When a run's training began, in the clock of `seen`: (time, line) of its progress. `ends_s`:
    of its steps, after the beginning. A line is written when a step ends, but for the last one.
    Raises Failed when there is none."""
    num_steps = len(ends_s)
    step_of = {round(100 * step / num_steps): step for step in range(1, num_steps)}
    percents = [(time_s, int(found[1])) for time_s, found in
                ((time_s, _PROGRESS.match(line)) for time_s, line in seen) if found]
    begins = [time_s - ends_s[step_of[percent] - 1] for time_s, percent in percents
              if percent in step_of]
    if not begins:
        raise Failed("cadastre run: done before it told its progress; more steps help")
    return min(begins)


def _read(file):
    with open(file, encoding="utf-8") as stream:
        return json.load(stream)


class StudyRuns:
    """Of one bandwidth. `cores` by host; `counted`: its Counters; `document`: the cluster of the
    hosts that compute."""

    def __init__(self, arguments, testbed, counted, document, profile, directory, bandwidth,
                 cores):
        self._arguments = arguments
        self._testbed = testbed
        self._counted = counted
        self._document = document
        self._profile = profile
        self._directory = directory
        self._bandwidth = bandwidth
        self._cores = cores

    def _plan(self, strategy, batch_size, period):
        options = argparse.Namespace(program=self._arguments.program, batch_size=batch_size)
        runs = Runs(options, self._testbed, self._document, self._profile, self._directory)
        # Over the same links as Spark: all to one host and from there to all.
        file = runs.plan(strategy, *(["--all-reduce", "spark"] if period else []))
        plan = _read(file)
        if period:
            plan["averaging_period"] = period
            with open(file, "w", encoding="utf-8") as stream:
                json.dump(plan, stream)
        return runs, file, plan

    def _train(self, runs, plan_file, hosts, first):
        """(run.json, Reading of its steps after the first ones)."""
        output = f"{self._directory}/run"
        shutil.rmtree(output, ignore_errors=True)
        command = [self._arguments.program, "run", "--plan", plan_file, "--data",
                   self._arguments.data, "--epochs", "1000", "--max-steps", self._arguments.steps,
                   "--learning-rate", self._arguments.learning_rate, "--test-samples",
                   self._arguments.test_samples, "-o", output]
        seen = []

        def follow(stream):
            with stream:
                for line in stream:
                    seen.append((time.monotonic(), line))

        with counters.Watch(self._counted) as watch:
            ranks = runs.start(hosts, command)
            stream, ranks[0].stderr = ranks[0].stderr, None
            reader = threading.Thread(target=follow, args=(stream,), daemon=True)
            reader.start()
            try:
                run_program(ranks, f"cadastre run of {os.path.basename(plan_file)}")
            except Failed as error:
                reader.join()
                raise Failed(f"{error} ({''.join(line for _, line in seen).strip()})") from None
            reader.join()
        run = _read(f"{output}/run.json")
        ends_s = [step["end_s"] for step in run["steps"]]
        began_s = start_of_clock(seen, ends_s)
        return run, counters.between(watch.at(began_s + ends_s[first - 1]),
                                     watch.at(began_s + ends_s[-1]))

    def cadastre(self, strategy, batch_size, period=0):
        """An entry of the table: of steps after the first round, or after a few."""
        runs, plan_file, plan = self._plan(strategy, batch_size, period)
        hosts = ranks_of(plan)
        first = period or _WARM_UP_STEPS
        run, reading = self._train(runs, plan_file, hosts, first)
        num_steps = len(run["steps"]) - first
        step_s = reading.time_s / num_steps
        return {"architecture": strategy, "bandwidth": self._bandwidth, "batch_size": batch_size,
                "averaging_period": period, "computing_hosts": hosts,
                "num_steps": len(run["steps"]), "step_s": step_s,
                "overall_accuracy": run["metrics"]["overall_accuracy"],
                "kappa": run["metrics"]["kappa"], "plan": runs.describe(plan_file),
                "computed_traffic_bytes_per_step": run["traffic_bytes_per_step"],
                **counters.per_step(reading, num_steps, step_s, self._cores)}

    def spark(self, weights):
        """Entries of the table: every batch size with every period, on a standalone cluster."""
        marks = f"{self._directory}/marks"
        os.makedirs(marks, exist_ok=True)
        output = f"{self._directory}/spark.json"
        arguments = self._arguments
        num_workers = len(self._testbed.hosts) - 1
        self._limit(lift=True)  # Java takes a minute to start on a share of a core
        try:
            cluster = SparkCluster(self._testbed.name, self._directory, num_workers,
                                   testbed=self._testbed)
        except AssertionError as error:
            raise Failed(f"Spark: {error}") from None
        driver = cluster.submit(
            [arguments.model, "--data", arguments.data, "--weights", weights, "--partitions",
             num_workers, "--batch-size", *arguments.batch_sizes, "--averaging-period",
             *arguments.periods, "--steps", arguments.steps, "--learning-rate",
             arguments.learning_rate, "--test-samples", arguments.test_samples,
             "--inference-pixels", arguments.inference_pixels, "--aggregate",
             arguments.aggregate, "--marks", marks, "-o", output],
            program=f"{HERE}/spark_averaging.py", OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        try:
            readings = self._follow(driver, marks)
        finally:
            driver.kill()
            driver.wait()
            cluster.close()
        document = _read(output)
        return [self._spark_entry(document, run, reading)
                for run, reading in zip(document["runs"], readings)]

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

    def _spark_entry(self, document, run, reading):
        step_s = run["step_s"]
        return {"architecture": SPARK, "bandwidth": self._bandwidth,
                "computing_hosts": document["hosts"], "driver": DRIVER, **run,
                "weights_bytes": document["weights_bytes"],
                **counters.per_step(reading, run["num_steps"], step_s, self._cores)}
