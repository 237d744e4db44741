"""Locks between the processes of a study."""

import contextlib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

if TYPE_CHECKING:
    from optuna.study import Study

PATIENCE_SECONDS = 60.0
LOCK = Path(".runner") / "optuna.lock"


@contextlib.contextmanager
def creating() -> Iterator[None]:
    """Keep other processes of this folder from creating the same at once; it may be nested. Where
    nothing is created, nothing is left."""
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
def alone(study: "Study") -> Iterator[bool]:
    """Keep other processes from claiming and ending trials meanwhile, where the database does not:
    SQLite lets two read that a trial waits and both take it. Yields whether it does keep them."""
    engine = getattr(getattr(study._storage, "_backend", None), "engine", None)
    if engine is None or engine.dialect.name != "sqlite":
        yield False
        return
    with FileLock(f"{engine.url.database}.lock"):
        yield True
