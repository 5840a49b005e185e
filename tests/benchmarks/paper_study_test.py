#!/usr/bin/env python3
"""What the paper's study makes of counters and times, and the arithmetic of Spark's averaging."""

import unittest

import paper_study_counters as counters
import paper_study_table as table
import spark_averaging_math as math
from cluster_runs import Failed
from paper_study_counters import Reading
from paper_study_runs import start_of_clock

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

    def test_between_two_readings_counters_are_on_a_line(self):
        readings = [reading(1, 0, 0, 0), reading(2, 100, 10, 0.5), reading(4, 300, 10, 1.5)]
        self.assertEqual(counters.interpolated(readings, 3), reading(3, 200, 10, 1.0))
        self.assertEqual(counters.interpolated(readings, 4), readings[-1])
        with self.assertRaisesRegex(ValueError, "from 1 to 4 s, found 5"):
            counters.interpolated(readings, 5)

    def test_utilization_is_of_a_hosts_share_of_cores(self):
        part = counters.between(reading(1, 50, 10, 0.5), reading(3, 150, 30, 1.0))
        found = counters.per_step(part, 10, 0.2, {"a": 0.5, "b": 0.5})
        # 0.5 s in 10 steps of 0.2 s on half a core.
        self.assertAlmostEqual(found["by_host"]["a"]["utilization"], 0.5 / (10 * 0.2 * 0.5))
        self.assertEqual(found["by_host"]["a"]["received_bytes_per_step"], 10)
        self.assertEqual(found["traffic_bytes_per_step"], (20 + 40) / 10)


class Clock(unittest.TestCase):
    ENDS_S = [0.5, 1.0, 1.5, 2.0]

    def test_the_least_late_line_tells_when_training_began(self):
        seen = [(101.2, "training:  50 %, 1 s, 1 s left  loss 1.0\n"),
                (101.6, "training:  75 %, 2 s\n"), (109.0, "training: 100 %, 3 s\n"),
                (109.1, "4 steps in 2.0 s\n")]
        self.assertAlmostEqual(start_of_clock(seen, self.ENDS_S), 100.1)

    def test_the_last_line_comes_late_and_tells_nothing(self):
        with self.assertRaisesRegex(Failed, "more steps help"):
            start_of_clock([(109.0, "training: 100 %, 3 s\n")], self.ENDS_S)


def entry(architecture, step_s, **more):
    host = {"sent_bytes_per_step": 1e6, "received_bytes_per_step": 2e6, "cpu_s_per_step": 0.1}
    return {"architecture": architecture, "bandwidth": "1Gbps", "batch_size": 64,
            "computing_hosts": ["node1", "node2"], "step_s": step_s,
            "traffic_bytes_per_step": 3e6, "overall_accuracy": 0.5, "kappa": 0.25,
            "by_host": {"driver": host | {"utilization": 0.01, "sent_bytes_per_step": 5e6},
                        "node1": host | {"utilization": 0.5},
                        "node2": host | {"utilization": 0.7}}} | more


class Table(unittest.TestCase):
    def test_a_driver_has_traffic_but_is_no_computing_host(self):
        lines = table.markdown([
            entry("single", 0.2), entry("spark", 0.4, averaging_period=10, inference_s=1.0,
                                        inference_pixels=2000)]).splitlines()
        self.assertEqual(lines[3], "| 1Gbps | 64 | spark, every 10 | 2 | 400 | 0.50 | 3.00 | 7.00 "
                                   "| 0.50 / 0.60 / 0.70 | 50.0 % | 0.250 | 500 |")
        self.assertIn("| 200 | 1.00 |", lines[2])
        self.assertEqual(len({line.count("|") for line in lines}), 1)

    def test_without_a_single_host_there_is_no_ratio(self):
        self.assertIn("| 400 | – |", table.markdown([entry("spark", 0.4)]))


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
