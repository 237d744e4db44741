"""What the queue needs of Optuna's inside; beside it only draws.py touches private members.

`study.ask` takes the waiting trial of the lowest number and has a sampler already. Here repetitions
go first, and a sampler is seeded by the place of the very trial that it draws for.
"""

from typing import Any

from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

Of = FrozenTrial | Trial


def storage(study: Study) -> BaseStorage:
    """Return where a study is kept."""
    return study._storage


def sqlite_file(study: Study) -> str | None:
    """Return the database file of a study; None where it is kept otherwise."""
    engine = getattr(getattr(study._storage, "_backend", None), "engine", None)
    return engine.url.database if engine is not None and engine.dialect.name == "sqlite" else None


def trial_now(study: Study, trial: Of) -> FrozenTrial:
    """Return a trial as it stands in the storage."""
    return study._storage.get_trial(trial._trial_id)


def write(study: Study, trial: Of, key: str, value: Any) -> None:
    """Store an attribute of a trial. Raises UpdateFinishedTrialError where it has ended."""
    study._storage.set_trial_user_attr(trial._trial_id, key, value)


def set_state(study: Study, trial: Of, state: TrialState) -> bool:
    """Let a waiting trial run or a trial fail; return False where another process let it run.

    Raises UpdateFinishedTrialError where it has ended.
    """
    return study._storage.set_trial_state_values(trial._trial_id, state)


def handle(study: Study, trial: FrozenTrial) -> Trial:
    """Return a running trial as what draws and reports; the study's sampler gets ready."""
    return Trial(study, trial._trial_id)
