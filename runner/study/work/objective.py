"""One trial: the runs of its seeds, what is reported while they train, and what it is worth."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runner.results.definition import MAXIMIZE, Definition, Goal
from runner.results.events import Evaluation, Event
from runner.results.result import Result
from runner.run import Pruned
from runner.trial import Trial
from schedules import Warmup

Report = Callable[[int, float], bool]  # percent of the run, value -> whether to stop


class Watcher:
    """Follows a run's evaluations: the goals' values so far, and reports of the first goal.

    report: called after each evaluation behind the warm-up with the percent of the run that is
    made and the first goal's value so far; it says whether the run is to stop there.
    """

    def __init__(self, trial: Trial, definition: Definition, report: Report | None) -> None:
        self.goals = definition.goals
        self.report = report
        self.total = trial.horizon.total_steps
        self.ramp = _rise(trial)
        self.seen: dict[str, list[float]] = {goal.metric: [] for goal in self.goals}

    def hear(self, event: Event) -> None:
        """Take an evaluation; raise Pruned where the run is to stop."""
        if isinstance(event, Evaluation) and self._stops(event):
            raise Pruned

    def _stops(self, evaluation: Evaluation) -> bool:
        for metric, values in self.seen.items():
            if metric in evaluation.metrics:
                values.append(evaluation.metrics[metric])
        first = self.goals[0]
        if self.report is None or evaluation.step <= self.ramp or not self.seen[first.metric]:
            return False
        percent = 100 * evaluation.step // self.total
        stop = self.report(percent, first.value(self.seen[first.metric]))
        return stop and evaluation.step < self.total

    def values(self) -> tuple[float, ...] | None:
        """Return the goals' values; None if one was never evaluated or is not finite."""
        if not all(self.seen.values()):
            return None
        values = tuple(goal.value(self.seen[goal.metric]) for goal in self.goals)
        return values if all(map(math.isfinite, values)) else None


@dataclass
class Trained:
    """What the runs of a trial gave so far."""

    per_seed: list[tuple[float, ...]] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def mean(self) -> tuple[float, ...]:
        """Return the mean over seeds for each goal."""
        return tuple(sum(one) / len(one) for one in zip(*self.per_seed, strict=True))


def _rise(trial: Trial) -> int:
    """Return the steps of a warm-up: a ramp in front of the schedule, or the schedule's own."""
    lr = trial.numbers["lr"]
    ramp = int(lr.steps or 0) if isinstance(lr, Warmup) else 0
    if lr.listens:
        return ramp
    trace = trial.numbers.trace("lr")
    falls = np.flatnonzero(np.diff(trace) <= 0)
    return max(ramp, int(falls[0]) if falls.size else len(trace) - 1)


def told_when_diverged(goal: Goal, finite: list[float], classes: int | None) -> float:
    """Return what a sampler is told of a trial that diverged: the worst finite value so far; before
    there is one, 0 for an accuracy and 10 ln(classes) for a loss.

    >>> told_when_diverged(Goal("val/loss", "minimize"), [0.3, 0.9], 10)
    0.9
    """
    if finite:
        return goal.worst(finite)
    return 0.0 if goal.direction == MAXIMIZE else 10 * math.log(classes or math.e)


def outcome(trained: Trained, **more: Any) -> Mapping[str, Any]:
    """Return what is stored of a trial at its end."""
    return {
        "per_seed": [list(values) for values in trained.per_seed],
        "seconds": sum(result.seconds for result in trained.results),
        "run_ids": [r.link.run_id for r in trained.results if r.link is not None],
        "test": [
            {k: v for k, v in r.metrics.items() if k.startswith("test/")} for r in trained.results
        ],
        **more,
    }
