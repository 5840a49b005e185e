#!/usr/bin/env python3
"""What the cluster benchmark makes of its times."""

import unittest

import cluster_runs
import cluster_table


def setting(**step_s):
    plan = {"schedule": "gpipe", "micro_batches": 4, "num_stages": 3, "num_hosts": 2,
            "most_replicas": 1, "predicted_step_s": 0.04}
    return {"num_hosts": 2, "bandwidth": "1Gbps", "cores_per_host": 0.5,
            "measured_relative_speed": 0.47,
            "measured_bandwidth_bytes_per_s": 119.5e6, "measured_latency_s": 30e-6,
            "step_s": {name.replace("_", "-"): value for name, value in step_s.items()},
            "idle_beyond_share": {"planned": 0.0123}, "plans": {"planned": plan}}


SETTING = setting(pytorch_single=0.1, pytorch_ddp=0.12, single=0.08, data_parallel=0.06,
                  pipeline=0.07, planned=0.05)


class Table(unittest.TestCase):
    def test_a_ratio_above_1_is_faster(self):
        found = cluster_table.ratios(SETTING)
        for name, ratio in (("single_over_pytorch_single", 0.1 / 0.08),
                            ("data_parallel_over_ddp", 0.12 / 0.06),
                            ("planned_over_best_baseline", 0.06 / 0.05),
                            ("planned_over_best_pytorch", 0.1 / 0.05),
                            ("planned_over_single_or_ddp", 0.08 / 0.05),
                            ("measured_over_predicted", 0.05 / 0.04)):
            self.assertAlmostEqual(found.pop(name), ratio, msg=name)
        self.assertEqual(found, {})

    def test_the_tables_have_a_row_for_every_setting_and_cells_for_every_column(self):
        lines = cluster_table.markdown([SETTING, SETTING]).split("\n")
        first, second = lines[:4], lines[5:9]
        self.assertEqual(first[2], "| 2 | 1Gbps | 100.0 | 120.0 | 80.0 | 60.0 | 70.0 | 50.0 |")
        self.assertEqual(second[3], "| 2 | 1Gbps | 1.25 | 2.00 | 1.20 | 2.00 | 1.60 | 1.25 | 1.2 % "
                                    "| 3 stages on 2 hosts, 4 mb |")
        for table in (first, second):
            self.assertEqual(len({line.count("|") for line in table}), 1)
        self.assertIn("0.5 of a core each, 0.47 times as fast as one; between two, 956 Mbit/s and "
                      "30 us measured", lines[10])


class Ranks(unittest.TestCase):
    def test_hosts_are_ranks_in_the_order_in_which_the_stages_name_them(self):
        def stage(*hosts):
            return {"replicas": [{"host": host} for host in hosts]}
        self.assertEqual(cluster_runs.ranks_of({"stages": [stage("c", "a"), stage("a"),
                                                           stage("b", "c")]}), ["c", "a", "b"])


if __name__ == "__main__":
    unittest.main()
