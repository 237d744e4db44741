"""Watches a study from the process that was started: prints what ends, and queues again what is
lost."""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from optuna.exceptions import StorageInternalError
from optuna.study import Study
from optuna.trial import TrialState

from runner.errors import one_line
from runner.report import tables
from runner.report.say import say, warn
from runner.results.answer import CANDIDATES
from runner.results.definition import Definition
from runner.results.rows import ranked
from runner.study.answer import confirm
from runner.study.queue import attributes, queue
from runner.study.queue.attributes import DEFINITION, FORGIVEN
from runner.study.queue.heartbeat import Watch
from runner.study.queue.rows import rows
from runner.tracking import Tracker, disown

LOOK_SECONDS = 0.5


class Monitor:
    """While open, watches in a thread.

    confirmation: the study that confirms the answer, as soon as there is one.
    """

    def __init__(self, study: Study, trackers: Sequence[Tracker] = ()) -> None:
        self.study = study
        self.trackers = trackers
        self.definition = Definition.from_json(study.user_attrs[DEFINITION])
        self.confirmation: Study | None = confirm.existing(study)
        self._watch = Watch(self.definition.heartbeat_seconds)
        self._shown = {t.number for t in study.get_trials(deepcopy=False, states=attributes.DONE)}
        self._before = len(self._shown)
        self._forgiven = {one.study_name: queue.failures(one) for one in self._studies()}
        self._lost = {trial for one in self._studies() for trial in _gone(one)}
        self._confirmed = self._confirmations()
        before = self.confirmation.get_trials(deepcopy=False) if self.confirmation else []
        self._failed = {trial.number for trial in queue.crashed(before)}
        self._settled: set[str] = set()
        self._began = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look_on, name="monitor", daemon=True)
        for one in self._studies():
            one.set_user_attr(FORGIVEN, self._forgiven[one.study_name])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        if kind is not None and not issubclass(kind, Exception):
            return  # a person insists
        self._thread.join()
        self._look()

    def failures(self) -> int:
        """Return how many trials of the search crashed since this start."""
        return self._crashes(self.study)

    def is_confirmed(self) -> bool:
        """Return whether all runs that confirm have ended well, if there are any."""
        one = self.confirmation
        return one is None or not (self._crashes(one) or any(queue.left(one)))

    def _crashes(self, study: Study) -> int:
        return queue.failures(study) - self._forgiven.get(study.study_name, 0)

    def _studies(self) -> list[Study]:
        return [self.study, *([self.confirmation] if self.confirmation else [])]

    def _confirmations(self) -> int:
        """Return how many runs that confirm are done."""
        if self.confirmation is None:
            return 0
        return len(self.confirmation.get_trials(deepcopy=False, states=attributes.DONE))

    def _look_on(self) -> None:
        while not self._ended.wait(LOOK_SECONDS if self._shown else LOOK_SECONDS / 5):
            with suppress(StorageInternalError):  # it is away for long; the workers say so
                self._look()

    def _look(self) -> None:
        if self.confirmation is None:
            self.confirmation = confirm.existing(self.study)
        for study in self._studies():
            self._requeue(study)
            self._settle(study)
        self._print()
        if self.confirmation is not None:
            self._print_confirmation(self.confirmation)

    def _requeue(self, study: Study) -> None:
        """Queue again what is lost, and say so of all that is, whoever has done it."""
        queue.requeue(study, self._watch)
        lost = _gone(study) - self._lost
        self._lost |= lost
        for _, _, label in sorted(lost):
            say(f"the worker of {label} is gone; queued again")

    def _settle(self, study: Study) -> None:
        """Let the runs of lost trials end as failed, whoever has queued the trials again."""
        if not self.trackers:
            return
        lost = {
            run_id
            for trial in filter(attributes.is_lost, study.get_trials(deepcopy=False))
            for run_id in trial.user_attrs.get(attributes.RUNS, ())
        }
        if not (new := lost - self._settled):
            return
        try:
            disown(self.trackers[0], sorted(new), "queued again as another trial")
        except Exception as error:  # the server is away; the next look tries again
            if self._ended.is_set():
                warn(f"lost runs are not marked: {one_line(error)}")
            return
        self._settled |= new

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
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    return {
        (study.study_name, trial.number, attributes.label(trial))
        for trial in failed
        if trial.user_attrs.get(attributes.LOST) == attributes.GONE
    }
