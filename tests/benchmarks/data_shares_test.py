#!/usr/bin/env python3
"""What the data benchmark makes of a measured step and of a process's memory."""

import unittest

import data_shares


def event(kind, start_s, end_s, cpu_s):
    return {"kind": kind, "start_s": start_s, "end_s": end_s, "cpu_s": cpu_s}


STEP = {"step_s": 0.1, "events": [event("load_micro_batch", 0, 0.01, 0.002),
                                  event("forward", 0.01, 0.04, 0.03),
                                  event("backward", 0.04, 0.09, 0.045),
                                  event("optimizer_step", 0.09, 0.095, 0.003)]}


class Shares(unittest.TestCase):
    def test_a_step_is_computing_loading_and_the_rest(self):
        shares = data_shares.step_shares(STEP)
        self.assertAlmostEqual(shares["busy_share"], 0.85)  # 85 of 100 ms
        self.assertAlmostEqual(shares["busy_cpu_share"], 78 / 80)
        self.assertAlmostEqual(shares["load_ms"], 10)
        self.assertAlmostEqual(shares["load_cpu_ms"], 2)

    def test_a_program_of_several_ranks_is_refused(self):
        with self.assertRaisesRegex(ValueError, "found send_activation"):
            data_shares.step_shares({"step_s": 1, "events": [event("send_activation", 0, 1, 0)]})

    def test_peak_memory_is_what_the_kernel_says(self):
        self.assertEqual(data_shares.peak_bytes(0, "Name:\tx\nVmHWM:\t   2048 kB\n"), 2 << 20)
        self.assertIsNone(data_shares.peak_bytes(0, "Name:\tx\n"))
        self.assertIsNone(data_shares.peak_bytes(-1))

    def test_a_map_is_compared_with_the_network_thread_by_thread(self):
        network = {"together_pixels_per_s": 10000, "patch_by_patch_pixels_per_s": 1000}
        line = data_shares.map_line({"map": "m", "peak_bytes": 5e8, "pixels_per_s": 18000}, network, 2)
        self.assertIn("500 MB", line)
        self.assertIn("a thread 90 % of the network by itself, 900 % of it patch", line)


if __name__ == "__main__":
    unittest.main()
