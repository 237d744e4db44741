"""The trials of a study as all its pictures read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from runner.report.pictures.columns import Column, columns
from runner.report.pictures.looks import ANSWER, BASELINE, BEST
from runner.report.pictures.picture import Points
from runner.report.pictures.values import Values
from runner.results.definition import Definition
from runner.results.rows import Row, ranked
from runner.space import Space


@dataclass(frozen=True)
class Mark:
    """A trial that stands out, how it looks and the legend's words."""

    number: int
    kind: str
    label: str


@dataclass(frozen=True)
class Trials:
    """The trials of a study.

    space: what was searched. answer: the number of the trial that fresh seeds confirmed; None where
    nothing was confirmed.
    """

    rows: Sequence[Row]
    definition: Definition
    space: Space
    answer: int | None = None

    @cached_property
    def counted(self) -> list[Row]:
        """Those with a value, best first."""
        return ranked(self.rows, self.definition)

    @cached_property
    def values(self) -> Values:
        """How their values are shown."""
        return Values.of(self.counted, self.definition.goals[0], self.answer)

    @cached_property
    def columns(self) -> dict[str, list[Column]]:
        """The searched keys of those with a value, with the columns of each."""
        return columns(self.counted, self.space)

    @cached_property
    def marks(self) -> list[Mark]:
        """Those that stand out, the most important one last, each once: the best of the search is
        not marked where it is the answer."""
        kinds = {
            BASELINE: [row for row in self.rows if row.baseline],
            BEST: self.counted,
            ANSWER: [row for row in self.rows if row.number == self.answer],
        }
        found: dict[int, Mark] = {}
        for kind, some in kinds.items():
            for row in some[:1]:
                found.pop(row.number, None)
                label = f"{kind}: the baseline" if row.baseline else f"{kind} (trial {row.number})"
                found[row.number] = Mark(row.number, kind, kind if kind == BASELINE else label)
        return list(found.values())

    def apart(
        self, places: Mapping[int, tuple[float, float]]
    ) -> tuple[dict[int, tuple[float, float]], list[Points]]:
        """Return the places of those that do not stand out, and the points of those that do."""
        there = [mark for mark in self.marks if mark.number in places]
        numbers = {mark.number for mark in there}
        standing = [Points(m.kind, m.label, {m.number: places[m.number]}) for m in there]
        return {n: place for n, place in places.items() if n not in numbers}, standing
