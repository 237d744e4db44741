"""What a person reads at the end: the summary of a run, the ranking of a sweep."""

import math
import shlex
import statistics
from collections.abc import Sequence

from runner.addresses import DEFAULT
from runner.report.terminal import figure
from runner.report.words import aligned, heading, number, spread
from runner.results.link import Link
from runner.results.result import Result, Status
from runner.tracking import outbox

_COLUMNS = ("val/accuracy", "val/loss", "test/accuracy", "test/loss")


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
        lines.append(f"look      {looking(link, link.page())}")
    if not result.delivered:
        lines.append(f"waiting   records are in {outbox.ROOT}; send: python -m runner.deliver")
    if result.command:
        lines.append(f"repeat    {result.command}")
    return lines


def looking(link: Link, page: str) -> str:
    """Return how to open a page of the MLflow UI."""
    if link.uri.startswith("http"):
        return page
    store = "" if link.uri == DEFAULT else f" --backend-store-uri {shlex.quote(link.uri)}"
    return f"mlflow ui{store}, then {page}"


def order(results: Sequence[Result]) -> list[Result]:
    """Return results best first by validation, then those that did not finish."""

    def key(result: Result) -> tuple[bool, float, float]:
        accuracy = result.metrics.get("val/accuracy", 0.0)
        loss = result.metrics.get("val/loss", float("inf"))
        return result.status != Status.FINISHED, -accuracy, loss

    return sorted(results, key=key)


def ranking(results: Sequence[Result]) -> list[str]:
    """Return a table of results, best first.

    >>> print(*ranking([Result("a", Status.FINISHED, {"val/loss": 0.5}, seconds=1.0)]), sep="\\n")
    rank  run  val loss  seconds  status
       1  a    0.5           1.0  FINISHED
    """
    columns = [c for c in _COLUMNS if any(c in r.metrics for r in results)]
    rows = [["rank", "run", *map(heading, columns), "seconds", "status"]]
    for rank, result in enumerate(order(results), start=1):
        done = result.status == Status.FINISHED
        figures = [_cell(c, result.metrics.get(c) if done else None) for c in columns]
        status = f"{result.status}  {result.reason}".rstrip()
        place = str(rank) if done else "-"
        rows.append([place, result.name, *figures, f"{result.seconds:.1f}", status])
    return aligned(rows, right={"rank", "seconds"})


def over_seeds(results: Sequence[Result]) -> list[str]:
    """Return a table of the mean and standard deviation over seeds, best first; empty where no
    two runs differ by their seed alone.

    >>> runs = [
    ...     Result(f"cosine seed={i}", Status.FINISHED, {"val/loss": 0.5 + i}) for i in range(2)
    ... ]
    >>> print(*over_seeds(runs), sep="\\n")
    over seeds  n  val loss
    cosine      2  1 ± 0.71
    """
    groups = _by_setting(order(results))
    if len(groups) == len(results):
        return []
    columns = [c for c in _COLUMNS if any(c in r.metrics for r in results)]
    means = {
        name: _means([r for r in group if r.status == Status.FINISHED], columns)
        for name, group in groups.items()
    }
    rows = [["over seeds", "n", *map(heading, columns)]]
    for name in sorted(means, key=lambda name: _merit(means[name])):
        done = sum(r.status == Status.FINISHED for r in groups[name])
        n = str(done) if done == len(groups[name]) else f"{done} of {len(groups[name])}"
        cells = [spread(c, *means[name][c]) if c in means[name] else "-" for c in columns]
        rows.append([name, n, *cells])
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
    name = min(groups, key=lambda name: _merit(_means(groups[name], list(_COLUMNS))))
    n = len(groups[name])
    return f"{name}, by the mean of {n} {'seed' if n == 1 else 'seeds'}", groups[name][0]


def _by_setting(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return results by what they have in common but for the seed."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        words = [word for word in result.name.split() if not word.startswith("seed=")]
        groups.setdefault(" ".join(words) or "all", []).append(result)
    return groups


def _means(group: list[Result], columns: list[str]) -> dict[str, tuple[float, float]]:
    values = {c: [r.metrics[c] for r in group if c in r.metrics] for c in columns}
    return {
        c: (statistics.mean(v), statistics.stdev(v) if len(v) > 1 else math.nan)
        for c, v in values.items()
        if v
    }


def _merit(means: dict[str, tuple[float, float]]) -> tuple[float, float]:
    worst = math.inf
    return -means.get("val/accuracy", (-worst,))[0], means.get("val/loss", (worst,))[0]


def _cell(column: str, value: float | None) -> str:
    return "-" if value is None else number(column, value)
