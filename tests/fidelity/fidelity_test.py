#!/usr/bin/env python3
"""`cadastre fidelity` on hosts of a testbed. Needs root, or ends with 77.

    fidelity_test.py DIRECTORY_OF_THE_PROGRAMS
"""

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../.."))
sys.path[:0] = [f"{ROOT}/executor/testbed", f"{ROOT}/tests/testbed"]

import hosts
from test_support import main

PROGRAM = f"{sys.argv.pop(1)}/cadastre" if len(sys.argv) > 1 else "cadastre"


def cluster(name, speeds, memory="2GiB"):
    return {"format": "cadastre-cluster/1", "name": name,
            "hosts": [{"name": f"node{i + 1}", "relative_speed": speed, "memory_bytes": memory}
                      for i, speed in enumerate(speeds)],
            "network": {"bandwidth_bytes_per_s": "200Mbps", "latency_s": "20us"}}


def suite():
    threads = cluster("threads", [1])
    threads["hosts"][0]["cores"] = 2
    return {"format": "cadastre-suite/1", "name": "small",
            "method": {"num_steps": 8, "warm_up_steps": 2, "num_runs": 1, "most_runs": 1,
                       "profile_repeats": 3},
            "models": {"rgb": f"{ROOT}/scenarios/models/rgb-only.json"},
            "clusters": {"cramped": cluster("cramped", [0.5], memory="64MiB"),
                         "threads": threads,
                         "two": cluster("two", [1, 0.5])},
            "groups": [{"model": "rgb", "cluster": "two", "batch_size": 16, "held_out": True,
                        "plans": [{"strategy": "single"},
                                  {"strategy": "pipeline", "micro_batches": 2},
                                  {"strategy": "branch"}]},
                       {"model": "rgb", "cluster": "cramped", "batch_size": 16,
                        "plans": [{"strategy": "single"}]},
                       {"model": "rgb", "cluster": "threads", "batch_size": 16,
                        "plans": [{"strategy": "single"}]}]}


def testbeds_left():
    """Those that the program makes; other tests make theirs."""
    return {name for name in hosts.names() if name.startswith("fidelity-")}


class Directory(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="cadastre-fidelity-")
        self.addCleanup(directory.cleanup)
        self.place = directory.name

    def write(self, document):
        with open(f"{self.place}/suite.json", "w", encoding="utf-8") as stream:
            json.dump(document, stream)

    def command(self, *words):
        return [PROGRAM, "fidelity", f"{self.place}/suite.json", "-o", f"{self.place}/out", *words]

    def run_suite(self, *words, **options):
        return subprocess.run(self.command(*words), capture_output=True, text=True, timeout=280,
                              check=False, **options)

    def result(self):
        with open(f"{self.place}/out/fidelity.json", encoding="utf-8") as stream:
            return json.load(stream)


