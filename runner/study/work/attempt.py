"""One trial in the hands of a worker: from its claim to what is told of it."""

import time
from collections.abc import Mapping
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from runner.build.setup import Setup, build
from runner.results.definition import Definition
from runner.results.result import Result, Status
from runner.study.queue import attributes, queue
from runner.study.queue.heartbeat import Beats
from runner.study.queue.locks import alone
from runner.study.work.objective import (
    Report,
    Trained,
    Watcher,
    outcome,
    told_when_diverged,
)
from runner.study.work.runs import Runs, Stopped

POLL_SECONDS = 0.25


class Attempt:
    """Trains a claimed trial, seed by seed, and tells how it ended."""

    def __init__(
        self, study: Study, definition: Definition, trial: Trial, runs: Runs, beats: Beats
    ) -> None:
        self.study = study
        self.definition = definition
        self.trial = trial
        self.runs = runs
        self.beats = beats
        self.trained = Trained()
        self.run_ids: list[str] = []
        self.label = trial.user_attrs.get(attributes.LABEL, f"trial {trial.number}")
        self.is_baseline = attributes.BASELINE in trial.user_attrs  # which is never pruned
        self.seeds = 1 if runs.confirms else definition.seeds

    def make(self) -> None:
        """Train and tell. A trial that crashes is told as failed."""
        try:
            with self.beats.of(self.trial._trial_id):
                try:
                    self._train()
                except UpdateFinishedTrialError:
                    self.beats.lost = True
                except Stopped:
                    self._interrupted()
                except Exception as error:
                    values = self.trial.user_attrs.get(attributes.VALUES, {})
                    self._failed(self.runs.failed(self.label, values, error))
        finally:
            if self.beats.lost:
                reason = f"{self.label} was taken for lost and queued again"
                self.runs.disown(self.run_ids, reason)

    def _train(self) -> None:
        values = self._values()
        self.trial.set_user_attr(attributes.VALUES, values)
        base = int(self.definition.base.get("seed", 0))
        first = int(self.trial.user_attrs.get(attributes.SEED, base))
        for i in range(self.seeds):
            job = build(self.runs.settings(values, first + i, self.label))
            if i == 0 and not self.runs.confirms and self._copied(job.trial.identity()):
                return
            watcher = Watcher(job.trial, self.definition, self._report(i))
            result = self.runs.run(job, watcher, self._opened)
            self.trained.results.append(result)
            if not self._goes_on(watcher, result, job) or self._pruned_by_seed(i):
                return
        self._end({}, list(self.trained.mean()))

    def _values(self) -> Mapping[str, Any]:
        fixed: Mapping[str, Any] | None = self.trial.user_attrs.get(attributes.FIXED)
        if fixed is not None:
            return fixed
        configurator = self.runs.configurator
        found: Mapping[str, Any] = configurator.space.suggest(self.trial, configurator.applies)
        return found

    def _opened(self, run_id: str) -> None:
        """Keep which runs are this trial's, for whoever takes it over."""
        self.run_ids.append(run_id)
        try:
            self.trial.set_user_attr(attributes.RUNS, self.run_ids)
        except UpdateFinishedTrialError:
            self.beats.lost = True

    def _report(self, i: int) -> Report | None:
        """Return what the first seed's evaluations are reported to; None where none are."""
        if i or self.runs.confirms or len(self.definition.goals) > 1:
            return None
        if self.definition.prunes_by_seed:
            return None
        seen: set[int] = set()

        def report(percent: int, value: float) -> bool:
            if percent in seen:
                return False
            seen.add(percent)
            try:
                self.trial.report(value, percent)
                return not self.is_baseline and self.trial.should_prune()
            except UpdateFinishedTrialError:
                self.beats.lost = True  # the run stops after this step
                return False

        return report

    def _pruned_by_seed(self, i: int) -> bool:
        """Compare seed by seed where the pruner does; return whether the trial ends here."""
        if not self.definition.prunes_by_seed or self.seeds == 1:
            return False
        self.trial.report(self.trained.per_seed[-1][0], i)
        if self.is_baseline or i + 1 == self.seeds or not self.trial.should_prune():
            return False
        self._end({"reason": f"pruned after {i + 1} seeds"}, None, TrialState.PRUNED)
        return True

    def _goes_on(self, watcher: Watcher, result: Result, job: Setup) -> bool:
        """Take the end of a run; return whether the trial goes on."""
        if result.status == Status.KILLED:
            self._interrupted()
            return False
        if result.status == Status.FAILED:
            self._failed(result)
            return False
        if result.status == Status.PRUNED:
            self._end({"reason": result.reason}, None, TrialState.PRUNED)
            return False
        values = watcher.values()
        if result.status == Status.DIVERGED or values is None:
            self._diverged(result.reason or "its value is not finite", job)
            return False
        self.trained.per_seed.append(values)
        return True

    def _interrupted(self) -> None:
        """Give the trial back."""
        self.beats.rest()
        if not self.beats.lost:
            queue.again(self.study, self.trial._trial_id, attributes.INTERRUPTED)

    def _diverged(self, reason: str, job: Setup) -> None:
        done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        classes = job.data.classes if job.data else None
        told = []
        for i, goal in enumerate(self.definition.goals):
            finite = [t.values[i] for t in done if not attributes.outcome(t).get("diverged")]
            told.append(told_when_diverged(goal, finite, classes))
        self._end({"diverged": reason}, told)

    def _copied(self, key: str) -> bool:
        """Take over the value of a trial that is the same; return whether there was one.

        One that still trains is waited for. Of two that come at the same moment, where the
        database lets them, the later number waits.
        """
        said = False
        while not self.runs.should_stop():
            with alone(self.study) as is_alone:
                other = self._same(key, before=self.trial.number if said else None)
                if other is None and not said:
                    self.trial.set_user_attr(attributes.IDENTITY, key)
                    said = True
                    if not is_alone:
                        continue
            if other is None:
                return False
            if other.state in attributes.DONE:
                self._copy(other)
                return True
            time.sleep(POLL_SECONDS)
        return False

    def _same(self, key: str, before: int | None) -> FrozenTrial | None:
        """Return a trial that is the same, or trains the same; of those only one in front of a
        number."""
        states = (*attributes.DONE, TrialState.RUNNING)
        for other in self.study.get_trials(deepcopy=False, states=states):
            is_same = other.user_attrs.get(attributes.IDENTITY) == key
            is_copy = "copy_of" in attributes.outcome(other)
            is_later = before is not None and other.number >= before
            if is_same and not is_copy and (other.state in attributes.DONE or not is_later):
                return other
        return None

    def _copy(self, other: FrozenTrial) -> None:
        for step, value in other.intermediate_values.items():
            self.trial.report(value, step)
        said = {**attributes.outcome(other), "copy_of": other.number, "seconds": 0.0, "run_ids": []}
        values = list(other.values) if other.state == TrialState.COMPLETE else None
        self._told(said, values, other.state)

    def _failed(self, result: Result) -> None:
        said = {"failed": True, "reason": result.reason, "details": result.details[-2000:]}
        self._end(said, None, TrialState.FAIL)

    def _end(
        self,
        said: Mapping[str, Any],
        values: list[float] | None,
        state: TrialState = TrialState.COMPLETE,
    ) -> None:
        by_seed = {"by_seed": True} if self.definition.prunes_by_seed else {}
        self._told(outcome(self.trained, **by_seed, **said), values, state)

    def _told(self, said: Mapping[str, Any], values: list[float] | None, state: TrialState) -> None:
        self.beats.rest()
        if not queue.end(self.study, self.trial, said, values, state):
            self.beats.lost = True
