"""Locks between the processes of a study."""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock
from optuna.study import Study

from runner.study.queue import private

PATIENCE_SECONDS = 60.0
LOCK = Path(".runner") / "optuna.lock"


@contextlib.contextmanager
def creating() -> Iterator[None]:
    """Keep other processes of this folder from creating the same at once; it may be nested. Where
    nothing is created, nothing is left.

    Of four processes that open an empty database at once, all fail on SQLite, some on PostgreSQL.
    """
    is_first = not LOCK.parent.exists()
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _lock(LOCK.absolute()):
            yield
    except BaseException:
        if is_first:
            LOCK.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                LOCK.parent.rmdir()
        raise


@functools.cache
def _lock(file: Path) -> FileLock:
    return FileLock(file, timeout=PATIENCE_SECONDS)


@contextlib.contextmanager
def exclusive(study: Study) -> Iterator[bool]:
    """Keep other processes from claiming and ending trials meanwhile, where the database does not.

    Optuna reads a trial's state with SELECT ... FOR UPDATE and then writes it. SQLite knows no FOR
    UPDATE: two processes read that a trial waits, and both take it. So there is a lock file beside
    it; PostgreSQL and the journal decide by themselves. Yields whether there is one.
    """
    file = private.sqlite_file(study)
    if file is None:
        yield False
        return
    with FileLock(f"{file}.lock"):
        yield True
