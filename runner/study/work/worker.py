"""A worker: claims trials of a study, trains them, tells, until nothing is left to do."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence

import optuna
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner.config.composer import Composer
from runner.config.configurator import Configurator
from runner.config.grammar import parse_space
from runner.interrupts import Interrupts
from runner.report.say import open_streams, warn
from runner.report.strays import tame
from runner.results.definition import Definition
from runner.results.result import Status
from runner.study.answer.confirm import confirmation
from runner.study.periodic import Periodic
from runner.study.plan import samplers
from runner.study.queue import attributes, queue
from runner.study.queue.claim import claim
from runner.study.queue.heartbeat import Watch, look_seconds
from runner.study.queue.storage import open_storage
from runner.study.work.attempt import Attempt
from runner.study.work.runs import Runs
from runner.training.fused import Group

POLL_SECONDS = 0.25
_LOOKED_AT = (TrialState.FAIL, TrialState.WAITING)  # few, however many others there are


class Worker:
    """Works on a study, or on what confirms its answer.

    interrupts: Ctrl-C or a stop file. deadline: time.time() at which no further trial begins.
    device: an accelerator of its own, "auto" for the configuration's. configurator: of the study,
    where this process has one.
    """

    def __init__(
        self,
        study: Study,
        interrupts: Interrupts,
        deadline: float | None = None,
        device: str | None = None,
        configurator: Configurator | None = None,
    ) -> None:
        attrs = study.user_attrs
        self.study = study
        self.definition = attributes.definition(study)
        self.interrupts = interrupts
        self.deadline = deadline
        self.confirms = attributes.CONFIRMS in attrs
        # in the place of a cell of a grid that crashed nothing is made
        self._makes_new = not (self.confirms or self.definition.is_grid)
        self._samplers = samplers.Samplers(self.definition)
        study.pruner = samplers.pruner(self.definition)
        earlier = attrs.get(attributes.EARLIER_CRASHES, 0)
        self._most_crashes = earlier + self.definition.max_failures
        self._unfinished: set[int] | None = None
        self._watch = Watch(self.definition.heartbeat_seconds)
        width = 1 if self.confirms else self.definition.width
        self._group = Group(width, warn) if width > 1 else None
        self._runs = Runs(
            self.definition,
            configurator or configurator_of(self.definition),
            device,
            confirms=self.confirms,
            should_stop=interrupts.requested,
            group=self._group,
        )

    def work(self) -> bool:
        """Train until all trials are done, the time is over, too many crash or somebody interrupts.

        Returns whether the answer may be confirmed: nothing is trained any more that might change
        it.
        """
        self._runs.load()
        try:
            return self._work()
        finally:
            self._runs.delivered()

    def _work(self) -> bool:
        while not self.interrupts.requested():
            trials = self.study.get_trials(deepcopy=False, states=_LOOKED_AT)
            if len(attributes.crashed(trials)) > self._most_crashes:
                return False
            if self._is_late():
                if not self._others():
                    return True
                queue.requeue_lost(self.study, self._watch)
                time.sleep(POLL_SECONDS)
                continue
            if self._attempted(trials):
                continue
            # before and after: between two looks others may queue a trial, or a lost one again
            was_left = any(queue.left(self.study))
            if queue.fill(self.study, new=self._makes_new):
                continue
            waiting, running = queue.left(self.study)
            if waiting:  # another one has queued it
                continue
            if not was_left and not running:
                return True
            queue.requeue_lost(self.study, self._watch)
            self._rest(look_seconds(POLL_SECONDS, running, self.definition.heartbeat_seconds))
        return False

    def _rest(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self.interrupts.requested() and time.monotonic() < until:
            time.sleep(POLL_SECONDS)

    def _attempted(self, trials: Sequence[FrozenTrial]) -> bool:
        """Make what waits: a trial, or several together; return whether there was any."""
        if self._group is not None:
            return self._group.run(self._several(self.definition.batch)) > 0
        claimed = claim(self.study, self._samplers.of, trials)
        if claimed is not None:
            Attempt(claimed, self.definition, self._runs).make()
        return claimed is not None

    def _several(self, most: int) -> Iterator[Callable[[], None]]:
        """Claim trials one by one, each when those before it have drawn what they try."""
        for _ in range(most):
            if self.interrupts.requested() or self._is_late():
                return
            claimed = claim(self.study, self._samplers.of)
            if claimed is None:
                return
            yield Attempt(claimed, self.definition, self._runs).make
            if attributes.KILLS in claimed.attrs:  # it may have taken all others with it
                return

    def _is_late(self) -> bool:
        return self.deadline is not None and time.time() > self.deadline

    def _others(self) -> set[int]:
        """Return which of the trials that ran when the time was over still run."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        numbers = {trial.number for trial in running}
        self._unfinished = numbers if self._unfinished is None else self._unfinished & numbers
        return self._unfinished


def work(
    study: Study,
    interrupts: Interrupts,
    deadline: float | None,
    device: str | None,
    configurator: Configurator | None = None,
) -> None:
    """Work on a study until its total or its deadline, then on what confirms its answer."""
    configurator = configurator or configurator_of(attributes.definition(study))
    if Worker(study, interrupts, deadline, device, configurator).work():
        confirms = confirmation(study)
        if confirms is not None:
            Worker(confirms, interrupts, None, device, configurator).work()


def configurator_of(definition: Definition) -> Configurator:
    """Return what makes the settings of a study's runs."""
    space = parse_space(definition.space)
    return Configurator(definition.overrides, space, Composer(definition.config_dir))


def work_apart(address: str, name: str, deadline: float | None, device: str | None) -> int:
    """Work as a process of its own, see `warm`, on a study of a storage; return its status.

    It stops when its starter is gone, and when it is told to, it alone. Returns 130 then.
    """
    open_streams()
    tame()
    interrupts = Interrupts(alone=True)

    def look() -> None:
        starter = multiprocessing.parent_process()
        if starter is None or not starter.is_alive():
            interrupts.request()

    look()
    if interrupts.requested():
        return Status.KILLED.exit_status
    try:
        with interrupts, Periodic(look, lambda: POLL_SECONDS):
            study = optuna.load_study(study_name=name, storage=open_storage(address))
            work(study, interrupts, deadline, device)
    except KeyboardInterrupt:
        return Status.KILLED.exit_status
    return Status.KILLED.exit_status if interrupts.requested() else 0
