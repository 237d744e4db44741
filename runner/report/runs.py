"""What a person reads at the end of a sweep: the ranking, the means over seeds, what is best."""

import statistics
from collections.abc import Sequence

from runner.report import edges
from runner.report.plain import as_line
from runner.report.waiting import waiting
from runner.report.words import aligned, counted
from runner.results.metrics import PARTS, heading, merit, number, spread
from runner.results.result import Result, Status


def ending(results: Sequence[Result], pages: Sequence[str] = ()) -> list[str]:
    """Return the last lines of a sweep: the ranking, the means over seeds, what is best.

    pages: how to open those that show its runs.
    """
    lines = ["", *ranking(results)]
    if table := over_seeds(results):
        lines += ["", *table]
    if any(result.reused for result in results):
        lines += ["", trained(results)]
    if not all(result.delivered for result in results):
        lines += ["", waiting("some records are", results)]
    if found := best(results):
        lines += ["", as_line(f"best      {found[0]}"), f"repeat    {found[1].command}"]
        lines += edges.of_grid(found[1].lr, [one.lr for one in results])
    if not found:
        lines.append("")  # what follows stands apart from the tables
    recorded = any(result.link is not None for result in results)
    return [*lines, *(f"look      {page}" for page in pages[:1] if recorded)]


def trained(results: Sequence[Result]) -> str:
    """Return how many steps of some runs had to be trained.

    >>> trained([Result("a", Status.FINISHED, steps=800), Result("b", Status.FINISHED, steps=800)])
    'trained 1,600 of 1,600 steps'
    >>> trained([Result("", Status.FINISHED, steps=800, reused=one) for one in (0, 600)])
    'trained 1,000 of 1,600 steps (1.6 times less)'
    """
    total = sum(result.steps for result in results)
    left = total - sum(result.reused for result in results)
    less = f" ({total / left:.3g} times less)" if 0 < left < total else ""
    return f"trained {f'{left:,}' if left else 'none'} of {total:,} steps{less}"


def order(results: Sequence[Result]) -> list[Result]:
    """Return results best first by validation, then those that did not finish."""
    return sorted(
        results, key=lambda one: (one.status != Status.FINISHED, merit(one.metrics, one.metric))
    )


def ranking(results: Sequence[Result]) -> list[str]:
    """Return a table of results, best first.

    >>> print(*ranking([Result("a", Status.FINISHED, {"val/loss": 0.5}, seconds=1.0)]), sep="\\n")
    rank  run  val loss  seconds  status
       1  a    0.5           1.0  FINISHED
    """
    return aligned(ranked(results), right={"rank", "seconds"})


def ranked(results: Sequence[Result]) -> list[list[str]]:
    """Return the cells of the table of results, the heading first."""
    keys = columns(results)
    rows = [["rank", "run", *map(heading, keys), "seconds", "status"]]
    for rank, result in enumerate(order(results), start=1):
        done = result.metrics if result.status == Status.FINISHED else {}
        figures = [number(key, done[key]) if key in done else "-" for key in keys]
        place = str(rank) if result.status == Status.FINISHED else "-"
        status = f"{result.status}  {result.reason or result.note}".rstrip()
        rows.append([place, name_of(result, results), *figures, f"{result.seconds:.1f}", status])
    return rows


def over_seeds(results: Sequence[Result]) -> list[str]:
    """Return a table of the mean and standard deviation over seeds, best first; empty where no
    two runs differ by their seed alone.

    >>> runs = [
    ...     Result("", Status.FINISHED, {"val/loss": 0.5 + i}, setting="1", setting_name="cosine")
    ...     for i in range(2)
    ... ]
    >>> print(*over_seeds(runs), sep="\\n")
    over seeds  n  val loss
    cosine      2  1 ± 0.71
    """
    return aligned(found) if (found := means(results)) else []


def means(results: Sequence[Result]) -> list[list[str]]:
    """Return the cells of the table over seeds, the heading first; none where no two runs differ by
    their seed alone."""
    groups = by_setting(results)
    if all(len(group) == 1 for group in groups):
        return []
    keys = columns(results)
    rows = [["over seeds", "n", *map(heading, keys)]]
    for group in groups:
        found = values_of(group)
        done = sum(result.status == Status.FINISHED for result in group)
        n = str(done) if done == len(group) else f"{done} of {len(group)}"
        cells = [spread(key, found[key]) if key in found else "-" for key in keys]
        rows.append([group[0].setting_name, n, *cells])
    return rows


def best(results: Sequence[Result]) -> tuple[str, Result] | None:
    """Return the best setting's name and its best run; over several seeds by their mean.

    None where no run has finished.
    """
    finished = [result for result in results if result.status == Status.FINISHED]
    if not finished:
        return None
    groups = by_setting(finished)
    first, *others = groups[0]
    if all(len(group) == 1 for group in groups):
        return name_of(first, results), first
    return f"{first.setting_name}, by the mean of {counted(1 + len(others), 'seed')}", first


def name_of(result: Result, results: Sequence[Result]) -> str:
    """Return what a run is called, with its setting where another one is called the same."""
    settings = {one.setting for one in results if one.name == result.name}
    return result.name if len(settings) == 1 else f"{result.name} ({result.setting_name})"


def by_setting(results: Sequence[Result]) -> list[list[Result]]:
    """Return results that differ by their seed alone together, the best mean first; of one seed
    that was trained twice, which gives the same again, one."""
    groups: dict[str, list[Result]] = {}
    for result in order(results):
        group = groups.setdefault(result.setting, [])
        if result.seed is None or result.seed not in [one.seed for one in group]:
            group.append(result)

    def mean(group: Sequence[Result]) -> dict[str, float]:
        return {key: statistics.fmean(values) for key, values in values_of(group).items()}

    return sorted(groups.values(), key=lambda group: merit(mean(group), group[0].metric))


def values_of(group: Sequence[Result]) -> dict[str, list[float]]:
    """Return what the runs that finished have found, by metric."""
    found: dict[str, list[float]] = {}
    for result in group:
        for key, value in result.metrics.items() if result.status == Status.FINISHED else ():
            found.setdefault(key, []).append(value)
    return found


def columns(results: Sequence[Result]) -> list[str]:
    """Return the metrics that results have: what decides first, then the loss, of the validation
    data and of the test data.

    >>> found = {"val/loss": 0.5, "val/accuracy": 0.9, "test/loss": 0.6, "param/w": 1.0}
    >>> columns([Result("", Status.FINISHED, found)])
    ['val/accuracy', 'val/loss', 'test/loss']
    >>> found = {"val/accuracy": 0.9, "ema/val/loss": 0.5, "ema/val/accuracy": 0.9}
    >>> columns([Result("", Status.FINISHED, found, metric="ema/val/accuracy")])[0]
    'ema/val/accuracy'
    """
    deciding = {one.metric for one in results}
    names = {key.rpartition("/")[2] for key in deciding}

    def place(key: str) -> tuple[bool, bool, bool, bool]:
        part, _, name = key.rpartition("/")
        return part == "test", key not in deciding, name not in names, name != "loss"

    found = dict.fromkeys(key for one in results for key in one.metrics)
    return sorted((key for key in found if key.rpartition("/")[0] in PARTS), key=place)
