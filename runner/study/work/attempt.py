"""One attempt at a trial: a worker trains what it has claimed and tells how it ended."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from optuna.trial import TrialState

from runner.build.setup import Setup, build
from runner.results.definition import Definition
from runner.results.result import Result, Status
from runner.study.queue import attributes
from runner.study.queue.claim import Claim, copy
from runner.study.work import limit
from runner.study.work.objective import Objective, Outcome, Report, diverged_value
from runner.study.work.runs import Runs, Stopped


class Attempt:
    """Trains a claimed trial, seed by seed, and tells how it ended."""

    def __init__(self, claim: Claim, definition: Definition, runs: Runs) -> None:
        self.claim = claim
        self.definition = definition
        self.runs = runs
        self.outcome = Outcome()
        self.run_ids: list[str] = []
        self.values: Mapping[str, Any] = {}
        self.seeds = 1 if runs.confirms else definition.seeds

    def make(self) -> None:
        """Train and tell. A trial that crashes is told as failed."""
        try:
            with self.claim:
                try:
                    self._train()
                except Stopped:
                    self.claim.give_back()
                except Exception as error:
                    self._failed(self.runs.failed(self.claim.label, self.values, error))
                except KeyboardInterrupt:  # another one's of its group, too
                    with suppress(Exception):
                        self.claim.give_back()
                    raise
        finally:
            if self.claim.lost:
                reason = f"{self.claim.label} was taken for lost and queued again"
                self.runs.disown(self.run_ids, reason)

    def _train(self) -> None:
        self.values = self._values()
        self.claim.store(attributes.VALUES, self.values)
        base = int(self.definition.base.get("seed", 0))
        first = int(self.claim.attrs.get(attributes.SEED, base))
        for i in range(self.seeds):
            if self.claim.lost:
                return
            settings = self.runs.settings(self.values, first + i, self.claim.label)
            setup = self.runs.fused(build(settings))
            may_copy = i == 0 and not self.runs.confirms
            if may_copy and copy(self.claim, setup.trial.identity(), self._should_stop):
                return
            objective = Objective(setup, self.definition.goals, self._report(i))
            result = self.runs.train(setup, objective, self._opened, self._should_stop)
            self.outcome.results.append(result)
            if not self._goes_on(objective, result, setup) or self._is_pruned_by_seed(i):
                return
        self.runs.tell_spread(self.run_ids, [values[0] for values in self.outcome.per_seed])
        self._end({}, self.outcome.mean())

    def _should_stop(self) -> bool:
        return self.claim.lost or self.runs.should_stop()

    def _values(self) -> Mapping[str, Any]:
        fixed: Mapping[str, Any] | None = self.claim.attrs.get(attributes.FIXED)
        if fixed is not None:
            return fixed
        configurator = self.runs.configurator
        return self.claim.draw(
            lambda trial: configurator.space.suggest(trial, configurator.applies)
        )

    def _opened(self, run_id: str) -> None:
        """Keep which runs are this trial's, for whoever takes it over."""
        self.run_ids.append(run_id)
        self.claim.store(attributes.RUNS, self.run_ids)

    def _report(self, i: int) -> Report | None:
        """Return what the first seed's evaluations are reported to; None where none are."""
        one_goal = len(self.definition.goals) == 1
        if i or self.runs.confirms or not one_goal or self.definition.prunes_by_seed:
            return None
        seen: set[int] = set()

        def report(percent: int, value: float) -> bool:
            if percent in seen:
                return False
            seen.add(percent)
            self.claim.report(percent, value)
            return self.claim.should_prune()

        return report

    def _is_pruned_by_seed(self, i: int) -> bool:
        """Compare seed by seed where the pruner does; return whether the trial ends here."""
        if not self.definition.prunes_by_seed or self.seeds == 1:
            return False
        self.claim.report(i, self.outcome.per_seed[-1][0])
        if i + 1 == self.seeds or not self.claim.should_prune():
            return False
        self._end({"reason": f"pruned after {i + 1} seeds"}, None, TrialState.PRUNED)
        return True

    def _goes_on(self, objective: Objective, result: Result, setup: Setup) -> bool:
        """Take the end of a run; return whether the trial goes on."""
        values = objective.values()
        if result.status == Status.KILLED:
            self.claim.give_back()
            self._cut_off(result, setup)
        elif result.status == Status.FAILED:
            self._failed(result)
        elif result.status == Status.PRUNED:
            self._end({"reason": result.reason}, None, TrialState.PRUNED)
        elif result.status == Status.DIVERGED or values is None:
            self._diverged(result.reason or "its value is not finite", setup)
        else:
            self.outcome.per_seed.append(values)
            return True
        return False

    def _cut_off(self, result: Result, setup: Setup) -> None:
        """Keep what is known of a trial that begins anew, for those who have little time."""
        if result.steps and not setup.settings.states.enabled:
            had = sum(one.seconds for one in self.outcome.results)
            whole = result.seconds * setup.trial.horizon.total_steps / result.steps
            limit.note(self.claim.study, had, whole * self.seeds)

    def _diverged(self, reason: str, setup: Setup) -> None:
        states = (TrialState.COMPLETE,)
        complete = self.claim.study.get_trials(deepcopy=False, states=states)
        counted = [t.values for t in complete if not attributes.outcome(t).get("diverged")]
        classes = (setup.data and setup.data.classes) or 1
        told = [
            diverged_value(goal, [values[i] for values in counted], classes)
            for i, goal in enumerate(self.definition.goals)
        ]
        self._end({"diverged": reason}, told)

    def _failed(self, result: Result) -> None:
        more = {"failed": True, "reason": result.reason, "details": result.details[-2000:]}
        self._end(more, None, TrialState.FAIL)

    def _end(
        self,
        more: Mapping[str, Any],
        values: Sequence[float] | None,
        state: TrialState = TrialState.COMPLETE,
    ) -> None:
        by_seed = {"by_seed": True} if self.definition.prunes_by_seed else {}
        self.claim.end(self.outcome.stored(**by_seed, **more), values, state)
