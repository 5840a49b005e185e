"""The robust benchmark's arithmetic."""

import itertools
import unittest

import robust_figures


class RobustFigures(unittest.TestCase):
    def test_factors_have_the_spread_and_the_median_that_were_asked_for(self):
        drawn = list(itertools.islice(robust_figures.factors(1, 0.5), 20000))
        quartiles = [robust_figures.quantile(drawn, part) for part in (0.25, 0.5, 0.75)]
        self.assertAlmostEqual(quartiles[1], 1, delta=0.02)
        self.assertAlmostEqual((quartiles[2] - quartiles[0]) / quartiles[1], 0.5, delta=0.02)

    def test_factors_are_the_same_for_a_seed(self):
        first, again, other = (list(itertools.islice(robust_figures.factors(seed, 1), 50))
                               for seed in (1, 1, 2))
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)

    def test_a_share_of_a_processor_is_a_niceness_of_the_other_process(self):
        self.assertEqual(robust_figures.niceness(0.5), 0)
        self.assertEqual(robust_figures.niceness(0.2), -6)  # 4 x 1024 = 1024 / 1.25^-6.2
        self.assertEqual(robust_figures.niceness(0.999), 19)
        self.assertEqual(robust_figures.niceness(0.001), -20)

    def test_steps_are_from_end_to_end(self):
        run = {"steps": [{"end_s": end} for end in (5, 6, 8, 11, 15)]}
        self.assertEqual(robust_figures.step_seconds(run, 1), [2, 3, 4])

    def test_quantiles_lie_between_order_statistics(self):
        self.assertEqual(robust_figures.quantile([3, 1, 2], 0.5), 2)
        self.assertAlmostEqual(robust_figures.quantile([0, 10], 0.95), 9.5)
        self.assertEqual(robust_figures.quantile([7], 0.95), 7)

    def test_regret_is_what_the_95th_percentile_is_above_the_least(self):
        found = robust_figures.figures({"a": [[1, 1], [3, 3], [2, 2]], "b": [[3, 3], [3, 3]]})
        self.assertEqual(found["a"]["p95_s"], 2)  # the median of three repetitions
        self.assertEqual(found["a"]["regret"], 0)
        self.assertAlmostEqual(found["b"]["regret"], 0.5)


if __name__ == "__main__":
    unittest.main()
