"""Where a run of the runner's own loop goes on from."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from runner.errors import one_line
from runner.results.events import Chunk, Evaluation, step_key
from runner.states.beginning import Beginning, Standing
from runner.training.loop import figures
from runner.training.optimizers import set_mode
from runner.training.state import Best
from runner.trial import Names, StateName, Trial

if TYPE_CHECKING:
    from runner.states.loop.stock import StateStock


@dataclass
class Search:
    """Looks for the longest beginning of a run that is stored.

    stock: of the run, whose training has not begun.
    """

    stock: "StateStock"
    _stands: list[Standing] = field(default_factory=list)
    _loaded: dict[StateName, Any] = field(default_factory=dict)
    _missing: int | None = None  # where an evaluation is not known

    def longest(self) -> Beginning | None:
        """Bring the state to the longest beginning and return that; leave it fresh and return None
        where there is none."""
        self._renew()
        stored = set(self.stock.store.names(self.stock.trial.recipe.digest))
        if not stored:
            return None
        names, candidates = self._walk(stored)
        if self._missing is not None:
            self._tell(names, stored, candidates, self._missing)
        for name in reversed(candidates):
            if (found := self._begin(names, name)) is not None:
                return found
        self._renew()
        return None

    def _renew(self) -> None:
        """Make the state fresh again, whatever an earlier search has brought it to."""
        self.stock.watched.renew()
        self._stand(Standing(self.stock.trial.numbers["lr"].begin()), 0)
        self.stock.state.best = None

    def _walk(self, stored: set[StateName]) -> tuple[Names, list[StateName]]:
        """Follow the run from evaluation to evaluation, as far as all figures are known; return the
        stored states on its way, with what names them."""
        trial, total = self.stock.trial, self.stock.trial.horizon.total_steps
        known = self.stock.figures.read(trial.recipe.digest)
        steps = sorted({name.step for name in stored})
        names, candidates = trial.names(), list[StateName]()
        stand, at = Standing(trial.numbers["lr"].begin()), 0
        self._stands = [stand]
        while at < total and not stand.stopped:
            end = trial.next_evaluation(at)
            names.extend(trial.numbers.between(stand.memory, at, end))
            candidates += [name for s in steps if at < s <= end and (name := names.at(s)) in stored]
            here = names.at(end)
            figure = known.get((end, here.trace, self.stock.evaluations["val"]))
            if figure is None and here in stored:
                figure = self._evaluated(here)
            if figure is None:
                self._missing = end
                break
            found = stand.heard(self.stock.state, trial, Evaluation(end, *figure))
            if found is None:
                break
            stand, at = found, end
            self._stands.append(stand)
        return names, candidates

    def _tell(
        self, names: Names, stored: set[StateName], usable: list[StateName], missing: int
    ) -> None:
        """Say where more is stored than can be used."""
        numbers, total = self.stock.trial.numbers, self.stock.trial.horizon.total_steps
        if numbers["lr"].listens:
            return
        names.extend({name: numbers.trace(name)[missing:] for name in numbers})
        later = sorted({one.step for one in stored if missing < one.step <= total})
        if found := [step for step in later if names.at(step) in stored]:
            used = usable[-1].step if usable else 0
            why = f"what it evaluates after {missing:,} is not stored"
            steps = f"{found[-1]:,} steps of this run are stored, {used:,} of them can be used"
            self.stock.say_once(f"states: {steps}: {why}")

    def _evaluated(self, name: StateName) -> tuple[dict[str, float], int] | None:
        """Return what the evaluation of a stored state finds, and when it was reached."""
        if (content := self._restored(name)) is None:
            return None
        set_mode(self.stock.state.optimizer, "eval")
        try:
            metrics = figures(self.stock.state, self.stock.trial, self.stock.data)
        except Exception:  # of a person's code, which the run will meet again
            return None
        time_ms = int(content["time_ms"][-1])
        self.stock.figures.add(name, self.stock.evaluations["val"], metrics, time_ms)
        return metrics, time_ms

    def _begin(self, names: Names, name: StateName) -> Beginning | None:
        """Bring the state to a stored one; return None where that, or what it needs, is damaged."""
        stand = max((s for s in self._stands if _last(s) <= name.step), key=_last)
        best = None
        if self.stock.keeps_best and stand.best is not None:
            if self._restored(names.at(stand.best.step)) is None:
                return None
            set_mode(self.stock.state.optimizer, "eval")
            weights = copy.deepcopy(self.stock.state.kept.state_dict())
            best = Best(stand.best.step, dict(stand.best.metrics), weights)
        if (content := self._restored(name)) is None:
            return None
        self._stand(stand, name.step)
        self.stock.state.best = best
        chunk = Chunk(0, content["columns"], content["time_ms"])
        return Beginning(name, chunk, stand.evaluations, content["run_id"])

    def _stand(self, stand: Standing, step: int) -> None:
        stand.put(self.stock.state)
        self.stock.state.step = step

    def _restored(self, name: StateName) -> Mapping[str, Any] | None:
        """Bring the model to a stored state; return what is stored, None where it is of no use."""
        content: Mapping[str, Any] | None = self._loaded.get(name) or self.stock.store.load(name)
        if content is None:
            return None
        try:
            _check(content, name, self.stock.trial)
            self.stock.watched.restore(content["captured"])
        except Exception as error:  # of a person's code, or of another's file
            self.stock.warn(
                f"states: {name} does not fit this run ({one_line(error)}); trained again"
            )
            return None
        self._loaded = {name: content}
        return content


def _last(stand: Standing) -> int:
    return stand.evaluations[-1].step if stand.evaluations else 0


def _check(content: Mapping[str, Any], name: StateName, trial: Trial) -> None:
    """Raise ValueError unless all updates of a state are recorded."""
    columns = {**content["columns"], "time_ms": content["time_ms"]}
    lengths = {key: np.shape(column) for key, column in columns.items()}
    if missing := {step_key(number) for number in trial.numbers} - set(columns):
        raise ValueError(f"it has no {', '.join(sorted(missing))}")
    if set(lengths.values()) != {(name.step,)}:
        raise ValueError(f"it must have {name.step} updates, got {lengths}")
