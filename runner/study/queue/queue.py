"""The trials of a study as a queue: made as waiting trials, and queued again when they are lost.

A study's total is made as waiting trials, some ahead of the workers, each of which one worker
claims. Starts at the same moment may make more of them; whoever claims one too many drops it.
A grid's cells are queued alike: Optuna's GridSampler draws an unvisited cell at random, so that
two workers may draw the same, and it knows no keys that exist under a condition.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner.errors import Mistake
from runner.study.queue import attributes, locks
from runner.study.queue.attributes import (
    COUNTED,
    DONE,
    GONE,
    KILLS,
    LEFT_OVER,
    LOST,
    OUTCOME,
    RETRY_OF,
)
from runner.study.queue.heartbeat import Watch

AHEAD = 3  # trials that wait: each look at the storage reads those that have not ended
RUNNING_A_WAITING = 25  # of many workers: trials that run for each that waits
_MARKS = {keys[0] for keys in attributes.QUEUED_AS}
MOST_KILLS = 3  # workers that a trial may take with it before it counts as crashed


def add(
    study: Study,
    wanted: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]],
    total: int | None = None,
) -> None:
    """Make waiting trials of those that were never queued, at most until a total is reached.

    wanted: of each its parameters and attributes.
    """
    found = attributes.current(study.get_trials(deepcopy=False))
    known = [trial for trial in found if trial.state in COUNTED]
    there = {name for trial in known for name in _names(trial.user_attrs)}
    lacking = [one for one in wanted if there.isdisjoint(_names(one[1]))]
    most = None if total is None else max(total - len(known), 0)
    for params, attrs in lacking[:most]:
        study.enqueue_trial(dict(params), user_attrs=dict(attrs))


@locks.creating()
def promote(study: Study, numbers: Iterable[int]) -> None:
    """Queue a trial for each of some pruned ones that goes on to the end in its place, unless there
    is one."""
    trials = {trial.number: trial for trial in study.get_trials(deepcopy=False)}
    there = attributes.replaced(trials.values())
    for number in dict.fromkeys(numbers):
        if number not in there:
            _again(study, trials[number], {attributes.PROMOTED: number})


def check_promoted(study: Study | None, name: str, numbers: Iterable[int]) -> None:
    """Raise Mistake for what is no pruned trial of a study; None: it is still to be made."""
    found = study.get_trials(deepcopy=False) if study else []
    states = {trial.number: trial.state.name.lower() for trial in found}
    for number in numbers:
        state = states.get(number, "not there")
        if state != "pruned":
            must = f"must list trials of {name} that were pruned"
            raise Mistake("study.promote", must, f"{number}, which is {state}")


@locks.creating()
def fill(study: Study, *, new: bool = True) -> int:
    """Make waiting trials of those that the total lacks, a few ahead; return how many.

    First those whose worker ended in the very moment of queueing them again; without `new` no
    others.
    """
    waiting, running = left(study)
    ahead = max(AHEAD, attributes.definition(study).batch, running // RUNNING_A_WAITING)
    if new and waiting >= ahead:  # another one has filled it meanwhile
        return 0
    trials = study.get_trials(deepcopy=False)
    repeated = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    counted = sum(trial.state in COUNTED for trial in attributes.current(trials))
    missing = attributes.definition(study).trials - counted
    dropped = [trial for trial in attributes.lost(trials) if trial.user_attrs[LOST] != LEFT_OVER]
    forgotten = [trial for trial in dropped if trial.number not in repeated]
    if new:
        forgotten = forgotten[: max(missing, 0)]
    for trial in forgotten:
        _repeat(study, trial, killed=trial.user_attrs[LOST] == GONE)
    waiting = sum(trial.state == TrialState.WAITING for trial in trials)
    more = min(missing - len(forgotten), ahead - waiting - len(forgotten)) if new else 0
    for _ in range(more):
        study.enqueue_trial({})
    return len(forgotten) + max(more, 0)


def left(study: Study) -> tuple[int, int]:
    """Return how many trials wait and how many run."""
    waiting, running = locks.count(study, TrialState.WAITING, TrialState.RUNNING)
    return waiting, running


def is_surplus(study: Study, trials: Sequence[FrozenTrial], number: int) -> bool:
    """Return whether a claimed trial is one too many: the total is reached without it, or what it
    was queued as has a trial already."""
    (own,) = (trial for trial in trials if trial.number == number)
    is_named = bool(_names(own.user_attrs))
    named: set[str] = set()
    before = 0
    for other in attributes.current(trials):
        if other.state not in COUNTED:
            continue
        names = _names(other.user_attrs)
        is_double = bool(names & named)
        named |= names
        if other.number == number and is_double:
            return True
        if other.number != number and not is_double:
            before += _precedes(other, bool(names), own, is_named)
    total = attributes.definition(study).trials
    return attributes.CONFIRMS not in study.user_attrs and before >= total


def requeue(study: Study, trial: locks.Of, reason: str, *, killed: bool = False) -> bool:
    """End a trial that was not finished and queue its parameters again.

    Return False where another process has done so, or the trial has ended after all.
    """
    if not locks.fail(study, trial, LOST, reason):
        return False
    _repeat(study, locks.trial_now(study, trial), killed=killed)
    return True


def requeue_lost(study: Study, watch: Watch) -> list[int]:
    """Queue what is lost again; return the numbers of these trials.

    A trial that took several workers with it counts as crashed: it would take all others, too.
    Optuna's RetryHeartbeatStaleTrialCallback hangs on its heartbeat; it would keep what the lost
    attempt has stored, and two processes that notice at once would both repeat the trial.
    """
    numbers = []
    for trial in watch.lost(study):
        if trial.user_attrs.get(KILLS, 0) + 1 >= MOST_KILLS:
            reason = f"its worker was killed {MOST_KILLS} times"
            locks.fail(study, trial, OUTCOME, {"failed": True, "reason": reason})
        elif requeue(study, trial, GONE, killed=True):
            numbers.append(trial.number)
    return numbers


def crashes(study: Study) -> int:
    """Return how many trials crashed, over all starts."""
    return len(attributes.crashed(study.get_trials(deepcopy=False)))


def has_failed(study: Study) -> bool:
    """Return whether more trials crashed since the last start than a study bears: none is begun any
    more."""
    forgiven = study.user_attrs.get(attributes.EARLIER_CRASHES, 0)
    return bool(crashes(study) - forgiven > attributes.definition(study).max_failures)


def _names(attrs: Mapping[str, Any]) -> set[str]:
    """Return as what a trial was queued: there is one baseline, one trial of each cell of a grid
    and of each candidate with each seed, and one repetition of a lost trial."""
    if attrs.keys().isdisjoint(_MARKS):
        return set()
    return {
        json.dumps([[key, attrs[key]] for key in keys], sort_keys=True)
        for keys in attributes.QUEUED_AS
        if all(key in attrs for key in keys)
    }


def _precedes(other: FrozenTrial, other_is_named: bool, trial: FrozenTrial, is_named: bool) -> bool:
    """Return whether another trial has the older right to a place in the total.

    is_named: whether it was queued as something of which there is one.
    """
    place, other_place = (not is_named, trial.number), (not other_is_named, other.number)
    if other.state in DONE or other_place < place:
        return True
    return other.state == TrialState.RUNNING and other.number < trial.number


def _repeat(study: Study, trial: FrozenTrial, *, killed: bool) -> None:
    """Make a waiting trial in the place of one that was lost."""
    more = {RETRY_OF: trial.number}
    if killed:
        more[KILLS] = trial.user_attrs.get(KILLS, 0) + 1
    _again(study, trial, more)


def _again(study: Study, trial: FrozenTrial, more: Mapping[str, Any]) -> None:
    """Make a waiting trial with what was given to another and what it drew already."""
    of_one = attributes.OF_ONE_ATTEMPT
    attrs = {key: value for key, value in trial.user_attrs.items() if key not in of_one}
    params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    study.enqueue_trial(params, user_attrs={**attrs, **more})
