#!/usr/bin/env python3
"""What a request to `cadastre_spark.py` is taken for, and whom a failed run is blamed on."""

import json
import os
import sys
import tempfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(TESTS), "executor", "spark"))

from rank_states import RankStates  # pylint: disable=wrong-import-position
from request import InputError, read_request  # pylint: disable=wrong-import-position
from run_output import RunOutput  # pylint: disable=wrong-import-position


def plan(*stages):
    """Stages of replicas on these hosts."""
    return {"format": "cadastre-plan/1",
            "stages": [{"replicas": [{"host": host} for host in hosts]} for hosts in stages]}


class InDirectory(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(directory.name)

    def write(self, text, name="plan.json"):
        with open(name, "w", encoding="utf-8") as stream:
            stream.write(text if isinstance(text, str) else json.dumps(text))


class Requests(InDirectory):
    def refusal(self, *words):
        with self.assertRaises(InputError) as caught:
            read_request(list(words))
        return str(caught.exception)

    def request(self, *words):
        return read_request(["run", "--plan", "plan.json", "--data", "scene", "-o", "out", *words])

    def test_a_plan_has_a_rank_for_each_host_that_it_uses(self):
        for stages, expected in ((["ab", "c"], 3), (["a", "b", "a"], 2), (["abcd"], 4)):
            self.write(plan(*stages))
            self.assertEqual(self.request().num_ranks, expected)

    def test_paths_are_made_absolute_documents_are_read_the_rest_is_passed_on(self):
        self.write(plan("ab"))
        self.write("{}", "model.json")
        request = self.request("--epochs", "3", "--model=model.json", "--seed=-4", "--rasters=r",
                               "--patience", "9", "--quiet", "stray")
        here = os.getcwd()
        self.assertEqual(request.arguments,
                         ["run", "--epochs", "3", "--seed=-4", "--quiet", "stray", "--data",
                          f"{here}/scene", "--rasters", f"{here}/r", "--patience", "9"])
        self.assertEqual([document[:2] for document in request.documents],
                         [("--plan", "plan.json"), ("--model", "model.json")])
        self.assertEqual((request.output, request.program, request.patience_s, request.is_quiet),
                         ("out", "", 9, True))

    def test_every_spelling_of_the_output(self):
        self.write(plan("a"))
        for words in (["-o", "x y"], ["-ox y"], ["-o=x y"], ["--output", "x y"], ["--output=x y"]):
            request = read_request(["run", "--plan=plan.json", "--data=scene", *words])
            self.assertEqual(request.output, "x y")

    def test_wrong_requests(self):
        self.write(plan("a"))
        whole = ("run", "--plan", "plan.json", "--data", "scene", "-o", "out")
        for words, expected in (
                ((), "expected the verb run, found none"),
                (("plan",), 'expected the verb run, found "plan"'),
                (whole[:5], "--output is required"),
                (whole[:3] + whole[5:], "--data is required"),
                (whole[:1] + whole[3:], "--plan is required"),
                (whole[:1] + ("--plam", "plan.json") + whole[3:],
                 'found "--plam"; did you mean "--plan"?'),
                (whole[:-1], "expected a value for --output, found none"),
                (whole + ("--plan=",), "expected a value for --plan, found none"),
                (whole + ("--plan", "b.json"), "expected --plan once, found it twice"),
                (whole + ("--hosts", "h"), "expected no --hosts: Spark starts the ranks"),
                (whole + ("--port=9",), "expected no --port: Spark starts the ranks"),
                (whole + ("--patience", "1.5"),
                 '--patience: expected a whole number from 1 to 86400, found "1.5"'),
                (whole + ("--patience", "99999999999999999999"), "expected a whole number from 1"),
                (whole + ("--model", "none.json"),
                 "none.json: cannot be read: No such file or directory")):
            with self.subTest(words):
                self.assertIn(expected, self.refusal(*words))

    def test_wrong_plans(self):
        for text, expected in (
                ("", "plan.json: expected JSON, found otherwise"),
                ("[" * 100000, "plan.json: expected JSON, found otherwise"),
                ("\udcff".encode("utf-8", "surrogateescape"), "plan.json: expected JSON"),
                ([], 'plan.json: /format: expected "cadastre-plan/1", found none'),
                ({"format": "cadastre-run/1"}, 'found "cadastre-run/1"'),
                ({"format": ["x"]}, 'found ["x"]'),
                ({"format": "cadastre-plan/1"}, "plan.json: /stages: expected stages"),
                (plan(), "plan.json: /stages: expected stages"),
                (plan([3]), "plan.json: /stages: expected stages"),
                (plan([["a"]]), "plan.json: /stages: expected stages"),
                ({"format": "cadastre-plan/1", "stages": {"a": 1}}, "plan.json: /stages")):
            with self.subTest(expected):
                if isinstance(text, bytes):
                    with open("plan.json", "wb") as stream:
                        stream.write(text)
                else:
                    self.write(text)
                self.assertIn(expected, self.refusal("run", "--plan", "plan.json", "--data", "s",
                                                     "-o", "out"))


class Causes(unittest.TestCase):
    def setUp(self):
        self.states = RankStates(3)
        for rank in self.states.ranks:
            rank.host = f"node{rank.number}"

    def test_all_is_well(self):
        for number in (2, 0, 1):
            self.assertFalse(self.states.are_over())
            self.states.end(number, 0)
            self.states.lose(number)  # the connection closes after the end
        self.assertTrue(self.states.have_succeeded())
        self.assertFalse(self.states.have_failed())
        self.assertIsNone(self.states.cause())

    def test_rank_0_knows_of_all(self):
        self.states.end(1, -9)
        self.states.ranks[0].error = "error: rank 1 died"
        self.states.end(0, 1)
        self.assertEqual(self.states.cause(), ("error: rank 1 died", 1))

    def test_what_rank_0_could_not_say(self):
        self.states.ranks[2].error = "error: lost the coordinator"
        self.states.end(2, 1)
        self.states.end(0, -9)
        self.assertEqual(self.states.cause(),
                         ("rank 0 (host node0) was killed by signal 9 (Killed)", 1))

    def test_the_first_that_is_lost(self):
        self.states.lose(1)
        self.states.lose(0)
        self.assertTrue(self.states.have_failed())
        self.assertEqual(self.states.cause(),
                         ("rank 1 (host node1) was lost with its executor or task", 1))

    def test_a_rank_that_cannot_take_part(self):
        self.states.ranks[2].problem = "expected the program x, found none"
        for number in range(3):
            self.states.end(number, 2)
        self.assertEqual(self.states.cause(),
                         ("rank 2 (host node2): expected the program x, found none", 2))

    def test_status_without_a_word(self):
        self.states.end(1, 134)
        self.assertEqual(self.states.cause(), ("rank 1 (host node1) ended with status 134", 1))


class Outputs(InDirectory):
    def test_files_are_there_once_all_are(self):
        with RunOutput("a/run") as output:
            output.add("weights.pt", b"12", False)
            output.add("weights.pt", b"3", True)
            output.add("steps/1.json", b"", True)
            self.assertFalse(os.path.exists("a/run/weights.pt"))
            output.keep()
        self.assertEqual(sorted(os.listdir("a/run")), ["steps", "weights.pt"])
        with open("a/run/weights.pt", "rb") as stream:
            self.assertEqual(stream.read(), b"123")

    def test_nothing_is_left_of_a_failed_run(self):
        with RunOutput("run") as output:
            output.add("weights.pt", b"12", False)
        self.assertEqual(os.listdir("."), [])

    def test_a_failed_run_leaves_an_older_one_alone(self):
        os.mkdir("run")
        self.write("old", "run/weights.pt")
        with RunOutput("run") as output:
            output.add("weights.pt", b"new", True)
        self.assertEqual(os.listdir("run"), ["weights.pt"])
        with open("run/weights.pt", encoding="utf-8") as stream:
            self.assertEqual(stream.read(), "old")

    def test_names_that_leave_the_directory_are_refused(self):
        for name in ("../x", "/tmp/x", "a/../../x", "."):
            with self.subTest(name), RunOutput("run") as output, self.assertRaises(OSError):
                output.add(name, b"", True)
        self.assertEqual(os.listdir("."), [])

    def test_no_directory(self):
        self.write("", "file")
        for path in ("file", "file/run"):
            with self.assertRaises(InputError) as caught:
                RunOutput(path)
            self.assertIn(f"{path}: expected a directory that can be written, found: ",
                          str(caught.exception))


if __name__ == "__main__":
    unittest.main()
