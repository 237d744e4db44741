"""A run before it is made: a recipe, and the numbers that follow schedules over its horizon."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from runner.trial.fingerprint import Names
from runner.trial.name import StateName
from runner.trial.numbers import Numbers
from runner.trial.recipe import Recipe
from schedules import Horizon


@dataclass(frozen=True)
class Trial:
    """What a run is.

    numbers: the schedules of "lr" and of what else follows one. eval_every: steps between
    evaluations, >= 1; there is one more at the end. stop_after: steps without a better evaluation
    after which training ends, None to go on.
    """

    recipe: Recipe
    numbers: Numbers
    eval_every: int
    stop_after: int | None = None

    @property
    def horizon(self) -> Horizon:
        """How long the run is."""
        return self.numbers.horizon

    def next_evaluation(self, step: int) -> int:
        """Return the first step after `step` at which the model is evaluated.

        >>> trial = Trial(None, Numbers({}, Horizon(25, 10)), eval_every=10)
        >>> [trial.next_evaluation(t) for t in (0, 9, 10, 24)]
        [10, 10, 20, 25]
        """
        return min((step // self.eval_every + 1) * self.eval_every, self.horizon.total_steps)

    def evaluates_at(self, step: int) -> bool:
        """Return whether the model is evaluated after so many steps."""
        return step % self.eval_every == 0 or step == self.horizon.total_steps

    def names(self) -> Names:
        """Return what names the states of the run, as soon as its numbers are known."""
        return Names(self.recipe.digest, self.numbers)

    def name(self, step: int, used: Mapping[str, np.ndarray] | None = None) -> StateName:
        """Return the name of the state after so many updates.

        used: what they used, by name; needed where the rate depends on evaluations.
        """
        names = self.names()
        names.extend(used or {name: self.numbers.trace(name) for name in self.numbers})
        return names.at(step)

    def fingerprint(self, step: int, used: Mapping[str, np.ndarray] | None = None) -> str:
        """Return the same name as 64 hex digits."""
        return str(self.name(step, used))

    def identity(self) -> str:
        """Return the same text for trials that would train and be evaluated the same, whatever
        their seed. A schedule that listens is known by its arguments instead of its rates."""
        seedless = dataclasses.replace(self, recipe=dataclasses.replace(self.recipe, seed=0))
        lr, total = self.numbers["lr"], self.horizon.total_steps
        traces = {name: self.numbers.trace(name) for name in self.numbers}
        if lr.listens:
            traces["lr"] = np.arange(total)
        parts = [
            seedless.fingerprint(total, traces),
            repr(lr) if lr.listens else "",
            repr(self.horizon),
            str(self.eval_every),
            *([] if self.stop_after is None else [f"stop_after {self.stop_after}"]),
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
