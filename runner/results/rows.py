"""Trials as plain rows, for tables, pictures and the answer."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.results.definition import Definition, Goal
from runner.results.metrics import MAXIMIZE

COMPLETE, PRUNED, FAILED, RUNNING, WAITING = "COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING"


@dataclass(frozen=True)
class Row:
    """One trial.

    values: the searched values by key, in order. objective: a number for each goal, the mean over
    seeds; empty before the end. per_seed: of each seed a number for each goal. rungs: percent of
    the run -> the first goal's value then. diverged: it was not finite, and its objective is
    what the sampler was told. copy_of: the trial whose value it took.
    """

    number: int
    state: str
    values: Mapping[str, Any] = field(default_factory=dict)
    objective: tuple[float, ...] = ()
    per_seed: tuple[tuple[float, ...], ...] = ()
    rungs: Mapping[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    baseline: bool = False
    diverged: str = ""
    copy_of: int | None = None
    reason: str = ""
    run_ids: tuple[str, ...] = ()
    inner: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> bool:
        """Whether it takes part in rankings: trained to its end, finite."""
        return (
            self.state == COMPLETE and not self.diverged and all(map(math.isfinite, self.objective))
        )


def ranked(rows: Sequence[Row], definition: Definition) -> list[Row]:
    """Return the rows that count, best first by the first goal; a copy stands for its original."""
    return by_goal(rows, definition.goals[0])


def by_goal(rows: Sequence[Row], goal: Goal) -> list[Row]:
    """Return the rows that count, best first by a goal that is their first; of copies none."""
    counted = [row for row in rows if row.counts and row.copy_of is None]
    descending = goal.direction == MAXIMIZE
    return sorted(counted, key=lambda row: row.objective[0], reverse=descending)
