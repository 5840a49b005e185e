#!/usr/bin/env python3
"""What the paper's study makes of counters and times, and the arithmetic of Spark's averaging."""

import unittest

import paper_study_counters as counters
import paper_study_rows as rows
import paper_study_table as table
import spark_averaging_math as math
from paper_study_counters import Reading

NET_DEV = """Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     900       9    0    0    0     0          0         0      900       9    0    0    0     0       0          0
  eth0: 1000       1    0    0    0     0          0         0     20       1    0    0    0     0       0          0
 link1:300       1    0    0    0     0          0         0     4000       1    0    0    0     0       0          0
"""


def reading(time_s, received, sent, cpu_s):
    return Reading(time_s, {"a": received, "b": 0}, {"a": sent, "b": 2 * sent}, {"a": cpu_s, "b": 0})


class Counters(unittest.TestCase):
    def test_the_loopback_is_not_traffic(self):
        self.assertEqual(counters.interface_bytes(NET_DEV), (1300, 4020))

    def test_another_text_is_refused(self):
        for text in ("", "one\ntwo\n", "one\ntwo\n eth0: 1 2 3\n"):
            with self.assertRaises(ValueError):
                counters.interface_bytes(text)

    def test_utilization_is_of_a_hosts_share_of_cores(self):
        part = counters.between(reading(1, 50, 10, 0.5), reading(3, 150, 30, 1.0))
        found = counters.per_step(part, 10, 0.2, {"a": 0.5, "b": 0.5})
        # 0.5 s in 10 steps of 0.2 s on half a core.
        self.assertAlmostEqual(found["by_host"]["a"]["utilization"], 0.5 / (10 * 0.2 * 0.5))
        self.assertEqual(found["by_host"]["a"]["received_bytes_per_step"], 10)
        self.assertEqual(found["traffic_bytes_per_step"], (20 + 40) / 10)


def plan(period=0):
    made = {"batch_size": 64, "micro_batches": 2, "schedule": "1f1b",
            "stages": [{"layers": ["a", "b"], "replicas": [{"host": "node1", "share": 1}]},
                       {"layers": ["c"], "replicas": [{"host": "node2", "share": 1}]}],
            "predicted": {"hosts": [{"host": "node1", "sent_bytes": 900},
                                    {"host": "node2", "sent_bytes": 100}]}}
    return made | ({"averaging_period": period} if period else {})


def run():
    """Rounds of two steps: 0.1 s, then 0.1 s and 0.8 s of averaging; the third is slow."""
    ends_s, now_s = [], 0
    for duration_s in (9, 9, 0.1, 0.9, 0.1, 0.9, 0.1, 4.9):
        now_s += duration_s
        ends_s.append(now_s)
    use = {"cores": 0.5, "step_s": 0.5, "received_bytes_per_step": 50}
    return {"steps": [{"end_s": end_s} for end_s in ends_s], "measured": {
                "step_s": 0.1, "hosts": [
                    use | {"host": "node1", "cpu_s_per_step": 0.125, "sent_bytes_per_step": 950},
                    use | {"host": "node2", "cpu_s_per_step": 0.3, "sent_bytes_per_step": 110}]},
            "traffic_bytes_per_step": 1000,
            "metrics": {"overall_accuracy": 0.5, "kappa": 0.25}}


class Rows(unittest.TestCase):
    def test_a_step_has_its_part_of_the_averaging(self):
        self.assertEqual(rows.step_seconds(run(), 0), 0.1)
        self.assertAlmostEqual(rows.step_seconds(run(), 2), 0.5)  # of 0.5, 0.5 and 2.5 s
        self.assertEqual(rows.step_seconds(run(), 8), 0.1)  # there is no second round

    def test_a_run_is_a_row(self):
        row = rows.cadastre_row({"machines": "2 hosts", "network": ""}, "branch", plan(2), run(),
                                640)
        self.assertEqual(row["machines"], "2 hosts")
        self.assertNotIn("network", row)
        self.assertAlmostEqual(row["epoch_s"], 5)  # 10 steps
        self.assertEqual(row["plan"]["averaging_period"], 2)
        self.assertEqual(row["plan"]["stages"][0],
                         {"first_layer": "a", "last_layer": "b", "num_layers": 2,
                          "hosts": ["node1"]})
        self.assertEqual(row["hosts"][0],
                         {"name": "node1", "processor_part": 0.5, "predicted_bytes": 900,
                          "sent_bytes": 950, "received_bytes": 50})
        self.assertEqual(row["hosts"][1]["processor_part"], 1)  # 0.3 s of 0.25 s is the quota's
        self.assertEqual(rows.with_inference(row, {"classify_s": 2, "num_pixels": 10}
                                             )["inference_s"], 2)

    def test_sparks_driver_sends_the_weights_to_all(self):
        own = {"batch_size": 64, "averaging_period": 10, "step_s": 0.3, "round_s": 2.0,
               "epoch_s": 3.0, "overall_accuracy": 0.5, "kappa": 0.1, "inference_s": 1,
               "inference_pixels": 100}
        host = {"sent_bytes_per_step": 1, "received_bytes_per_step": 2, "utilization": 0.5}
        row = rows.spark_row({}, {"hosts": ["node2", "node1"], "weights_bytes": 1000}, own,
                             {"by_host": {name: host for name in ("node1", "node2", "driver")},
                              "traffic_bytes_per_step": 3.2},
                             {"layers": [{"id": "a"}, {"id": "b"}]}, "driver")
        self.assertEqual({of["name"]: of["predicted_bytes"] for of in row["hosts"]},
                         {"driver": 200, "node1": 100, "node2": 100})
        self.assertAlmostEqual(row["step_s"], 0.2)
        self.assertAlmostEqual(row["epoch_s"], 2)
        self.assertEqual(row["plan"]["stages"][0]["hosts"], ["node1", "node2"])


