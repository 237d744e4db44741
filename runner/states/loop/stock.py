"""The stored states of the runner's own loop, as one run uses them."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from runner.results.events import Evaluation
from runner.results.records import Records
from runner.states.beginning import Beginning
from runner.states.figures import Figures
from runner.states.loop.keeper import StateKeeper
from runner.states.loop.search import Search
from runner.states.stock import Stock
from runner.training.capture import Watched
from runner.training.data import Dataset
from runner.training.loop import evaluated
from runner.training.state import State
from runner.trial import StateName


@dataclass(frozen=True)
class StateStock(Stock):
    """What a run goes on from, and what it keeps.

    watched: the state, when it was fresh. evaluations: the names of what is evaluated, and how:
    "val" and "test".
    """

    state: State
    data: Dataset | None
    watched: Watched
    figures: Figures
    evaluations: Mapping[str, str]
    _said: set[str] = field(default_factory=set)

    def begin(self, should_stop: Callable[[], bool]) -> Beginning | None:
        """As `Stock` has it; what brings the state back to its beginning goes then."""
        try:
            return super().begin(should_stop)
        finally:
            self.watched.settle()

    def say_once(self, text: str) -> None:
        """Warn, unless this run was warned of the same."""
        if text not in self._said:
            self._said.add(text)
            self.warn(text)

    def longest(self) -> Beginning | None:
        """Bring the state as far as is stored now."""
        return Search(self).longest()

    def keeper(self, records: Records, run_id: str) -> StateKeeper:
        """Return what keeps the states of the run from now on."""
        self.store.describe(self.trial.recipe.digest, self.trial.recipe.rows)
        return StateKeeper(self, self.state, records, run_id)

    def tested(self, end: StateName, step: int) -> Evaluation:
        """Return what the weights that are kept find on the test data.

        end: of training: what is drawn, and what a model has beside its weights, are its. step:
        whose weights they are.
        """
        assert self.data is not None
        known = self.figures.read(end.recipe)
        key = self.evaluations["test"] + " of the average" * self.state.keeps_average
        key += f" of step {step}" if step != end.step else ""
        if (found := known.get((end.step, end.trace, key))) is None:
            figures = evaluated(self.state.kept, self.state, self.trial, self.data.test)
            metrics = {f"test/{key}": value for key, value in figures.items()}
            found = metrics, time.time_ns() // 1_000_000
            self.figures.add(end, key, *found)
        return Evaluation(step, *found)
