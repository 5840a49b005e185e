"""How the ranks of a run get on, and who was the cause when it fails."""

from __future__ import annotations

import dataclasses
import signal


@dataclasses.dataclass
class Rank:
    number: int
    host: str = ""
    error: str = ""  # the last line of its own that says so
    problem: str = ""  # why it cannot take part
    status: int | None = None  # negative: a signal's number
    is_lost: bool = False
    when: int = 0  # ended or lost as the so-many-th

    @property
    def is_over(self):
        return self.status is not None or self.is_lost

    @property
    def name(self):
        return f"rank {self.number}" + (f" (host {self.host})" if self.host else "")


class RankStates:
    def __init__(self, num_ranks):
        self.ranks = [Rank(number) for number in range(num_ranks)]

    def end(self, number, status):
        rank = self.ranks[number]
        rank.when = rank.when or self._next()
        rank.status = status

    def lose(self, number):
        rank = self.ranks[number]
        if rank.status is None:
            rank.when = rank.when or self._next()
            rank.is_lost = True

    def _next(self):
        return 1 + max(rank.when for rank in self.ranks)

    def are_over(self):
        return all(rank.is_over for rank in self.ranks)

    def have_succeeded(self):
        return all(rank.status == 0 for rank in self.ranks)

    def have_failed(self):
        return any(rank.is_lost or rank.status or rank.problem for rank in self.ranks)

    def cause(self):
        """One line and the exit status; None when no rank is to blame.

        cadastre's own word, by rank 0, which knows of all, goes first: then come those that could
        say nothing, and those that may only have lost another.
        """
        for rank in self.ranks:
            if rank.problem:
                return f"{rank.name}: {rank.problem}", 2
        first = self.ranks[0]
        if first.error and first.status is not None and first.status > 0:
            return first.error, first.status
        in_order = sorted((rank for rank in self.ranks if rank.is_over),
                          key=lambda rank: rank.when)
        for rank in in_order:
            if rank.status is not None and rank.status < 0:
                return f"{rank.name} was killed by signal {_signal_text(-rank.status)}", 1
        for rank in in_order:
            if rank.is_lost:
                return f"{rank.name} was lost with its executor or task", 1
        for rank in in_order:
            if rank.status and rank.error:
                return rank.error, rank.status
        for rank in in_order:
            if rank.status:
                return f"{rank.name} ended with status {rank.status}", 1
        return None


def _signal_text(number):
    return f"{number} ({signal.strsignal(number)})"
