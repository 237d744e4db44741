"""What a person reads at the end: the summary of a run, the ranking of a sweep."""

import statistics
from collections.abc import Sequence

from runner.addresses import OUTBOX
from runner.report.layout import aligned
from runner.report.words import counted, figure, heading, number, spread
from runner.results.metrics import METRICS, merit
from runner.results.result import Result, Status


def summary(result: Result) -> list[str]:
    """Return the last lines of a single run."""
    lines = []
    for part in ("val", "test"):
        mine = {k: v for k, v in result.metrics.items() if k.startswith(f"{part}/")}
        if mine:
            line = "  ".join(figure(key, value) for key, value in mine.items())
            early = f"  (weights after step {result.kept_step})"
            lines.append(line + (early if result.kept_step != result.steps else ""))
    if result.status != Status.FINISHED:
        lines.append(f"{result.status}: {result.reason}")
    if result.link is not None:
        link = result.link
        lines.append(f"recorded  run {link.run_id} in experiment '{link.experiment}', {link.uri}")
        lines.append(f"look      {link.look}")
    if not result.delivered:
        lines.append(f"waiting   records are in {OUTBOX}; send: python -m runner.deliver")
    if result.command:
        lines.append(f"repeat    {result.command}")
    return lines


def ending(results: Sequence[Result]) -> list[str]:
    """Return the last lines of a sweep: the ranking, the means over seeds, what is best."""
    lines = ["", *ranking(results)]
    if means := over_seeds(results):
        lines += ["", *means]
    if not all(result.delivered for result in results):
        lines += ["", f"waiting   some records are in {OUTBOX}; send: python -m runner.deliver"]
    if found := best(results):
        lines += ["", f"best      {found[0]}", f"repeat    {found[1].command}"]
    link = next((result.link for result in results if result.link is not None), None)
    if link is not None:
        lines.append(f"compare   {link.compare}")
    return lines


def order(results: Sequence[Result]) -> list[Result]:
    """Return results best first by validation, then those that did not finish."""
    return sorted(results, key=lambda one: (one.status != Status.FINISHED, merit(one.metrics)))


def ranking(results: Sequence[Result]) -> list[str]:
    """Return a table of results, best first.

    >>> print(*ranking([Result("a", Status.FINISHED, {"val/loss": 0.5}, seconds=1.0)]), sep="\\n")
    rank  run  val loss  seconds  status
       1  a    0.5           1.0  FINISHED
    """
    columns = _columns(results)
    rows = [["rank", "run", *map(heading, columns), "seconds", "status"]]
    for rank, result in enumerate(order(results), start=1):
        done = result.status == Status.FINISHED
        figures = [
            number(key, result.metrics[key]) if done and key in result.metrics else "-"
            for key in columns
        ]
        status = f"{result.status}  {result.reason}".rstrip()
        place = str(rank) if done else "-"
        rows.append([place, result.name, *figures, f"{result.seconds:.1f}", status])
    return aligned(rows, right={"rank", "seconds"})


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
    groups = _by_setting(results)
    if len(groups) == len(results):
        return []
    columns = _columns(results)
    rows = [["over seeds", "n", *map(heading, columns)]]
    for group in groups:
        done = [result for result in group if result.status == Status.FINISHED]
        n = str(len(done)) if len(done) == len(group) else f"{len(done)} of {len(group)}"
        values = [[r.metrics[key] for r in done if key in r.metrics] for key in columns]
        cells = [spread(key, of) if of else "-" for key, of in zip(columns, values, strict=True)]
        rows.append([group[0].setting_name, n, *cells])
    return aligned(rows)


def best(results: Sequence[Result]) -> tuple[str, Result] | None:
    """Return the best setting's name and its best run; over several seeds by their mean.

    None where no run has finished.
    """
    finished = [result for result in order(results) if result.status == Status.FINISHED]
    if not finished:
        return None
    groups = _by_setting(finished)
    if len(groups) == len(finished):
        return finished[0].name, finished[0]
    first = groups[0]
    return f"{first[0].setting_name}, by the mean of {counted(len(first), 'seed')}", first[0]


def _by_setting(results: Sequence[Result]) -> list[list[Result]]:
    """Return results that differ by their seed alone together, the best mean first."""
    groups: dict[str, list[Result]] = {}
    for result in order(results):
        groups.setdefault(result.setting, []).append(result)
    return sorted(groups.values(), key=lambda group: merit(_means(group)))


def _means(group: Sequence[Result]) -> dict[str, float]:
    done = [result.metrics for result in group if result.status == Status.FINISHED]
    keys = dict.fromkeys(key for metrics in done for key in metrics)
    return {key: statistics.fmean(m[key] for m in done if key in m) for key in keys}


def _columns(results: Sequence[Result]) -> list[str]:
    """Return the metrics that results have, what decides first."""
    keys = [f"{part}/{name}" for part in ("val", "test") for name in reversed(METRICS)]
    return [key for key in keys if any(key in result.metrics for result in results)]
