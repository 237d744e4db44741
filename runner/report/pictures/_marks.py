"""The trials that stand out in every picture: the answer, the best of the search, the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from runner.results.definition import Definition
from runner.results.rows import Row, ranked

ANSWER, BEST, BASELINE = "#D55E00", "#C2188B", "#000000"
_ANSWER, _BEST, _BASELINE = "answer", "best of the search", "baseline"
_POINTS: dict[str, dict[str, Any]] = {
    _ANSWER: {"color": ANSWER, "marker": "*", "s": 190},
    _BEST: {"color": BEST, "marker": "P", "s": 66},
    _BASELINE: {"color": BASELINE, "marker": "D", "s": 36},
}
_LINES: dict[str, dict[str, Any]] = {
    _ANSWER: {"color": ANSWER, "linewidth": 2.8, "zorder": 5},
    _BEST: {"color": BEST, "linewidth": 2.2, "zorder": 4.8},
    _BASELINE: {"color": BASELINE, "linewidth": 1.8, "linestyle": "--", "zorder": 5.2},
}


@dataclass(frozen=True)
class Mark:
    """A trial that stands out.

    label: the legend's words. point, line: the style of each.
    """

    number: int
    label: str
    point: dict[str, Any]
    line: dict[str, Any]

    def draw(self, axes: Any, place: float, height: float) -> None:
        """Draw its point."""
        style = {"zorder": 3, "edgecolors": "white", "linewidths": 0.7, "label": self.label}
        axes.scatter([place], [height], **self.point, **style)


def marks(rows: Sequence[Row], definition: Definition, answer: int | None) -> list[Mark]:
    """Return the trials that stand out, the most important one last.

    A trial stands out once: the best of the search is not marked where it is the answer.

    answer: the number of the trial that fresh seeds confirmed; None where nothing was confirmed.
    """
    kinds = {
        _BASELINE: [row for row in rows if row.baseline],
        _BEST: ranked(rows, definition),
        _ANSWER: [row for row in rows if row.number == answer],
    }
    found: dict[int, Mark] = {}
    for kind, some in kinds.items():
        for row in some[:1]:
            found.pop(row.number, None)
            mark = Mark(row.number, _label(kind, row), _POINTS[kind], _LINES[kind])
            found[row.number] = mark
    return list(found.values())


def _label(kind: str, row: Row) -> str:
    if kind == _BASELINE:
        return kind
    return f"{kind}: the baseline" if row.baseline else f"{kind} (trial {row.number})"
