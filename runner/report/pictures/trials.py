"""The trials of a study as all its pictures read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from runner.report.pictures.columns import Column, columns
from runner.report.pictures.marks import Mark, marks
from runner.report.pictures.values import Values
from runner.results.definition import Definition
from runner.results.rows import Row, ranked
from runner.space import Space


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
    def columns(self) -> list[tuple[str, list[Column]]]:
        """The searched keys of those with a value, with the columns of each."""
        return columns(self.counted, self.space)

    @cached_property
    def marks(self) -> list[Mark]:
        """Those that stand out, the most important one last."""
        return marks(self.rows, self.definition, self.answer)
