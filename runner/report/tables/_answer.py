"""The answer: candidates over fresh seeds, and whether one is shown to be better."""

import math
import statistics
from collections.abc import Sequence

from runner.report.tables._figures import over_seeds, shown
from runner.report.terminal import figure
from runner.report.words import aligned, heading, number
from runner.results.answer import (
    ABSENT,
    Confirmed,
    Difference,
    changes,
    leader,
    paired,
    winner,
)
from runner.results.definition import Definition, Goal


def answer(
    confirmed: Sequence[Confirmed],
    baseline: Confirmed | None,
    definition: Definition,
    command: str,
) -> list[str]:
    """Return the candidates over fresh seeds, the verdict, what won by what, and its command.

    confirmed: the candidates without the baseline. command: repeats the winner.
    """
    goal = definition.goals[0]
    everyone = [*confirmed, *([baseline] if baseline else [])]
    if not everyone:
        return ["no trial was trained to its end, so there is no answer"]
    best = winner(confirmed, baseline, goal)
    tests = list(dict.fromkeys(metric for one in everyone for metric in one.test))
    n = len(everyone[0].per_seed)
    heads = ["candidate", heading(goal.metric), *(["minus baseline"] if baseline else [])]
    table = [[*heads, *map(heading, tests)]]
    for one in everyone:
        cells = [one.label, over_seeds(goal.metric, one.mean, one.per_seed)]
        if baseline:
            cells.append(ABSENT if one is baseline else _minus(goal, paired(one, baseline)))
        means = [one.test.get(metric, ()) for metric in tests]
        cells += [
            number(metric, statistics.fmean(values)) if values else ABSENT
            for metric, values in zip(tests, means, strict=True)
        ]
        table.append(cells)
    interval = ", 95 % interval of each difference" if baseline and n > 1 else ""
    seeds = "seed" if n == 1 else "seeds"
    lines = [f"trained again on {n} fresh {seeds}, mean ± deviation{interval}:"]
    lines += aligned(table)
    lines.append(_verdict(confirmed, baseline, goal))
    if best and baseline and best is not baseline:
        pairs = changes(best.values, baseline.values).items()
        lines += [f"  {key}: {shown(old)} -> {shown(new)}" for key, (old, new) in pairs]
    return [*lines, f"repeat    {command}"]


def _verdict(confirmed: Sequence[Confirmed], baseline: Confirmed | None, goal: Goal) -> str:
    first = leader(confirmed, goal)
    if first is None:
        return "no trial was finite on every fresh seed, so none is shown to be any good"
    over = f"over {len(first.per_seed)} fresh seed{'s' if len(first.per_seed) > 1 else ''}"
    if baseline is None:
        mean = figure(goal.metric, first.mean)
        return f"{first.label} has the best mean: {mean} {over}; no baseline beside it"
    best = winner(confirmed, baseline, goal)
    if best is not None and best is not baseline:
        by = _minus(goal, paired(best, baseline))
        but = "" if first is best else f"; the interval of {first.label} contains 0"
        return f"{best.label} is better than the baseline: {heading(goal.metric)} {by} {over}{but}"
    difference = paired(first, baseline)
    if not math.isfinite(difference.mean):
        why = "the baseline was not finite on every seed"
    elif math.isnan(difference.low):
        why = f"{first.label}: {_minus(goal, difference)}, one seed gives no interval"
    else:
        inside = difference.low <= 0 <= difference.high
        where = "contains 0" if inside else "lies on the worse side"
        why = f"{first.label}: {_minus(goal, difference)} {over}, the interval {where}"
    return f"no trial is shown to be better than the baseline ({why})"


def _minus(goal: Goal, found: Difference) -> str:
    """Return a difference with its interval; of accuracies in percentage points."""
    if not math.isfinite(found.mean):
        return ABSENT
    points = goal.metric.endswith("accuracy")
    mean, low, high = (
        f"{100 * x:+.2f}" if points else f"{x:+.4g}" for x in (found.mean, found.low, found.high)
    )
    interval = "" if math.isnan(found.low) else f" [{low}, {high}]"
    return f"{mean}{' points' if points else ''}{interval}"
