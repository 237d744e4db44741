"""The answer: candidates over fresh seeds, and whether one is shown to be better."""

import math
import statistics
from collections.abc import Sequence

from runner.report.layout import aligned
from runner.report.words import counted, difference, figure, heading, number, shown, spread
from runner.results.answer import ABSENT, Confirmed, changes, leader, paired, winner
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
        cells = [one.label, spread(goal.metric, one.per_seed)]
        if baseline:
            minus = ABSENT if one is baseline else _minus(one, baseline, goal)
            cells.append(minus)
        means = [one.test.get(metric, ()) for metric in tests]
        cells += [
            number(metric, statistics.fmean(values)) if values else ABSENT
            for metric, values in zip(tests, means, strict=True)
        ]
        table.append(cells)
    interval = ", 95 % interval of each difference" if baseline and n > 1 else ""
    lines = [f"trained again on {counted(n, 'fresh seed')}, mean ± deviation{interval}:"]
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
    over = f"over {counted(len(first.per_seed), 'fresh seed')}"
    if baseline is None:
        mean = figure(goal.metric, first.mean)
        return f"{first.label} has the best mean: {mean} {over}; no baseline beside it"
    best = winner(confirmed, baseline, goal)
    if best is not None and best is not baseline:
        by = _minus(best, baseline, goal)
        but = "" if first is best else f"; the interval of {first.label} contains 0"
        return f"{best.label} is better than the baseline: {heading(goal.metric)} {by} {over}{but}"
    found, by = paired(first, baseline), _minus(first, baseline, goal)
    if not math.isfinite(found.mean):
        why = "the baseline was not finite on every seed"
    elif math.isnan(found.low):
        why = f"{first.label}: {by}, one seed gives no interval"
    else:
        where = "contains 0" if found.low <= 0 <= found.high else "lies on the worse side"
        why = f"{first.label}: {by} {over}, the interval {where}"
    return f"no trial is shown to be better than the baseline ({why})"


def _minus(one: Confirmed, baseline: Confirmed, goal: Goal) -> str:
    return difference(goal.metric, paired(one, baseline))
