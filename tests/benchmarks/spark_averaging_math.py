"""What parameter averaging computes beside the network: partitions, batches, sums of weights, rates,
accuracy. Numbers may be Python's or arrays."""

import math
import random

_MOST_WARM_UP_STEPS = 100


def partitions(num_samples, num_partitions, seed):
    """The sample numbers of each partition: shuffled, then dealt out, so that sizes differ by one
    at most. Raises ValueError when a partition would be empty."""
    if not 1 <= num_partitions <= num_samples:
        raise ValueError(f"expected from 1 to {num_samples} partitions, as there are so many "
                         f"training samples, found {num_partitions}")
    order = list(range(num_samples))
    random.Random(seed).shuffle(order)
    return [order[index::num_partitions] for index in range(num_partitions)]


def batch(num_samples, batch_size, step, seed):
    """Positions of a local step's samples among a partition's `num_samples`: every epoch another
    order, whole batches only. A partition that is smaller than a batch is the batch."""
    size = min(batch_size, num_samples)
    epoch, place = divmod(step, num_samples // size)
    order = list(range(num_samples))
    random.Random(f"{seed} {epoch}").shuffle(order)
    return order[place * size:(place + 1) * size]


def weighted(weights, num_samples):
    """What a partition hands in: (weights x samples, samples)."""
    return weights * num_samples, num_samples


def added(one, other):
    """The sum of two of `weighted`; None is nothing."""
    if one is None or other is None:
        return one or other
    return one[0] + other[0], one[1] + other[1]


def averaged(total):
    return total[0] / total[1]


def rounds(num_steps, period):
    """(first step, number of steps) between averagings; the last may be shorter."""
    return [(first, min(period, num_steps - first)) for first in range(0, num_steps, period)]


def learning_rate(peak, step, num_steps):
    """Warm-up over a tenth of the steps, 100 at most, then half a cosine: as `cadastre run` has."""
    warm_up = min(_MOST_WARM_UP_STEPS, num_steps // 10)
    if step < warm_up:
        return peak * (step + 1) / (warm_up + 1)
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, num_steps - warm_up)))


def even_choice(num, most):
    """At most `most` of `num` positions, evenly spread; 0: all."""
    if most == 0 or most >= num:
        return list(range(num))
    return [position * num // most for position in range(most)]


def accuracy(pairs, num_classes):
    """(overall accuracy, kappa) of (reference, predicted) classes. Source: Congalton 1991; kappa is
    0 where only one class occurs."""
    reference, predicted, correct, total = [0] * num_classes, [0] * num_classes, 0, 0
    for truth, guess in pairs:
        reference[truth] += 1
        predicted[guess] += 1
        correct += truth == guess
        total += 1
    overall = correct / total
    by_chance = sum(r * p for r, p in zip(reference, predicted)) / total**2
    return overall, (overall - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0
