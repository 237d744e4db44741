"""Trials that would train the very same as another: they take over its value."""

import time
from collections.abc import Callable

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from runner.study.queue import attributes
from runner.study.queue.attributes import DONE, IDENTITY
from runner.study.queue.claim import Claim
from runner.study.queue.locks import exclusive

POLL_SECONDS = 0.25


def copy(claim: Claim, digest: str, should_stop: Callable[[], bool]) -> bool:
    """End a trial with the value of one that is the same; return False where it is to be trained.

    One that still trains is waited for. Of two that come at the same moment, where nothing keeps
    them apart, the later number waits.

    digest: of what the trial trains.
    """
    is_stored = False
    while not should_stop():
        with exclusive(claim.study) as is_exclusive:
            other = same(claim.study, digest, before=claim.number if is_stored else None)
            if other is None and not is_stored:
                claim.store(IDENTITY, digest)
                is_stored = True
                if not is_exclusive:
                    continue
        if other is None:
            return False
        if other.state in DONE:
            _take_over(claim, other)
            return True
        time.sleep(POLL_SECONDS)
    return False


def same(study: Study, digest: str, before: int | None) -> FrozenTrial | None:
    """Return a trial that has trained the same, or that trains it; of the latter only one in front
    of a number."""
    for other in study.get_trials(deepcopy=False, states=(*DONE, TrialState.RUNNING)):
        is_same = other.user_attrs.get(IDENTITY) == digest and not attributes.is_copy(other)
        is_later = before is not None and other.number >= before
        if is_same and (other.state in DONE or not is_later):
            return other
    return None


def _take_over(claim: Claim, other: FrozenTrial) -> None:
    for step, value in other.intermediate_values.items():
        claim.report(step, value)
    outcome = {**attributes.outcome(other), "copy_of": other.number, "seconds": 0.0, "run_ids": []}
    claim.end(outcome, other.values if other.state == TrialState.COMPLETE else None, other.state)
