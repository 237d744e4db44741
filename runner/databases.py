"""What several processes do to a database one after the other, wherever they run."""

import contextlib
import functools
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from runner import private

_KEY = 0x72756E6E6572  # "runner": what other programs lock is numbered otherwise
_PATIENCE_SECONDS = 60.0


@contextlib.contextmanager
def creating(lock: Path) -> Iterator[None]:
    """Keep other processes from creating the same at once; it may be nested. Where something is
    refused before anything was created, nothing is left.

    lock: a file of `.runner`.
    """
    is_first = not lock.parent.exists()
    private.folder(lock.parent)
    try:
        with _lock(lock.absolute()):
            yield
    except BaseException:
        if is_first:
            lock.unlink(missing_ok=True)
            with suppress(OSError):
                lock.parent.rmdir()
        raise


@functools.cache
def _lock(file: Path) -> FileLock:
    return FileLock(file, timeout=_PATIENCE_SECONDS)


@contextlib.contextmanager
def making_tables(address: str, **connecting: object) -> Iterator[None]:
    """Keep other processes from making tables in a PostgreSQL at once, whose CREATE TABLE IF NOT
    EXISTS fails where two of them make the same; other databases are let be.

    connecting: what a connection is made with.
    """
    if not address.startswith("postgresql"):
        yield
        return
    from sqlalchemy import NullPool, create_engine, text

    engine = create_engine(address, poolclass=NullPool, connect_args=connecting)
    with engine.connect() as connection:
        connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE_SECONDS:g}s'"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_KEY})"))
        yield
