"""The objective: what a trial's runs are worth, so far and in the end."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runner.build.setup import Setup
from runner.execution import Pruned
from runner.results.definition import KEPT, Goal
from runner.results.events import Evaluation, Event
from runner.results.metrics import metric
from runner.results.result import Result
from runner.trial import Trial
from schedules import Warmup

Report = Callable[[int, float], bool]  # percent of the run, value -> whether to stop


class Objective:
    """A listener that follows evaluations: the goals' values so far, and reports of the first one.

    report: called after each evaluation behind the warm-up with the percent of the run that is
    made and the first goal's value so far; it says whether the run is to stop there.
    """

    def __init__(self, setup: Setup, goals: tuple[Goal, ...], report: Report | None) -> None:
        self.goals = goals
        self.report = report
        self.state = setup.state
        self.total = setup.trial.horizon.total_steps
        self.ramp = _rise(setup.trial)
        self.seen: dict[str, list[float]] = {goal.metric: [] for goal in self.goals}

    def hear(self, event: Event) -> None:
        """Take an evaluation of the validation data; raise Pruned where the run is to stop."""
        if not isinstance(event, Evaluation):
            return
        for key, values in self.seen.items():
            if key in event.metrics:
                values.append(event.metrics[key])
        first = self.goals[0]
        if self.report is None or event.step <= self.ramp or not self.seen[first.metric]:
            return
        value = self._value(first)
        if self.report(100 * event.step // self.total, value) and event.step < self.total:
            raise Pruned

    def values(self) -> tuple[float, ...] | None:
        """Return the goals' values; None if one was never evaluated or is not finite."""
        if not all(self.seen.values()):
            return None
        values = tuple(map(self._value, self.goals))
        return values if all(map(math.isfinite, values)) else None

    def _value(self, goal: Goal) -> float:
        """Return what a goal is worth so far: by default what the weights that are kept found."""
        best = self.state.best
        if goal.of == KEPT and best is not None:
            return best.metrics.get(goal.metric, math.nan)
        return goal.value(self.seen[goal.metric])


@dataclass
class Outcome:
    """What the runs of a trial gave so far, and what is stored of it at the trial's end."""

    per_seed: list[tuple[float, ...]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def mean(self) -> list[float]:
        """Return the mean over seeds for each goal."""
        return [sum(one) / len(one) for one in zip(*self.per_seed, strict=True)]

    def stored(self, **more: Any) -> Mapping[str, Any]:
        """Return what is stored, as JSON takes it."""
        return {
            "per_seed": [list(values) for values in self.per_seed],
            "seconds": sum(result.seconds for result in self.results),
            "run_ids": [r.link.run_id for r in self.results if r.link is not None],
            "test": [
                {k: v for k, v in r.metrics.items() if k.startswith("test/")} for r in self.results
            ],
            **more,
        }


def diverged_value(goal: Goal, finite: list[float], classes: int) -> float:
    """Return what a sampler is told of a trial that diverged: the worst finite value so far; before
    there is one, what the metric says, or its best where the goal is turned round.

    >>> diverged_value(Goal("val/loss", "minimize"), [0.3, 0.9], classes=10)
    0.9
    >>> diverged_value(Goal("val/accuracy", "maximize"), [], classes=10)
    0.0
    """
    if finite:
        return max(finite, key=goal.cost)
    known = metric(goal.metric)
    return known.worst(classes) if goal.direction == known.direction else float(known.percent)


def _rise(trial: Trial) -> int:
    """Return the steps of a warm-up: a ramp in front of the schedule, or the schedule's own."""
    lr = trial.numbers["lr"]
    ramp = int(lr.steps or 0) if isinstance(lr, Warmup) else 0
    if lr.listens:
        return ramp
    trace = trial.numbers.trace("lr")
    falls = np.flatnonzero(np.diff(trace) <= 0)
    return max(ramp, int(falls[0]) if falls.size else len(trace) - 1)
