"""What one process does at a time: create a study, claim a trial, end it.

What is needed for it of Optuna's inside is here; beside it only draws.py, database.py,
trial_rows.py and tables.py know any.

`study.ask` takes the waiting trial of the lowest number and has a sampler already. Here repetitions
go first, and a sampler is seeded by the place of the very trial that it draws for.
"""

import contextlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from runner import databases
from runner.study.queue.database import Trials

LOCK = Path(".runner") / "optuna.lock"
Of = FrozenTrial | Trial


@contextlib.contextmanager
def creating() -> Iterator[None]:
    """Keep other processes of this folder from creating the same at once; it may be nested.

    Of four processes that open an empty database at once, all fail on SQLite, some on PostgreSQL.
    """
    with databases.creating(LOCK):
        yield


@contextlib.contextmanager
def exclusive(study: Study) -> Iterator[bool]:
    """Keep other processes from claiming and ending trials meanwhile, where the database does not.

    Optuna reads a trial's state with SELECT ... FOR UPDATE and then writes it. SQLite knows no FOR
    UPDATE: two processes read that a trial waits, and both take it. So there is a lock file beside
    it; PostgreSQL and the journal decide by themselves. Yields whether there is one.
    """
    engine = getattr(getattr(study._storage, "_backend", None), "engine", None)
    if engine is None or engine.dialect.name != "sqlite":
        yield False
        return
    with databases.locked(FileLock(f"{engine.url.database}.lock")):
        yield True


@contextlib.contextmanager
def deciding(study: Study, digest: str) -> Iterator[bool]:
    """Keep other processes from deciding meanwhile which trial of a digest is trained; a journal
    cannot. Yields whether they are kept."""
    held = study._storage.hold(digest) if isinstance(study._storage, Trials) else None
    if held is None:
        with exclusive(study) as is_exclusive:
            yield is_exclusive
        return
    with held:
        yield True


@contextlib.contextmanager
def answering(study: Study) -> Iterator[None]:
    """Keep all others that share the storage, on any machine, from answering a study meanwhile.

    PostgreSQL keeps them apart; beside a file there is a lock file. Of another database two may
    answer at the same moment: the later answer takes the place of the other.
    """
    backend = getattr(study._storage, "_backend", study._storage)
    engine = getattr(backend, "engine", None)
    file = getattr(backend, "_file_path", None)
    if engine is not None and engine.dialect.name == "sqlite":
        file = engine.url.database
    if file is not None:
        with databases.locked(FileLock(f"{file}.answer.lock")):
            yield
    elif engine is not None:
        with databases.alone(engine, study._study_id):
            yield
    else:
        yield


def storage(study: Study) -> BaseStorage:
    """Return where a study is kept."""
    return study._storage


def trial_now(study: Study, trial: Of) -> FrozenTrial:
    """Return a trial as it stands in the storage."""
    return study._storage.get_trial(trial._trial_id)


def count(study: Study, *states: TrialState) -> list[int]:
    """Return how many trials of a study are in each of some states, at one moment."""
    if isinstance(study._storage, Trials):
        return study._storage.count(study._study_id, *states)
    found = [trial.state for trial in study.get_trials(deepcopy=False, states=states)]
    return [found.count(state) for state in states]


def with_attribute(study: Study, key: str, value: Any) -> list[FrozenTrial]:
    """Return the trials of a study that have a user attribute of a value."""
    if isinstance(study._storage, Trials):
        return study._storage.with_attribute(study._study_id, key, value)
    found = study.get_trials(deepcopy=False)
    return [trial for trial in found if trial.user_attrs.get(key) == value]


def write(study: Study, trial: Of, key: str, value: Any) -> None:
    """Store an attribute of a trial. Raises UpdateFinishedTrialError where it has ended."""
    study._storage.set_trial_user_attr(trial._trial_id, key, value)


def run(study: Study, trial: FrozenTrial) -> bool:
    """Let a waiting trial run; return False where another process has it or it has ended."""
    with suppress(UpdateFinishedTrialError):
        return study._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
    return False


def handle(study: Study, trial: FrozenTrial) -> Trial:
    """Return a running trial as what draws and reports; the study's sampler gets ready."""
    return Trial(study, trial._trial_id)


def fail(study: Study, trial: Of, key: str, value: Any) -> bool:
    """End a trial as failed, with an attribute that says why; return False where it has ended."""
    with suppress(UpdateFinishedTrialError), exclusive(study):
        write(study, trial, key, value)
        return study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    return False