class Measuring(Directory):
    def test_a_suite_is_measured_kept_when_interrupted_and_gone_on_with(self):
        self.write(suite())
        testbeds = testbeds_left()
        # It has measured one plan when it is told to end.
        process = subprocess.Popen(self.command(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        said = ""
        while "pipeline, 2 micro-batches, run 1" not in said:
            said = process.stderr.readline()
            self.assertTrue(said, "it ended by itself")
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("error: interrupted; what was measured is kept", errors)
        self.assertEqual(testbeds_left(), testbeds)
        points = self.result()["points"]
        self.assertGreater(points[0]["measured"]["step_s"], 0)
        self.assertEqual(points[1]["error"], "not measured yet")

        # A run of the cramped host fails.
        done = self.run_suite("--json")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("error: some runs failed", done.stderr)
        self.assertEqual(testbeds_left(), testbeds)
        self.assertNotIn("single, run 1\nrgb on two", done.stderr)  # is there already
        result = self.result()
        self.assertEqual(json.loads(done.stdout)["points"], result["points"])
        single, pipeline, branch, cramped, by_two_threads = result["points"]
        for point in (single, pipeline):
            self.assertEqual(point["predicted"]["traffic_bytes"],
                             point["measured"]["traffic_bytes"])
            measured = point["measured"]
            for host in measured["hosts"]:
                self.assertGreater(host["peak_memory_bytes"], 0)
                self.assertLessEqual(host["compute_s"], measured["step_s"] * 2)
            for other in ("predicted", "simulated"):
                self.assertEqual([host["host"] for host in point[other]["hosts"]],
                                 [host["host"] for host in measured["hosts"]])
                self.assertEqual([kind["kind"] for kind in point[other]["kinds"]],
                                 [kind["kind"] for kind in measured["kinds"]])
        self.assertEqual(pipeline["num_hosts"], 2)
        self.assertGreater(pipeline["measured"]["traffic_bytes"], 0)
        self.assertNotIn("measured", branch)  # the model has none
        self.assertIn("branch", branch["error"])
        # What a run failed of is named, and the others are not lost.
        self.assertIn("run 1: cadastre run ended with status", cramped["error"])
        self.assertEqual(cramped["failures"], [cramped["error"]])
        # So is a profile, where the host is too small for one.
        measured, not_measured = result["host_speeds"]
        self.assertEqual((measured["group"], measured["host"], measured["stated"]),
                         (0, "node2", 0.5))
        self.assertTrue(0 < measured["measured"] < 1)
        self.assertNotIn("measured", not_measured)
        self.assertRegex(not_measured["failures"][0], "^profile 1: ")
        # The model was profiled beside the machine's other processor at work, too.
        self.assertTrue(os.path.exists(f"{self.place}/out/group-0/profile-1-beside.json"))
        # A yardstick was beside each profile and each run, on the processors of those.
        with open(f"{self.place}/out/group-0/measured.json", encoding="utf-8") as stream:
            measured_group = json.load(stream)
        self.assertEqual(set(measured_group["yardsticks_s"]),
                         {name for name in os.listdir(f"{self.place}/out/group-0")
                          if name.startswith("profile-") and name.endswith(".json")})
        for plan in measured_group["plans"]:
            for run in plan["runs"]:
                self.assertEqual(set(run["yardsticks_s"]), {"node1", "node2"})
        # A host of two cores has two threads, and its model is profiled with as many.
        self.assertGreater(by_two_threads["measured"]["step_s"], 0)
        for name, num_threads in {"profile-1": 2, "profile-1-by-one-thread": 1}.items():
            with open(f"{self.place}/out/group-2/{name}.json", encoding="utf-8") as stream:
                self.assertEqual(json.load(stream)["num_threads"], num_threads)
        self.assertEqual([summary["part"] for summary in result["summaries"]],
                         ["all", "calibration", "held out"])
        with open(f"{self.place}/out/fidelity.csv", encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        self.assertEqual(len(rows), 5)
        self.assertAlmostEqual(float(rows[0]["measured_step_s"]), single["measured"]["step_s"])

        # The same again runs nothing.
        again = self.run_suite("--quiet")
        self.assertEqual(again.returncode, 1, again.stderr)
        self.assertEqual(self.result()["points"], result["points"])
        self.assertIn("not measured: rgb on cramped", again.stdout)

        # What was measured of another suite is not taken.
        other = suite()
        other["groups"][0]["batch_size"] = 32
        self.write(other)
        refused = self.run_suite()
        self.assertEqual(refused.returncode, 2)
        self.assertIn("/request: expected measurements of group 0 of this suite", refused.stderr)


class Refusals(Directory):
    def test_a_suite_that_does_not_fit_the_machine_is_refused_before_anything_runs(self):
        document = suite()
        document["clusters"]["two"] = cluster("two", [1] * 300, memory="1MiB")
        self.write(document)
        done = self.run_suite()
        self.assertEqual(done.returncode, 2)
        self.assertIn("suite.json: /clusters/two/hosts: expected hosts with", done.stderr)
        self.assertIn("found 300", done.stderr)
        self.assertFalse(os.path.exists(f"{self.place}/out/fidelity.json"))
        document["clusters"]["two"] = cluster("two", [1, 1], memory="100TiB")
        self.write(document)
        done = self.run_suite()
        self.assertEqual(done.returncode, 2)
        self.assertIn("bytes of memory together", done.stderr)

    def test_a_model_that_is_not_there_is_named(self):
        document = suite()
        document["models"]["rgb"] = "nowhere.json"
        self.write(document)
        done = self.run_suite()
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"{self.place}/nowhere.json", done.stderr)

    def test_without_root_it_says_so(self):
        self.write(suite())
        os.chmod(self.place, 0o777)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                               *self.command()], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("expected root", done.stderr)


if __name__ == "__main__":
    main()
