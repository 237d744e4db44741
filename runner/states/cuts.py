"""The steps at which the states of a run are kept."""

from collections.abc import Collection
from dataclasses import dataclass

from runner.trial import Trial
from schedules.landmarks import landmarks


@dataclass(frozen=True)
class Cuts:
    """At which steps of a run a state is kept: always, and where it does not cost too much.

    always: where known trials part. knots: where the shape of a trace changes. every: steps between
    states, None for each evaluation.
    """

    trial: Trial
    always: frozenset[int] = frozenset()
    knots: frozenset[int] = frozenset()
    every: int | None = None

    @classmethod
    def of(cls, trial: Trial, always: Collection[int], every: int | None) -> "Cuts":
        """Return those of a trial."""
        inside = range(1, trial.horizon.total_steps)
        knots = (step for name in trial.numbers for step, _ in _shape(trial, name))
        return cls(
            trial,
            frozenset(step for step in always if step in inside),
            frozenset(step for step in knots if step in inside),
            every,
        )

    def has(self, step: int) -> bool:
        """Return whether a state may be kept after so many updates."""
        if step in self.knots or step == self.trial.horizon.total_steps:
            return True
        return step % self.every == 0 if self.every else self.trial.evaluates_at(step)

    @property
    def steps(self) -> list[int]:
        """All that are no evaluations, in order."""
        every = range(self.every, self.trial.horizon.total_steps, self.every) if self.every else ()
        return sorted({*self.always, *self.knots, *every})


def _shape(trial: Trial, name: str) -> list[tuple[int, str]]:
    """Return where a trace changes that is known before the run."""
    return [] if trial.numbers[name].listens else landmarks(trial.numbers.trace(name))
