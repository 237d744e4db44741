"""The trials of a study as a queue: made as waiting trials, and queued again when they are lost.

A study's total is made as waiting trials, some ahead of the workers, each of which one worker
claims. Starts at the same moment may make more of them; whoever claims one too many drops it.
A grid's cells are queued alike: Optuna's GridSampler draws an unvisited cell at random, so that
two workers may draw the same, and it knows no keys that exist under a condition.
"""

from collections.abc import Iterable
from contextlib import suppress

from optuna.exceptions import UpdateFinishedTrialError
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner.study.queue import attributes, private
from runner.study.queue.attributes import COUNTED, GONE, KILLS, LEFT_OVER, LOST, RETRY_OF, is_lost
from runner.study.queue.heartbeat import Watch
from runner.study.queue.locks import creating, exclusive

AHEAD = 3  # trials that wait: each look at the storage reads those that have not ended
MOST_KILLS = 3  # workers that a trial may take with it before it counts as crashed


@creating()
def fill(study: Study) -> int:
    """Make waiting trials of those that the total lacks, a few ahead; return how many.

    First those whose worker ended in the very moment of queueing them again.
    """
    trials = study.get_trials(deepcopy=False)
    repeated = {trial.user_attrs.get(RETRY_OF) for trial in trials}
    missing = attributes.definition(study).trials - sum(trial.state in COUNTED for trial in trials)
    dropped = [t for t in trials if is_lost(t) and t.user_attrs[LOST] != LEFT_OVER]
    forgotten = [t for t in dropped if t.number not in repeated][: max(missing, 0)]
    for trial in forgotten:
        _repeat(study, trial, killed=trial.user_attrs[LOST] == GONE)
    waiting = sum(trial.state == TrialState.WAITING for trial in trials)
    more = min(missing - len(forgotten), AHEAD - waiting - len(forgotten))
    for _ in range(more):
        study.enqueue_trial({})
    return len(forgotten) + max(more, 0)


def left(study: Study) -> tuple[int, int]:
    """Return how many trials wait and how many run."""
    trials = study.get_trials(deepcopy=False, states=(TrialState.WAITING, TrialState.RUNNING))
    waiting = sum(trial.state == TrialState.WAITING for trial in trials)
    return waiting, len(trials) - waiting


def drop(study: Study, trial: private.Of, reason: str) -> bool:
    """End a trial as lost; return False where it has ended already."""
    with suppress(UpdateFinishedTrialError), exclusive(study):
        private.write(study, trial, LOST, reason)
        return private.set_state(study, trial, TrialState.FAIL)
    return False


def requeue(study: Study, trial: private.Of, reason: str, *, killed: bool = False) -> bool:
    """End a trial that was not finished and queue its parameters again.

    Return False where another process has done so, or the trial has ended after all.
    """
    if not drop(study, trial, reason):
        return False
    _repeat(study, private.trial_now(study, trial), killed=killed)
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
            with suppress(UpdateFinishedTrialError), exclusive(study):
                private.write(study, trial, attributes.OUTCOME, {"failed": True, "reason": reason})
                private.set_state(study, trial, TrialState.FAIL)
        elif requeue(study, trial, GONE, killed=True):
            numbers.append(trial.number)
    return numbers


def crashed(trials: Iterable[FrozenTrial]) -> list[FrozenTrial]:
    """Return those of some trials that crashed."""
    failed = [trial for trial in trials if trial.state == TrialState.FAIL]
    return [trial for trial in failed if "failed" in attributes.outcome(trial)]


def crashes(study: Study) -> int:
    """Return how many trials crashed, over all starts."""
    return len(crashed(study.get_trials(deepcopy=False)))


def _repeat(study: Study, trial: FrozenTrial, *, killed: bool) -> None:
    """Make a waiting trial with what was given to another and what it drew already."""
    of_one = attributes.OF_ONE_ATTEMPT
    attrs = {key: value for key, value in trial.user_attrs.items() if key not in of_one}
    attrs[RETRY_OF] = trial.number
    if killed:
        attrs[KILLS] = attrs.get(KILLS, 0) + 1
    params = {**trial.system_attrs.get("fixed_params", {}), **trial.params}
    study.enqueue_trial(params, user_attrs=attrs)
