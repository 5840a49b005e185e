"""The arithmetic of the robust benchmark: how hosts vary, and what its steps say."""

import json
import math
import os
import random
import statistics

_UPPER_QUARTILE_OF_NORMAL = 0.6744897501960817


def factors(seed, spread):
    """Endless factors of a host's speed: log-normal, of median 1, quartiles `spread` apart as the
    planner means it."""
    deviation = math.asinh(spread / 2) / _UPPER_QUARTILE_OF_NORMAL
    source = random.Random(seed)
    while True:
        yield math.exp(deviation * source.gauss(0, 1))


def niceness(share):
    """What a process that computes has to be, beside one of the normal niceness, for the latter to
    get this share, in (0, 1), of the processor: the kernel's weights are 1024 / 1.25^niceness."""
    weight = 1024 * (1 / share - 1)
    return max(-20, min(19, round(math.log(1024 / weight) / math.log(1.25))))


def step_seconds(run, num_left_out):
    """Seconds of each step of a run document, but the first, in which ranks warm up."""
    ends_s = [step["end_s"] for step in run["steps"]]
    return [end - before for before, end in zip(ends_s, ends_s[1:])][num_left_out:]


def quantile(values, part):
    """By linear interpolation between order statistics, as the simulator has it."""
    ascending = sorted(values)
    place = part * (len(ascending) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (place - below) * (ascending[above] - ascending[below])


def figures(steps_s):
    """Of each plan's repetitions, a list of steps each: the median over repetitions of their
    median, mean and 95th percentile, and the regret, by which the last is more than the least
    that any plan has."""
    found = {}
    for plan, repetitions in steps_s.items():
        found[plan] = {
            "median_s": statistics.median(quantile(each, 0.5) for each in repetitions),
            "mean_s": statistics.median(statistics.fmean(each) for each in repetitions),
            "p95_s": statistics.median(quantile(each, 0.95) for each in repetitions),
            "all_p95_s": [quantile(each, 0.95) for each in repetitions]}
    least_s = min(plan["p95_s"] for plan in found.values())
    for plan in found.values():
        plan["regret"] = plan["p95_s"] / least_s - 1
    return found


def markdown(document):
    text = ("| plan | hosts | simulated p95, ms | median, ms | mean, ms | p95, ms | regret |\n"
            "|---|---|---|---|---|---|---|\n")
    for name, plan in document["plans"].items():
        text += (f"| {name} | {plan['num_hosts']} | {1e3 * plan['simulated_p95_s']:.0f} | "
                 f"{1e3 * plan['median_s']:.0f} | {1e3 * plan['mean_s']:.0f} | "
                 f"{1e3 * plan['p95_s']:.0f} | {100 * plan['regret']:.1f} % |\n")
    return text


def write(output, document):
    """Writes robust-benchmark.json and .md, beside and then renamed."""
    for name, text in (("robust-benchmark.json", json.dumps(document, indent=1) + "\n"),
                       ("robust-benchmark.md", markdown(document))):
        file = os.path.join(output, name)
        with open(f"{file}.part", "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(f"{file}.part", file)
