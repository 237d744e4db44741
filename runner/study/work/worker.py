"""A worker: claims trials of a study, trains them, tells, until nothing is left to do.

python -m runner.study.work.worker STORAGE STUDY DEADLINE DEVICE: as a process of its own.
"""

import os
import sys
import time

import optuna
from optuna.study import Study
from optuna.trial import TrialState

from runner.config.configurator import Configurator
from runner.config.grammar import parse_space
from runner.interrupts import Interrupts
from runner.results.definition import Definition
from runner.study.answer.confirm import confirmation
from runner.study.plan import samplers
from runner.study.queue import queue
from runner.study.queue.attributes import CONFIRMS, DEFINITION, FORGIVEN
from runner.study.queue.heartbeat import Beats, Watch
from runner.study.queue.storage import open_storage
from runner.study.work.attempt import POLL_SECONDS, Attempt
from runner.study.work.runs import Runs


class Worker:
    """Works on a study, or on what confirms its answer.

    interrupts: Ctrl-C or a stop file. deadline: time.time() at which no further trial begins.
    device: an accelerator of its own, "auto" for the configuration's.
    """

    def __init__(
        self,
        study: Study,
        interrupts: Interrupts,
        deadline: float | None = None,
        device: str | None = None,
    ) -> None:
        attrs = study.user_attrs
        self.study = study
        self.definition = Definition.from_json(attrs[DEFINITION])
        self.interrupts = interrupts
        self.deadline = deadline
        self.confirms = CONFIRMS in attrs
        self._samplers = samplers.Samplers(self.definition)
        study.pruner = samplers.pruner(self.definition) or samplers.no_pruner()
        self._most_failures = attrs.get(FORGIVEN, 0) + self.definition.max_failures
        self._unfinished: set[int] | None = None
        self._watch = Watch(self.definition.heartbeat_seconds)
        self._beats = Beats(study._storage, self.definition.heartbeat_seconds)
        self._runs = Runs(
            self.definition,
            Configurator(
                self.definition.overrides,
                self.definition.config_dir,
                parse_space(self.definition.space),
            ),
            device,
            confirms=self.confirms,
            should_stop=lambda: interrupts.requested() or self._beats.lost,
        )

    def work(self) -> bool:
        """Train until all trials are done, the time is over, too many crash or somebody interrupts.

        Returns whether the answer may be confirmed: nothing is trained any more that might change
        it.
        """
        self._runs.load()
        with self._beats:
            try:
                return self._work()
            finally:
                self._runs.delivered()

    def _work(self) -> bool:
        while not self.interrupts.requested():
            trials = self.study.get_trials(deepcopy=False)
            if len(queue.crashed(trials)) > self._most_failures:
                return False
            if self._is_late():
                if not self._others():
                    return True
                queue.requeue(self.study, self._watch)
                time.sleep(POLL_SECONDS)
                continue
            trial = queue.claim(self.study, self._samplers.of, trials)
            if trial is not None:
                Attempt(self.study, self.definition, trial, self._runs, self._beats).make()
            elif not self._refilled():
                if not any(queue.left(self.study)):
                    return True
                queue.requeue(self.study, self._watch)
                time.sleep(POLL_SECONDS)
        return False

    def _is_late(self) -> bool:
        return self.deadline is not None and time.time() > self.deadline

    def _others(self) -> set[int]:
        """Return which of the trials that ran when the time was over still run."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        numbers = {trial.number for trial in running}
        self._unfinished = numbers if self._unfinished is None else self._unfinished & numbers
        return self._unfinished

    def _refilled(self) -> bool:
        """Make new trials in the place of those that crashed; those of a grid have none."""
        if self.confirms or self.definition.is_grid:
            return False
        return queue.fill(self.study) > 0


class Orphaned(Interrupts):
    """Also asks to stop when the process that started this one is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._starter = os.getppid()

    def requested(self) -> bool:
        """Return whether the run should stop."""
        return super().requested() or os.getppid() != self._starter


def work(study: Study, interrupts: Interrupts, deadline: float | None, device: str | None) -> None:
    """Work on a study until its total or its deadline, then on what confirms its answer."""
    if Worker(study, interrupts, deadline, device).work():
        confirms = confirmation(study)
        if confirms is not None:
            Worker(confirms, interrupts, None, device).work()


def main(words: list[str], interrupts: Interrupts) -> int:
    """Work as a process of its own: storage, study, deadline and device, the last two may be ""."""
    address, name, deadline, device = words
    study = optuna.load_study(study_name=name, storage=open_storage(address))
    with interrupts:
        work(study, interrupts, float(deadline) if deadline else None, device or None)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Orphaned()))
