"""Databases: what may be one, and what several processes do to one after the other."""

import contextlib
import functools
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from runner import private
from runner.errors import Mistake, one_line

if TYPE_CHECKING:
    from sqlalchemy import Engine

_KEY = 0x72756E6E6572  # "runner": what other programs lock is numbered otherwise
_PATIENCE_SECONDS = 60.0


def unfit(file: Path) -> str:
    """Return why a file can be no database, "" where it may be one or become one. It is not opened:
    a pipe would be waited for."""
    if file.is_file():
        return ""
    if file.is_dir():
        return "it is a folder"
    if file.exists():
        return "it is no regular file"
    return "it is a link that leads nowhere" if file.is_symlink() else ""


@contextlib.contextmanager
def creating(lock: Path) -> Iterator[None]:
    """Keep other processes from creating the same at once; it may be nested. Where something is
    refused before anything was created, nothing is left.

    lock: a file of `.runner`.
    """
    is_first = not lock.parent.exists()
    try:
        private.folder(lock.parent)
    except OSError as error:
        must = "must be a folder that can be written"
        raise Mistake(str(lock.parent), must, one_line(error)) from None
    try:
        with locked(_lock(lock.absolute(), os.getpid())):
            yield
    except BaseException:
        if is_first:
            lock.unlink(missing_ok=True)
            with suppress(OSError):
                lock.parent.rmdir()
        raise


@contextlib.contextmanager
def locked(lock: FileLock) -> Iterator[None]:
    """Hold a lock. Raises Mistake where its file can be none, or another process never ends."""
    try:
        lock.acquire()
    except OSError as error:
        raise Mistake(
            lock.lock_file, "must be a file that can be locked", one_line(error)
        ) from None
    try:
        yield
    finally:
        lock.release()


@functools.cache
def _lock(file: Path, process: int) -> FileLock:
    """Return the lock of a process: what it has forked from holds another."""
    return FileLock(file, timeout=_PATIENCE_SECONDS)


@contextlib.contextmanager
def alone(engine: "Engine", number: int) -> Iterator[None]:
    """Keep other processes, on any machine, from the same part of a PostgreSQL; other databases are
    let be. Who dies lets go.

    number: of the part, below 2**31.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    from sqlalchemy import text

    with engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_KEY % 2**31}, {number})"))
        yield


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
