"""Watches a study from the process that was started: prints what ends, and queues again what is
lost."""

import time
from collections.abc import Sequence
from typing import Self

from optuna.exceptions import StorageInternalError
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner.errors import one_line
from runner.report import tables
from runner.report.audience import audience
from runner.report.say import say, warn
from runner.results.answer import CANDIDATES
from runner.results.rows import COMPLETE, FAILED, PRUNED, RUNNING, WAITING, ranked
from runner.study.answer import confirm
from runner.study.periodic import Periodic
from runner.study.queue import attributes, queue
from runner.study.queue.heartbeat import Watch, look_seconds
from runner.tracking import Tracker, disown

LOOK_SECONDS = 0.5


class _Watched:
    """A study that is watched, and what was said of it already.

    before: its trials when the watch began.
    """

    def __init__(self, study: Study, seconds: float, before: Sequence[FrozenTrial]) -> None:
        self.study = study
        self.watch = Watch(seconds)
        self.crashed = {trial.number for trial in attributes.crashed(before)}
        self.earlier_crashes = len(self.crashed)
        self.done = {trial.number for trial in before if trial.state in attributes.DONE}
        self.gone = {trial.number for trial in attributes.lost(before) if _is_gone(trial)}
        self.disowned: set[str] = set()

    def crashes(self) -> int:
        return queue.crashes(self.study) - self.earlier_crashes


class Monitor:
    """While open, watches in a thread a study and the one that confirms its answer, as soon as
    there is one.

    trackers: where the trials' runs are recorded. joins: whether it is a further worker's, and no
    start, which forgives the crashes before it.
    """

    def __init__(
        self, study: Study, trackers: Sequence[Tracker] = (), *, joins: bool = False
    ) -> None:
        self.trackers = trackers
        self._joins = joins
        self.definition = attributes.definition(study)
        self._search = self._watched(study)
        self._confirming: _Watched | None = None
        if (again := confirm.existing(study)) is not None:
            self._confirming = self._watched(again)
        self._shown = set(self._search.done)
        self._running = 0
        self._began = time.monotonic()
        self._looking = Periodic(self._look, self._pause_seconds, despite=StorageInternalError)

    def __enter__(self) -> Self:
        self._looking.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        insists = kind is not None and not issubclass(kind, Exception)
        self._looking.stop(wait=not insists)
        if not insists:
            self._look()

    @property
    def confirmation(self) -> Study | None:
        """The study that confirms the answer, None where there is none yet."""
        return None if self._confirming is None else self._confirming.study

    def crashes(self) -> int:
        """Return how many trials of the search crashed since this start."""
        return self._search.crashes()

    def is_confirmed(self) -> bool:
        """Return whether all runs that confirm have ended well, if there are any."""
        one = self._confirming
        return one is None or not (one.crashes() or any(queue.left(one.study)))

    def _watched(self, study: Study) -> _Watched:
        """Watch a study that was there before this start."""
        found = _Watched(study, self.definition.heartbeat_seconds, study.get_trials(deepcopy=False))
        if not self._joins:
            study.set_user_attr(attributes.EARLIER_CRASHES, found.earlier_crashes)
        return found

    def _pause_seconds(self) -> float:
        """Return how long to wait: less for the first line, more beside many other workers."""
        usual = LOOK_SECONDS if self._shown else LOOK_SECONDS / 5
        return look_seconds(usual, self._running, self.definition.heartbeat_seconds)

    def _look(self) -> None:
        trials = self._look_at(self._search)
        self._running = sum(trial.state == TrialState.RUNNING for trial in trials)
        self._print(trials)
        if self._confirming is None and (again := confirm.existing(self._search.study)):
            self._confirming = _Watched(again, self.definition.heartbeat_seconds, ())
        if self._confirming is not None:
            self._print_confirmation(self._confirming, self._look_at(self._confirming))

    def _look_at(self, one: _Watched) -> list[FrozenTrial]:
        """Queue again what is lost, and say so of all that is, whoever has done it; return all
        trials."""
        queue.requeue_lost(one.study, one.watch)
        trials = one.study.get_trials(deepcopy=False)
        lost = attributes.lost(trials)
        for trial in lost:
            if _is_gone(trial) and trial.number not in one.gone:
                one.gone.add(trial.number)
                say(f"the worker of {attributes.label(trial)} is gone; queued again")
        if lost and self.trackers:
            self._disown(one, lost)
        return trials

    def _disown(self, one: _Watched, lost: Sequence[FrozenTrial]) -> None:
        """Let the runs of lost trials end as failed, whoever has queued the trials again."""
        ids = {run_id for trial in lost for run_id in trial.user_attrs.get(attributes.RUNS, ())}
        if not (new := ids - one.disowned):
            return
        try:
            disown(self.trackers[0], sorted(new), "queued again as another trial")
        except Exception as error:  # the server is away; the next look tries again
            if self._looking.is_over():
                warn(f"lost runs are not marked: {one_line(error)}")
            return
        one.disowned |= new

    def _print(self, trials: Sequence[FrozenTrial]) -> None:
        if all(trial.number in self._shown or not trial.state.is_finished() for trial in trials):
            return
        found = attributes.rows(trials, self.definition)
        ended = [row for row in found if row.state not in (RUNNING, WAITING)]
        new = [row for row in ended if row.number not in self._shown]
        done = {row.number for row in ended if row.state in (COMPLETE, PRUNED)}
        made = len(done) - sum(row.number in done for row in new)
        total = self.definition.trials
        for row in new:
            self._shown.add(row.number)
            before, made = made, made + (row.number in done)
            if row.state != FAILED and not audience().hears(before, made, total):
                continue
            left = self._seconds_left(made)
            shown = [one for one in found if one.number in self._shown]
            best = next(iter(ranked(shown, self.definition)), None)
            say(tables.line(row, self.definition, best, made, total, left))

    def _print_confirmation(self, one: _Watched, trials: Sequence[FrozenTrial]) -> None:
        for trial in attributes.crashed(trials):
            if trial.number not in one.crashed:
                one.crashed.add(trial.number)
                reason = attributes.outcome(trial).get("reason", "")
                seed = trial.user_attrs.get(attributes.SEED)
                say(f"{attributes.label(trial)} with seed {seed} FAILED: {reason}")
        done = {trial.number for trial in trials if trial.state in attributes.DONE}
        if done != one.done:
            before, one.done = len(one.done), done
            total = sum(trial.state in attributes.COUNTED for trial in trials)
            if audience().hears(before, len(done), total):
                say(f"confirming on fresh seeds: {len(done)} of {total} runs")

    def _seconds_left(self, done: int) -> float | None:
        """Return how long the rest takes at the pace of this start, with what confirms it."""
        made = done - len(self._search.done)
        if made < 2:
            return None
        candidates = min(CANDIDATES + self.definition.baseline, self.definition.trials)
        runs = candidates * self.definition.confirm_seeds / self.definition.seeds
        left = max(self.definition.trials - done, 0) + runs
        return (time.monotonic() - self._began) / made * left


def _is_gone(trial: FrozenTrial) -> bool:
    return trial.user_attrs.get(attributes.LOST) == attributes.GONE
