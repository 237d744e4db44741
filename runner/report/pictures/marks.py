"""The trials that stand out in every picture: the answer, the best of the search, the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runner.report.pictures.picture import Points
from runner.results.definition import Definition
from runner.results.rows import Row, ranked

ANSWER, BEST, BASELINE = "answer", "best of the search", "baseline"


@dataclass(frozen=True)
class Mark:
    """A trial that stands out, how it looks and the legend's words."""

    number: int
    kind: str
    label: str


def marks(rows: Sequence[Row], definition: Definition, answer: int | None) -> list[Mark]:
    """Return the trials that stand out, the most important one last.

    A trial stands out once: the best of the search is not marked where it is the answer.

    answer: the number of the trial that fresh seeds confirmed; None where nothing was confirmed.
    """
    kinds = {
        BASELINE: [row for row in rows if row.baseline],
        BEST: ranked(rows, definition),
        ANSWER: [row for row in rows if row.number == answer],
    }
    found: dict[int, Mark] = {}
    for kind, some in kinds.items():
        for row in some[:1]:
            found.pop(row.number, None)
            found[row.number] = Mark(row.number, kind, _label(kind, row))
    return list(found.values())


def apart(
    marks: Sequence[Mark], places: Mapping[int, tuple[float, float]]
) -> tuple[dict[int, tuple[float, float]], list[Points]]:
    """Return the places of the trials that do not stand out, and the points of those that do."""
    there = [mark for mark in marks if mark.number in places]
    numbers = {mark.number for mark in there}
    standing = [Points(m.kind, m.label, {m.number: places[m.number]}) for m in there]
    return {n: place for n, place in places.items() if n not in numbers}, standing


def _label(kind: str, row: Row) -> str:
    if kind == BASELINE:
        return kind
    return f"{kind}: the baseline" if row.baseline else f"{kind} (trial {row.number})"
