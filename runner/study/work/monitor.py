"""Watches a study from the process that was started: prints what ends, and queues again what is
lost."""

import time
from collections.abc import Sequence
from typing import Self

from optuna.exceptions import StorageInternalError
from optuna.study import Study
from optuna.trial import TrialState

from runner.errors import one_line
from runner.report import tables
from runner.report.say import say, warn
from runner.results.answer import CANDIDATES
from runner.results.rows import ranked
from runner.study.answer import confirm
from runner.study.periodic import Periodic
from runner.study.queue import attributes, queue
from runner.study.queue.heartbeat import Watch
from runner.study.queue.rows import rows
from runner.tracking import Tracker, disown

LOOK_SECONDS = 0.5


class Monitor:
    """While open, watches in a thread.

    trackers: where the trials' runs are recorded. confirmation: the study that confirms the answer,
    as soon as there is one.
    """

    def __init__(self, study: Study, trackers: Sequence[Tracker] = ()) -> None:
        self.study = study
        self.trackers = trackers
        self.definition = attributes.definition(study)
        self.confirmation: Study | None = confirm.existing(study)
        seconds = self.definition.heartbeat_seconds
        self._watches = (Watch(seconds), Watch(seconds))
        self._shown = {trial.number for trial in attributes.done(study)}
        self._before = len(self._shown)
        self._earlier_crashes = {one.study_name: queue.crashes(one) for one in self._studies()}
        self._lost = {trial for one in self._studies() for trial in _gone(one)}
        self._confirmed = self._confirmations()
        before = self.confirmation.get_trials(deepcopy=False) if self.confirmation else []
        self._failed = {trial.number for trial in queue.crashed(before)}
        self._disowned: set[str] = set()
        self._began = time.monotonic()
        self._looking = Periodic(self._look, self._pause_seconds, despite=StorageInternalError)
        for one in self._studies():
            crashes = self._earlier_crashes[one.study_name]
            one.set_user_attr(attributes.EARLIER_CRASHES, crashes)

    def __enter__(self) -> Self:
        self._looking.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        insists = kind is not None and not issubclass(kind, Exception)
        self._looking.stop(wait=not insists)
        if not insists:
            self._look()

    def crashes(self) -> int:
        """Return how many trials of the search crashed since this start."""
        return self._crashes_of(self.study)

    def is_confirmed(self) -> bool:
        """Return whether all runs that confirm have ended well, if there are any."""
        one = self.confirmation
        return one is None or not (self._crashes_of(one) or any(queue.left(one)))

    def _crashes_of(self, study: Study) -> int:
        return queue.crashes(study) - self._earlier_crashes.get(study.study_name, 0)

    def _studies(self) -> list[Study]:
        return [self.study, *([self.confirmation] if self.confirmation else [])]

    def _confirmations(self) -> int:
        """Return how many runs that confirm are done."""
        return 0 if self.confirmation is None else len(attributes.done(self.confirmation))

    def _pause_seconds(self) -> float:
        """Return how long to wait: less for the first line."""
        return LOOK_SECONDS if self._shown else LOOK_SECONDS / 5

    def _look(self) -> None:
        if self.confirmation is None:
            self.confirmation = confirm.existing(self.study)
        for study, watch in zip(self._studies(), self._watches, strict=False):
            self._requeue(study, watch)
            self._disown(study)
        self._print()
        if self.confirmation is not None:
            self._print_confirmation(self.confirmation)

    def _requeue(self, study: Study, watch: Watch) -> None:
        """Queue again what is lost, and say so of all that is, whoever has done it."""
        queue.requeue_lost(study, watch)
        lost = _gone(study) - self._lost
        self._lost |= lost
        say(*(f"the worker of {label} is gone; queued again" for _, _, label in sorted(lost)))

    def _disown(self, study: Study) -> None:
        """Let the runs of lost trials end as failed, whoever has queued the trials again."""
        if not self.trackers:
            return
        lost = {
            run_id
            for trial in filter(attributes.is_lost, study.get_trials(deepcopy=False))
            for run_id in trial.user_attrs.get(attributes.RUNS, ())
        }
        if not (new := lost - self._disowned):
            return
        try:
            disown(self.trackers[0], sorted(new), "queued again as another trial")
        except Exception as error:  # the server is away; the next look tries again
            if self._looking.is_over():
                warn(f"lost runs are not marked: {one_line(error)}")
            return
        self._disowned |= new

    def _print(self) -> None:
        trials = self.study.get_trials(deepcopy=False)
        found = rows(trials, self.definition)
        ended = [row for row in found if row.state not in ("RUNNING", "WAITING")]
        new = [row for row in ended if row.number not in self._shown]
        done = [row for row in found if row.state in ("COMPLETE", "PRUNED")]
        made = len(done) - sum(row in done for row in new)
        for row in new:
            self._shown.add(row.number)
            made += row in done
            left = self._seconds_left(made)
            shown = [one for one in found if one.number in self._shown]
            best = next(iter(ranked(shown, self.definition)), None)
            say(tables.line(row, self.definition, best, made, self.definition.trials, left))

    def _print_confirmation(self, study: Study) -> None:
        for trial in queue.crashed(study.get_trials(deepcopy=False)):
            if trial.number not in self._failed:
                self._failed.add(trial.number)
                reason = attributes.outcome(trial).get("reason", "")
                seed = trial.user_attrs.get(attributes.SEED)
                say(f"{attributes.label(trial)} with seed {seed} FAILED: {reason}")
        made = self._confirmations()
        if made != self._confirmed:
            self._confirmed = made
            total = len(study.get_trials(deepcopy=False, states=attributes.COUNTED))
            say(f"confirming on fresh seeds: {made} of {total} runs")

    def _seconds_left(self, done: int) -> float | None:
        """Return how long the rest takes at the pace of this start, with what confirms it."""
        made = done - self._before
        if made < 2:
            return None
        candidates = min(CANDIDATES + self.definition.baseline, self.definition.trials)
        runs = candidates * self.definition.confirm_seeds / self.definition.seeds
        left = max(self.definition.trials - done, 0) + runs
        return (time.monotonic() - self._began) / made * left


def _gone(study: Study) -> set[tuple[str, int, str]]:
    """Return the trials that lost their worker, each with its study and what it is called."""
    return {
        (study.study_name, trial.number, attributes.label(trial))
        for trial in study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
        if trial.user_attrs.get(attributes.LOST) == attributes.GONE
    }