class Table(unittest.TestCase):
    def row(self, **more):
        return rows.with_inference(rows.cadastre_row({"machines": "m"}, "single", plan(), run(),
                                                     640), {"classify_s": 1, "num_pixels": 2000}
                                   ) | more

    def test_a_driver_has_traffic_but_is_no_computing_host(self):
        driver = {"name": "driver", "processor_part": 0.01, "predicted_bytes": 0,
                  "sent_bytes": 4e6, "received_bytes": 1e6}
        spark = self.row(strategy="spark", step_s=0.2, setting="batch 64")
        spark["hosts"] = [*spark["hosts"], driver]
        lines = table.markdown([self.row(), spark]).splitlines()
        self.assertEqual(lines[3], "| m | batch 64 | spark | 2 | 200 | 0.50 | 1.0 | 0.00 | 4.00 | "
                                   "5.00 | 50 / 75 / 100 | 50.0 | 0.250 | 500 |")
        self.assertEqual(len({line.count("|") for line in lines}), 1)

    def test_a_training_of_other_length_has_no_accuracy(self):
        lines = table.markdown([rows.without_accuracy(self.row())]).splitlines()
        self.assertTrue(lines[2].endswith("| 50 / 75 / 100 | – | – | 500 |"), lines[2])

    def test_what_there_is_no_plan_for_says_why(self):
        lines = table.markdown([rows.no_row({"network": "early fusion"}, "branch", "no branches")]
                               ).splitlines()
        self.assertIn("| early fusion | branch | no branches |", lines[2])
        self.assertEqual(len({line.count("|") for line in lines}), 1)


class Averaging(unittest.TestCase):
    def test_partitions_hold_every_sample_once_and_differ_by_one(self):
        parts = math.partitions(11, 4, seed=1)
        self.assertEqual(sorted(sum(parts, [])), list(range(11)))
        self.assertEqual(sorted(map(len, parts)), [2, 3, 3, 3])
        self.assertEqual(parts, math.partitions(11, 4, seed=1))
        self.assertNotEqual(parts, math.partitions(11, 4, seed=2))
        with self.assertRaises(ValueError):
            math.partitions(3, 4, seed=1)

    def test_an_epoch_has_no_sample_twice_and_the_next_another_order(self):
        epochs = [[math.batch(10, 3, 3 * epoch + step, "seed") for step in range(3)]
                  for epoch in range(2)]
        for epoch in epochs:
            self.assertEqual(len(set(sum(epoch, []))), 9)
        self.assertNotEqual(*epochs)
        self.assertEqual(sorted(math.batch(2, 3, 7, "seed")), [0, 1])

    def test_weights_are_averaged_by_samples(self):
        total = None
        for weights, num_samples in ((1.0, 30), (4.0, 10), (7.0, 20)):
            total = math.added(total, math.weighted(weights, num_samples))
        self.assertAlmostEqual(math.averaged(total), (30 + 40 + 140) / 60)
        self.assertEqual(math.added(None, (1, 2)), (1, 2))
        self.assertIsNone(math.added(None, None))

    def test_rounds_end_with_the_steps(self):
        self.assertEqual(math.rounds(7, 3), [(0, 3), (3, 3), (6, 1)])

    def test_the_rate_warms_up_and_falls(self):
        rates = [math.learning_rate(0.1, step, 40) for step in range(40)]
        self.assertAlmostEqual(rates[0], 0.1 / 5)  # 4 of 40 steps warm up
        self.assertAlmostEqual(rates[4], 0.1)
        self.assertAlmostEqual(rates[22], 0.05)  # half of the cosine
        self.assertTrue(all(a > b for a, b in zip(rates[4:], rates[5:])))

    def test_accuracy_and_kappa(self):
        # Agreement 3/4; by chance (2·1 + 2·3) / 16 = 1/2; kappa (3/4 - 1/2) / (1/2).
        overall, kappa = math.accuracy([(0, 0), (0, 1), (1, 1), (1, 1)], 2)
        self.assertAlmostEqual(overall, 0.75)
        self.assertAlmostEqual(kappa, 0.5)
        self.assertEqual(math.accuracy([(0, 0)], 2), (1, 0.0))

    def test_test_pixels_are_evenly_spread(self):
        self.assertEqual(math.even_choice(10, 4), [0, 2, 5, 7])
        self.assertEqual(math.even_choice(3, 0), [0, 1, 2])


if __name__ == "__main__":
    unittest.main()
