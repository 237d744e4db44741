"""A trial that one worker has for its own, from its claim to its end.

Of all that want a waiting trial the database lets one set it running (locks.py, where it does not).
While it runs its heartbeat says so; who takes it for lost ends it before it is queued again, and
an ended trial takes nothing more: what a lost worker reports or tells afterwards is refused.
Of trials that would train the very same one is trained, the others take over its value.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from runner.pausing import pause
from runner.study.periodic import Periodic
from runner.study.queue import attributes, locks, queue
from runner.study.queue.heartbeat import sign_of_life

POLL_SECONDS = 0.25


def claim(
    study: Study,
    sampler: Callable[[Sequence[FrozenTrial], int], BaseSampler] | None = None,
    known: Sequence[FrozenTrial] = (),
) -> "Claim | None":
    """Return a waiting trial that is this process's own now, None where there is none.

    Arguments:
        sampler: trials of the study, number -> the sampler that this trial draws from.
        known: trials of the study as they were a moment ago, which may wait.
    """
    while True:
        with locks.exclusive(study):
            taken = _take(study, known) or _take(study, _waiting(study))
        known = ()
        if taken is None:
            return None
        trials = study.get_trials(deepcopy=False)
        if not queue.is_surplus(study, trials, taken.number):
            if sampler is not None:
                study.sampler = sampler(trials, taken.number)
            return Claim(study, locks.handle(study, taken))
        locks.fail(study, taken, attributes.LOST, attributes.LEFT_OVER)


class Claim:
    """A claimed trial. While open its heart beats.

    number, label, attrs: of the trial. lost: whether another process took it for lost.
    """

    def __init__(self, study: Study, trial: Trial) -> None:
        self.study = study
        self.number = trial.number
        self.attrs: Mapping[str, Any] = trial.user_attrs
        self.label = attributes.label(trial)
        self.lost = False
        self._trial = trial
        pause = max(attributes.definition(study).heartbeat_seconds / 3, 0.2)
        self._heartbeat = Periodic(self._beat, lambda: pause)

    def __enter__(self) -> Self:
        self._beat()
        self._heartbeat.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._heartbeat.stop()

    def draw(self, suggest: Callable[[Trial], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return the values that the sampler suggests, none where the trial is lost."""
        with self._noticing_loss():
            return suggest(self._trial)
        return {}

    def store(self, key: str, value: Any) -> None:
        """Store an attribute."""
        with self._noticing_loss():
            self._trial.set_user_attr(key, value)

    def report(self, step: int, value: float) -> None:
        """Report a value so far, which pruners compare."""
        with self._noticing_loss():
            self._trial.report(value, step)

    def should_prune(self) -> bool:
        """Return whether the pruner stops the trial here; a baseline goes on to its end, and so
        does what was promoted."""
        goes_on = {attributes.BASELINE, attributes.PROMOTED} & self.attrs.keys()
        return not (self.lost or goes_on) and self._trial.should_prune()

    def end(
        self,
        outcome: Mapping[str, Any],
        values: Sequence[float] | None = None,
        state: TrialState = TrialState.COMPLETE,
    ) -> bool:
        """Tell how the trial ended; return False, with nothing told, where it is lost."""
        self._heartbeat.stop()  # one after the end would take the trial for lost
        try:
            with locks.exclusive(self.study):
                self._trial.set_user_attr(attributes.OUTCOME, outcome)
                found = self.study.tell(self._trial, values, state=state, skip_if_finished=True)
        except UpdateFinishedTrialError:
            found = locks.trial_now(self.study, self._trial)
        self.lost = found.state != state or attributes.is_lost(found)
        return not self.lost

    def give_back(self) -> None:
        """Let the trial be made again, by whoever goes on with the study."""
        self._heartbeat.stop()
        if not self.lost:
            queue.requeue(self.study, self._trial, attributes.INTERRUPTED)

    @contextmanager
    def _noticing_loss(self) -> Iterator[None]:
        try:
            yield
        except UpdateFinishedTrialError:
            self.lost = True

    def _beat(self) -> None:
        self.store(attributes.WORKER, sign_of_life())


def copy(own: Claim, digest: str, should_stop: Callable[[], bool]) -> bool:
    """End a trial with the value of one that is the same; return False where it is to be trained.

    One that still trains is waited for. Of two that come at the same moment, where nothing keeps
    them apart, the later number waits.

    digest: of what the trial trains.
    """
    is_stored = False
    while not should_stop():
        with locks.deciding(own.study, digest) as is_exclusive:
            other = same(own.study, digest, before=own.number if is_stored else None)
            if other is None and not is_stored:
                own.store(attributes.IDENTITY, digest)
                is_stored = True
                if not is_exclusive:
                    continue
        if other is None:
            return False
        if other.state in attributes.DONE:
            for step, value in other.intermediate_values.items():
                own.report(step, value)
            taken = {"copy_of": other.number, "seconds": 0.0, "run_ids": []}
            values = other.values if other.state == TrialState.COMPLETE else None
            own.end({**attributes.outcome(other), **taken}, values, other.state)
            return True
        pause(POLL_SECONDS)
    return False


def same(study: Study, digest: str, before: int | None) -> FrozenTrial | None:
    """Return a trial that has trained the same, or that trains it; of the latter only one in front
    of a number."""
    found = [
        other
        for other in locks.with_attribute(study, attributes.IDENTITY, digest)
        if not attributes.is_copy(other)
        and (other.state in attributes.DONE or _is_before(other, before))
    ]
    if not found:
        return None
    replaced = attributes.replaced(study.get_trials(deepcopy=False))
    return next((other for other in found if other.number not in replaced), None)


def _is_before(other: FrozenTrial, number: int | None) -> bool:
    is_running = other.state == TrialState.RUNNING
    return is_running and (number is None or other.number < number)


def _waiting(study: Study) -> Sequence[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.WAITING,))


def _take(study: Study, known: Sequence[FrozenTrial]) -> FrozenTrial | None:
    """Return a waiting trial that runs now: first those that are queued again, by number."""
    waiting = [trial for trial in known if trial.state == TrialState.WAITING]
    for trial in sorted(waiting, key=lambda t: (attributes.RETRY_OF not in t.user_attrs, t.number)):
        if locks.run(study, trial):
            return trial
    return None
