"""Where a run of a loop goes on from: the longest beginning of it that is stored."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.errors import one_line
from runner.results.events import Chunk, Evaluation
from runner.states.beginning import Beginning, Standing
from runner.states.store import Store
from runner.training.own_loop import LoopState, put, renew
from runner.trial import StateName, Trial


@dataclass(frozen=True)
class LoopSearch:
    """Looks for the longest beginning of a run of a loop that is stored.

    A loop evaluates when it likes, so that each state says itself what was found on its way.
    state: whose training has not begun. keeps_best: whether the weights of the best evaluation are
    needed, too.
    """

    trial: Trial
    state: LoopState
    store: Store
    keeps_best: bool = False
    warn: Callable[[str], None] = print

    def longest(self) -> Beginning | None:
        """Let the state wait for what the loop hands over, at the longest beginning, and return
        that; leave it fresh and return None where there is none."""
        for name in self._candidates():
            self._renew()
            if (content := self.store.load(name)) is None:
                continue
            try:
                found = self._begun(name, content)
            except Exception as error:  # of another's file, or a full disk
                self.warn(f"states: {name} does not fit this run ({one_line(error)})")
                found = None
            if found is not None:
                return found
        self._renew()
        return None

    def _renew(self) -> None:
        """Make the state fresh again, whatever an earlier look has brought it to."""
        renew(self.state)
        self._fresh().put(self.state)
        self.state.step = 0

    def _fresh(self) -> Standing:
        return Standing(self.trial.numbers["lr"].begin())

    def _candidates(self) -> Iterator[StateName]:
        """Yield the names of what may be a beginning of the run, the longest first."""
        trial, total = self.trial, self.trial.horizon.total_steps
        stored = [one for one in self.store.names(trial.recipe.digest) if one.step <= total]
        if not trial.numbers["lr"].listens:
            names = trial.names()
            names.extend({name: trial.numbers.trace(name) for name in trial.numbers})
            stored = [one for one in stored if names.at(one.step) == one]
        yield from sorted(stored, reverse=True)

    def _begun(self, name: StateName, content: Mapping[str, Any]) -> Beginning | None:
        """Let the state wait at a stored one; return None where the run does not come there."""
        numbers, names = self.trial.numbers, self.trial.names()
        evaluations = tuple(Evaluation(*row) for row in content["evaluations"])
        stand, at = self._fresh(), 0
        for one in evaluations:
            if stand.stopped:
                return None
            names.extend(numbers.between(stand.memory, at, one.step))
            at = one.step
            if (heard := stand.heard(self.state, self.trial, one)) is None:
                return None
            stand = heard
        names.extend(numbers.between(stand.memory, at, name.step))
        if names.at(name.step) != name or (stand.stopped and at < name.step):
            return None
        best = content["best"] if self.keeps_best else None
        if self.keeps_best and (best and best["step"]) != (stand.best and stand.best.step):
            return None
        chunk = _chunk(content, name.step)
        put(self.state, {**content, "best": best})
        stand.put(self.state)
        self.state.step = name.step
        self.state.reported = {key for one in evaluations for key in one.metrics}
        return Beginning(name, chunk, evaluations, content["run_id"])


def _chunk(content: Mapping[str, Any], steps: int) -> Chunk:
    """Return all updates of a state. Raises ValueError unless they are all recorded."""
    masks = content["masks"]
    columns = {
        key: np.ma.array(one, mask=masks[key]) if key in masks else one
        for key, one in content["columns"].items()
    }
    if any(len(one) != steps for one in (*columns.values(), content["time_ms"])):
        raise ValueError(f"it must have {steps} updates")
    return Chunk(0, columns, content["time_ms"])
