"""What a person reads at the end: the summary of a run, the ranking of a sweep."""

from collections.abc import Sequence

from runner.console import figure
from runner.run import FINISHED, Result
from runner.tracking import Link

_COLUMNS = ("val/accuracy", "val/loss", "test/accuracy", "test/loss")


def summary(result: Result) -> list[str]:
    """Return the last lines of a single run."""
    lines = []
    for part in ("val", "test"):
        mine = {k: v for k, v in result.metrics.items() if k.startswith(f"{part}/")}
        if mine:
            lines.append("  ".join(figure(key, value) for key, value in mine.items()))
    if result.status != FINISHED:
        lines.append(f"{result.status}: {result.reason}")
    if result.link is not None:
        link = result.link
        lines.append(f"recorded  run {link.run_id} in experiment '{link.experiment}', {link.uri}")
        lines.append(f"look      {looking(link, link.page())}")
    lines.append(f"repeat    {result.command}")
    return lines


def looking(link: Link, page: str) -> str:
    """Return how to open a page of the MLflow UI."""
    return page if link.uri.startswith("http") else f"mlflow ui, then {page}"


def order(results: Sequence[Result]) -> list[Result]:
    """Return results best first by validation, then those that did not finish."""

    def key(result: Result) -> tuple[bool, float, float]:
        accuracy = result.metrics.get("val/accuracy", 0.0)
        loss = result.metrics.get("val/loss", float("inf"))
        return result.status != FINISHED, -accuracy, loss

    return sorted(results, key=key)


def ranking(results: Sequence[Result]) -> list[str]:
    """Return a table of results, best first.

    >>> print(*ranking([Result("a", "FINISHED", {"val/loss": 0.5}, seconds=1.0)]), sep="\\n")
    rank  run  val loss  seconds  status
       1  a    0.5           1.0  FINISHED
    """
    columns = [c for c in _COLUMNS if any(c in r.metrics for r in results)]
    rows = [["rank", "run", *(c.replace("/", " ") for c in columns), "seconds", "status"]]
    for rank, result in enumerate(order(results), start=1):
        done = result.status == FINISHED
        figures = [_cell(c, result.metrics.get(c) if done else None) for c in columns]
        status = f"{result.status}  {result.reason}".rstrip()
        place = str(rank) if done else "-"
        rows.append([place, result.name, *figures, f"{result.seconds:.1f}", status])
    return _table(rows, right={"rank", "seconds"})


def _cell(column: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.2f} %" if column.endswith("accuracy") else f"{value:.4g}"


def _table(rows: list[list[str]], right: set[str]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if head in right else cell.ljust(width)
            for cell, width, head in zip(row, widths, rows[0], strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
