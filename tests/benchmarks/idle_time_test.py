#!/usr/bin/env python3
"""The idle time beyond a schedule's own bubble, on timelines small enough to work out by hand."""

import unittest

from idle_time import Network, idle_time

NETWORK = Network(bandwidth_bytes_per_s=100, latency_s=1)


def timeline(step_s, parts, *ranks):
    """`ranks`: (kind, seconds) or (kind, seconds, further keys) in order; waits may be anything."""
    events = []
    for rank, instructions in enumerate(ranks):
        now_s = 0
        for kind, seconds, *keys in instructions:
            events.append({"rank": rank, "kind": kind, "stage": 0, "start_s": now_s,
                           "end_s": now_s + seconds} | (keys[0] if keys else {}))
            now_s += seconds
    return {"step_s": step_s, "events": events,
            "ranks": [{"host": str(number), "parts": [{"stage": stage, "replica": 0}
                                                      for stage in stages]}
                      for number, stages in enumerate(parts)]}


def send(micro_batch, peer, kind="activation"):
    return (f"send_{kind}", 0, {"peer": peer, "micro_batch": micro_batch, "layer": 5, "bytes": 200})


def receive(micro_batch, peer, kind="activation"):
    return (f"receive_{kind}", 7, {"peer": peer, "micro_batch": micro_batch, "layer": 5,
                                   "bytes": 200})


class Idle(unittest.TestCase):
    def test_one_rank_is_idle_between_its_computations(self):
        idle = idle_time(timeline(10, [[0]], [("forward", 3), ("backward", 5)]), NETWORK)
        self.assertAlmostEqual(idle.ideal_step_s, 8)
        self.assertAlmostEqual(idle.beyond_share, 0.2)
        self.assertEqual(idle.computing_s, [8])

    def test_what_a_pipeline_must_wait_is_its_bubble(self):
        # Forward 4, message 2 + 1, forward and backward 6, message back 3, backward 4: a round
        # trip of 20, in which the ranks compute 8 and 6.
        idle = idle_time(timeline(
            25, [[0], [1]],
            [("forward", 4), send(0, 1), receive(0, 1, "gradient"), ("backward", 4)],
            [receive(0, 0), ("forward", 2), ("backward", 4), send(0, 0, "gradient")]), NETWORK)
        self.assertAlmostEqual(idle.ideal_step_s, 20)
        self.assertAlmostEqual(idle.beyond_share, 0.2)
        self.assertAlmostEqual(idle.bubble_shares[0], 12 / 25)
        self.assertAlmostEqual(idle.bubble_shares[1], 14 / 25)

    def test_messages_of_a_host_leave_one_after_the_other(self):
        # Both are sent at 1; the second has come at 1 + 2 + 2 + 1.
        idle = idle_time(timeline(
            8, [[0], [1]],
            [("forward", 1), send(0, 1), send(1, 1), receive(9, 1, "gradient")],
            [receive(0, 0), receive(1, 0), ("forward", 0), ("send_gradient", 0, {
                "peer": 0, "micro_batch": 9, "layer": 5, "bytes": 0})]), NETWORK)
        self.assertAlmostEqual(idle.ideal_step_s, 7)  # and a latency back

    def test_messages_to_one_host_share_its_link(self):
        ranks = [[("forward", 1), send(0, 2), receive(8, 2, "gradient")],
                 [("forward", 1), send(1, 2), receive(9, 2, "gradient")],
                 [receive(0, 0), receive(1, 1)]
                 + [("send_gradient", 0, {"peer": peer, "micro_batch": 8 + peer, "layer": 5})
                    for peer in (0, 1)]]
        idle = idle_time(timeline(8, [[0], [1], [2]], *ranks), NETWORK)
        self.assertAlmostEqual(idle.ideal_step_s, 7)

    def test_messages_queue_in_the_order_of_their_times_whatever_the_ranks_numbers(self):
        # Rank 0's message to 2 leaves at 10, long after rank 1's at 1.
        ranks = [[("forward", 10), send(0, 2), receive(8, 2, "gradient")],
                 [("forward", 1), send(1, 2), receive(9, 2, "gradient")],
                 [receive(1, 1), ("forward", 4), receive(0, 0)]
                 + [("send_gradient", 0, {"peer": peer, "micro_batch": 8 + peer, "layer": 5})
                    for peer in (0, 1)]]
        idle = idle_time(timeline(14, [[0], [1], [2]], *ranks), NETWORK)
        self.assertAlmostEqual(idle.ideal_step_s, 14)  # 10 + 2 + 1, and a latency back

    def test_what_stays_on_a_rank_takes_no_time(self):
        idle = idle_time(timeline(2, [[0, 1]], [("forward", 1), send(0, 0), receive(0, 0),
                                                ("forward", 1)]), NETWORK)
        self.assertAlmostEqual(idle.beyond_share, 0)

    def test_a_reduction_begins_with_the_last_rank(self):
        # 2 messages of 100 bytes and latency: 4, after the slower rank's 5.
        reduce = ("reduce_gradients", 3, {"bytes": 200})
        idle = idle_time(timeline(10, [[0], [0]], [("backward", 3), reduce],
                                  [("backward", 5), reduce]), NETWORK)
        self.assertAlmostEqual(idle.ideal_step_s, 9)
        self.assertAlmostEqual(idle.beyond_share, 0.1)

    def test_buckets_are_reduced_beside_the_backward_pass_one_after_the_other(self):
        # The first from 2 to 6, the second, started at 4, from 6 to 10.
        start = ("start_reduction", 0, {"bytes": 200})
        rank = [("backward", 2), start, ("backward", 2), start, ("reduce_gradients", 9, {
            "bytes": 400}), ("optimizer_step", 1)]
        idle = idle_time(timeline(12, [[0], [0]], rank, rank), NETWORK)
        self.assertAlmostEqual(idle.ideal_step_s, 11)

    def test_a_timeline_that_cannot_be_is_refused(self):
        with self.assertRaisesRegex(ValueError, "wait for each other"):
            idle_time(timeline(1, [[0], [1]], [receive(0, 1)], [receive(0, 0)]), NETWORK)
        with self.assertRaisesRegex(ValueError, "found dream"):
            idle_time(timeline(1, [[0]], [("dream", 1)]), NETWORK)


if __name__ == "__main__":
    unittest.main()
