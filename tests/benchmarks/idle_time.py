"""How much of a measured step its schedule does not explain.

The step is computed again from the measured timeline: every computation takes as long as it was
measured to take, each rank does its instructions in their order, and a message takes latency +
bytes / bandwidth, the messages of a host one after the other each way; gradients go round a ring,
whose messages meet no others. What a rank then waits is
the schedule's own bubble, and what the network costs at its best. The measured step's excess over
it is idle time beyond that: since every rank computes as long in both, it is the same for all.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field

COMPUTATIONS = ("load_micro_batch", "forward", "recompute", "backward", "optimizer_step")
_NUM_STEPS = 8  # after which a step takes as long as the one before


@dataclass
class Network:
    bandwidth_bytes_per_s: float
    latency_s: float  # of a message from host to host


@dataclass
class IdleTime:
    step_s: float  # measured
    ideal_step_s: float  # as above
    computing_s: list = field(default_factory=list)  # of each rank

    @property
    def beyond_share(self):
        """Of the step; below 0 where messages were faster than the network is said to be."""
        return 1 - self.ideal_step_s / self.step_s

    @property
    def bubble_shares(self):
        """Of the step, for each rank: what it would be idle at best."""
        return [(self.ideal_step_s - computing) / self.step_s for computing in self.computing_s]


def idle_time(timeline, network):
    """The IdleTime of a measured cadastre-timeline document."""
    ranks = [[] for _ in timeline["ranks"]]
    for event in timeline["events"]:
        ranks[event["rank"]].append(event)
    computing_s = [sum(event["end_s"] - event["start_s"] for event in events
                       if event["kind"] in COMPUTATIONS) for events in ranks]
    return IdleTime(step_s=timeline["step_s"],
                    ideal_step_s=_Replay(timeline, ranks, network).step_s(),
                    computing_s=computing_s)


class _Replay:
    def __init__(self, timeline, ranks, network):
        self._ranks = ranks
        self._network = network
        self._ranks_of_stage = defaultdict(list)
        for number, rank in enumerate(timeline["ranks"]):
            for part in rank["parts"]:
                self._ranks_of_stage[part["stage"]].append(number)
        self._now_s = [0.0] * len(ranks)
        self._sent_until_s = [0.0] * len(ranks)  # each host's way to the switch
        self._received_until_s = [0.0] * len(ranks)  # and from it
        self._arrivals = defaultdict(deque)
        self._reduced_until_s = defaultdict(float)  # of a stage, through all its buckets so far
        self._starts = defaultdict(list)  # (step, stage, bucket) -> when each rank started it
        self._num_started = defaultdict(int)  # (step, rank, stage) -> buckets
        self._step = 0  # of the instruction that is done

    def step_s(self):
        """Seconds of the last of some steps. The instructions are done in the order of their times,
        so that messages queue as they would."""
        num_done = [0] * len(self._ranks)  # instructions, over all steps
        end_s = [[0.0] * _NUM_STEPS for _ in self._ranks]
        running = {rank for rank, events in enumerate(self._ranks) if events}
        while running:
            for rank in sorted(running, key=lambda rank: (self._now_s[rank], rank)):
                self._step, position = divmod(num_done[rank], len(self._ranks[rank]))
                if self._do(rank, self._ranks[rank][position]):
                    break
            else:
                raise ValueError("the timeline's ranks wait for each other")
            num_done[rank] += 1
            end_s[rank][self._step] = self._now_s[rank]
            if num_done[rank] == _NUM_STEPS * len(self._ranks[rank]):
                running.remove(rank)
        last_ends_s = [max(of_rank[step] for of_rank in end_s) for step in range(_NUM_STEPS)]
        return last_ends_s[-1] - last_ends_s[-2]

    def _do(self, rank, event):
        """Does one instruction, or returns False where it must wait for another rank's."""
        kind = event["kind"]
        if kind in COMPUTATIONS:
            self._now_s[rank] += event["end_s"] - event["start_s"]
        elif kind in ("send_activation", "send_gradient"):
            self._send(rank, event)
        elif kind in ("receive_activation", "receive_gradient"):
            arrivals = self._arrivals[_message(event, event["peer"], rank)]
            if not arrivals:
                return False
            self._now_s[rank] = max(self._now_s[rank], arrivals.popleft())
        elif kind == "start_reduction":
            self._start_bucket(rank, event["stage"], event.get("bytes", 0))
        elif kind == "reduce_gradients":
            return self._reduce(rank, event)
        else:
            raise ValueError(f"expected a known instruction, found {kind}")
        return True

    def _send(self, rank, event):
        receiver = event["peer"]
        arrival_s = self._now_s[rank]
        if receiver != rank:
            wire_s = event.get("bytes", 0) / self._network.bandwidth_bytes_per_s
            start_s = max(self._now_s[rank], self._sent_until_s[rank])
            self._sent_until_s[rank] = start_s + wire_s
            # The last byte leaves the switch when it has come and those before it have left.
            arrival_s = max(start_s + wire_s, self._received_until_s[receiver] + wire_s)
            self._received_until_s[receiver] = arrival_s
            arrival_s += self._network.latency_s
        self._arrivals[_message(event, rank, receiver)].append(arrival_s)

    def _start_bucket(self, rank, stage, num_bytes):
        """A bucket's all-reduce begins when the last rank has started it and the one before is
        through; a ring of n ranks takes 2 (n - 1) messages of an nth of it."""
        bucket = self._num_started[self._step, rank, stage]
        self._num_started[self._step, rank, stage] += 1
        starts_s = self._starts[self._step, stage, bucket]
        starts_s.append(self._now_s[rank])
        num_ranks = len(self._ranks_of_stage[stage])
        if len(starts_s) == num_ranks:
            begin_s = max(max(starts_s), self._reduced_until_s[stage])
            message_s = (num_bytes / num_ranks / self._network.bandwidth_bytes_per_s
                         + self._network.latency_s)
            self._reduced_until_s[stage] = begin_s + 2 * (num_ranks - 1) * message_s

    def _reduce(self, rank, event):
        stage = event["stage"]
        if self._num_started[self._step, rank, stage] == 0:  # a program without buckets
            self._start_bucket(rank, stage, event.get("bytes", 0))
        for bucket in range(self._num_started[self._step, rank, stage]):
            if len(self._starts[self._step, stage, bucket]) < len(self._ranks_of_stage[stage]):
                return False
        self._now_s[rank] = max(self._now_s[rank], self._reduced_until_s[stage])
        return True


def _message(event, sender, receiver):
    what = "activation" if event["kind"].endswith("activation") else "gradient"
    return what, event.get("layer", -1), event.get("micro_batch", -1), sender, receiver
