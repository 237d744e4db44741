"""What a study found: the answer over fresh seeds, what made trials good, how early it showed."""

import math
import statistics
from collections.abc import Mapping, Sequence

from runner.report.words import aligned, counted, shown
from runner.results.answer import ABSENT, Confirmed, Difference, changes, leader, paired, winner
from runner.results.definition import MEAN, Definition, Goal
from runner.results.metrics import heading, metric, number, spread

_BAR = 40  # marks of an importance of 1


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
        return [verdict(confirmed, baseline, goal)]
    lines = [over_seeds(len(everyone[0].per_seed), baseline)]
    lines += [*aligned(candidates(confirmed, baseline, goal)), verdict(confirmed, baseline, goal)]
    lines += [f"  {change}" for change in changed(confirmed, baseline, goal)]
    if goal.of == MEAN:
        last = f"the mean of the last {goal.last_k} evaluations"
        lines.insert(0, f"{last} chose them; what counts is what the weights that are kept find:")
    return [*lines, f"repeat    {command}"]


def over_seeds(n: int, baseline: Confirmed | None) -> str:
    """Return what the table of the candidates shows, of n seeds."""
    interval = ", 95 % interval of each difference" if baseline and n > 1 else ""
    return f"trained again on {counted(n, 'fresh seed')}, mean ± deviation{interval}:"


def candidates(
    confirmed: Sequence[Confirmed], baseline: Confirmed | None, goal: Goal
) -> list[list[str]]:
    """Return the table of the candidates over fresh seeds, the heading first."""
    everyone = [*confirmed, *([baseline] if baseline else [])]
    name = goal.metric.rpartition("/")[2]
    found = dict.fromkeys(key for one in everyone for key in one.test)
    tests = sorted(found, key=lambda key: (key != f"test/{name}", key != "test/loss"))
    heads = ["candidate", heading(goal.metric), *(["minus baseline"] if baseline else [])]
    table = [[*heads, *map(heading, tests)]]
    for one in everyone:
        cells = [one.label, spread(goal.metric, one.per_seed)]
        if baseline:
            cells.append(ABSENT if one is baseline else _minus(one, baseline, goal))
        means = {key: statistics.fmean(values) for key, values in one.test.items()}
        cells += [number(key, means[key]) if key in means else ABSENT for key in tests]
        table.append(cells)
    return table


def changed(confirmed: Sequence[Confirmed], baseline: Confirmed | None, goal: Goal) -> list[str]:
    """Return by what the winner differs from the baseline, a text each."""
    best = winner(confirmed, baseline, goal)
    if best is None or baseline is None or best is baseline:
        return []
    pairs = changes(best.values, baseline.values).items()
    return [f"{key}: {shown(old)} -> {shown(new)}" for key, (old, new) in pairs]


def verdict(confirmed: Sequence[Confirmed], baseline: Confirmed | None, goal: Goal) -> str:
    """Return what fresh seeds have shown, in a sentence."""
    if not confirmed and baseline is None:
        return "no trial was trained to its end, so there is no answer"
    first = leader(confirmed, goal)
    if first is None:
        return "no trial was finite on every fresh seed, so none is shown to be any good"
    over = f"over {counted(len(first.per_seed), 'fresh seed')}"
    if baseline is None:
        mean = number(goal.metric, first.mean, named=True)
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


def difference(key: str, found: Difference) -> str:
    """Return a difference of a metric's values with its interval; of shares in percentage points.

    >>> difference("val/accuracy", Difference(0.02, -0.005, 0.045, n=3))
    '+2.00 points [-0.50, +4.50]'
    >>> difference("val/loss", Difference(-0.1, math.nan, math.nan, n=1))
    '-0.1'
    """
    if not math.isfinite(found.mean):
        return ABSENT
    known = metric(key)
    mean, low, high = (known.digits(x, "+") for x in (found.mean, found.low, found.high))
    interval = "" if math.isnan(found.low) else f" [{low}, {high}]"
    return f"{mean}{' points' if known.percent else ''}{interval}"


def importances(found: Mapping[str, float]) -> list[str]:
    """Return how much each key decides, as bars; nothing where that is not known.

    >>> importances({"lr": 0.75, "schedule": 0.25})[1:]
    ['  lr        0.75  ##############################', '  schedule  0.25  ##########']
    """
    if not found:
        return []
    bars = [[key, f"{share:.2f}", "#" * round(_BAR * share)] for key, share in found.items()]
    head = "importance for being among the best (of keys that at least 10 trials have)"
    return [head, *(f"  {line}" for line in aligned(bars))]


def correlations(found: Mapping[int, tuple[float, int]]) -> list[str]:
    """Return how well the values at shares of the run foretold the final ones, in a line.

    >>> correlations({20: (0.31, 25), 40: (0.62, 25)})
    ['rank correlation of early values with final ones: at 20 % of the run 0.31, 40 % 0.62 (n 25)']
    """
    if not found:
        return []
    sizes = {n for _, n in found.values()}
    each = [
        f"{rung} % {'not defined' if math.isnan(rank) else f'{rank:.2f}'}"
        + (f" (n {n})" if len(sizes) > 1 else "")
        for rung, (rank, n) in found.items()
    ]
    of_all = f" (n {sizes.pop()})" if len(sizes) == 1 else ""
    said = ", ".join(each).replace(" %", " % of the run", 1)
    return [f"rank correlation of early values with final ones: at {said}{of_all}"]
