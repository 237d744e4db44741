"""The trials of a study as a queue: slots to claim, to end, and to queue again when they are lost.

A study's total is made as waiting trials, some ahead of the workers, each of which one worker
claims. Starts at the same moment may make more of them; whoever claims one too many drops it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from runner.study.queue.attributes import (
    BASELINE,
    CANDIDATE,
    CELL,
    CONFIRMS,
    COUNTED,
    DONE,
    GONE,
    KILLS,
    LEFT_OVER,
    LOST,
    OF_ONE_ATTEMPT,
    OUTCOME,
    RETRY_OF,
    SEED,
    is_lost,
    outcome,
    total,
)
from runner.study.queue.heartbeat import Watch
from runner.study.queue.locks import alone, creating

AHEAD = 3  # trials that wait: each look at the storage reads those that have not ended
MOST_KILLS = 3  # workers that a trial may take with it before it counts as crashed


@creating()
def fill(study: Study) -> int:
    """Make waiting trials of those that the total lacks, a few ahead; return how many.

    First those whose worker ended in the very moment of queueing them again.
    """
    trials = study.get_trials(deepcopy=False)
    retried = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    missing = total(study) - sum(trial.state in COUNTED for trial in trials)
    dropped = [t for t in trials if is_lost(t) and t.user_attrs[LOST] != LEFT_OVER]
    forgotten = [t for t in dropped if t.number not in retried][: max(missing, 0)]
    for trial in forgotten:
        _queue_again(study, trial, killed=trial.user_attrs[LOST] == GONE)
    waiting = sum(trial.state == TrialState.WAITING for trial in trials)
    more = min(missing - len(forgotten), AHEAD - waiting - len(forgotten))
    for _ in range(more):
        study.enqueue_trial({})
    return len(forgotten) + max(more, 0)


def claim(
    study: Study,
    sampler: Callable[[Sequence[FrozenTrial], int], BaseSampler] | None = None,
    known: Sequence[FrozenTrial] = (),
) -> Trial | None:
    """Return a waiting trial that is this process's own now, None where there is none.

    Arguments:
        sampler: trials of the study, number -> the sampler that this trial draws from.
        known: the study's trials as they were a moment ago.
    """
    while True:
        with alone(study):
            trial_id = _pop(study, known)
            if trial_id is None:
                trial_id = _pop(study, study.get_trials(deepcopy=False))
        known = ()
        if trial_id is None:
            return None
        trials = study.get_trials(deepcopy=False)
        (own,) = (trial for trial in trials if trial._trial_id == trial_id)
        if not _surplus(study, trials, own):
            if sampler is not None:
                study.sampler = sampler(trials, own.number)
            return Trial(study, trial_id)
        _drop(study, trial_id, LEFT_OVER)


def _pop(study: Study, known: Sequence[FrozenTrial]) -> int | None:
    """Return a waiting trial that runs now: first those that are queued again, by number."""
    waiting = [trial for trial in known if trial.state == TrialState.WAITING]
    for trial in sorted(waiting, key=lambda t: (RETRY_OF not in t.user_attrs, t.number)):
        with suppress(UpdateFinishedTrialError):
            if study._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
                return trial._trial_id
    return None


def left(study: Study) -> tuple[int, int]:
    """Return how many trials wait and how many run."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.WAITING, TrialState.RUNNING))
    waiting = sum(trial.state == TrialState.WAITING for trial in trials)
    return waiting, len(trials) - waiting


def end(
    study: Study,
    trial: Trial,
    said: Mapping[str, Any],
    values: list[float] | None = None,
    state: TrialState = TrialState.COMPLETE,
) -> bool:
    """Tell how a trial ended; return False, with nothing told, where it was taken for lost."""
    try:
        with alone(study):
            trial.set_user_attr(OUTCOME, said)
            found = study.tell(trial, values, state=state, skip_if_finished=True)
    except UpdateFinishedTrialError:
        found = study._storage.get_trial(trial._trial_id)
    return found.state == state and not is_lost(found)


def again(study: Study, trial_id: int, reason: str, *, killed: bool = False) -> bool:
    """End a trial that was not finished and queue its parameters again.

    Return False where another process has done so, or the trial has ended after all.
    """
    if not _drop(study, trial_id, reason):
        return False
    _queue_again(study, study._storage.get_trial(trial_id), killed=killed)
    return True


def requeue(study: Study, watch: Watch) -> list[int]:
    """Queue what is lost again; return the numbers of these trials.

    A trial that took several workers with it counts as crashed: it would take all others, too.
    """
    numbers = []
    for trial in watch.lost(study):
        if trial.user_attrs.get(KILLS, 0) + 1 >= MOST_KILLS:
            said = {"failed": True, "reason": f"its worker was killed {MOST_KILLS} times"}
            with suppress(UpdateFinishedTrialError), alone(study):
                study._storage.set_trial_user_attr(trial._trial_id, OUTCOME, said)
                study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        elif again(study, trial._trial_id, GONE, killed=True):
            numbers.append(trial.number)
    return numbers


def crashed(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Return those of some trials that crashed."""
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    return [trial for trial in failed if "failed" in outcome(trial)]


def failures(study: Study) -> int:
    """Return how many trials crashed, over all starts."""
    return len(crashed(study.get_trials(deepcopy=False)))


def _drop(study: Study, trial_id: int, reason: str) -> bool:
    with suppress(UpdateFinishedTrialError), alone(study):
        study._storage.set_trial_user_attr(trial_id, LOST, reason)
        return study._storage.set_trial_state_values(trial_id, TrialState.FAIL)
    return False


def _queue_again(study: Study, trial: FrozenTrial, *, killed: bool = False) -> None:
    """Make a waiting trial with what was given to another and what it drew already."""
    attrs = {key: value for key, value in trial.user_attrs.items() if key not in OF_ONE_ATTEMPT}
    attrs[RETRY_OF] = trial.number
    if killed:
        attrs[KILLS] = attrs.get(KILLS, 0) + 1
    params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    study.enqueue_trial(params, user_attrs=attrs)


def _surplus(study: Study, trials: Sequence[FrozenTrial], trial: FrozenTrial) -> bool:
    """Return whether a claimed trial is one too many: the total is reached without it, or what was
    asked for by name has a trial already."""
    named: set[str] = set()
    before = 0
    for other in trials:
        if other.state not in COUNTED:
            continue
        names = set(_names(other))
        doubled = bool(names & named)
        named |= names
        if other.number == trial.number and doubled:
            return True
        if other.number != trial.number and not doubled:
            before += _precedes(other, trial)
    return CONFIRMS not in study.user_attrs and before >= total(study)


def _names(trial: FrozenTrial) -> Iterator[str]:
    """Return what a trial was asked for by: the baseline, a cell of the grid, a confirmation, the
    repetition of another."""
    for keys in ((BASELINE,), (CELL,), (CANDIDATE, SEED), (RETRY_OF,)):
        if all(key in trial.user_attrs for key in keys):
            yield json.dumps([[key, trial.user_attrs[key]] for key in keys], sort_keys=True)


def _precedes(other: FrozenTrial, trial: FrozenTrial) -> bool:
    """Return whether another trial has the older right to a place in the total."""

    def place(one: FrozenTrial) -> tuple[bool, int]:
        return not any(_names(one)), one.number

    if other.state in DONE or place(other) < place(trial):
        return True
    return other.state == TrialState.RUNNING and other.number < trial.number
