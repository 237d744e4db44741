"""Where studies are kept: a SQLite file, any database, or a journal file."""

import contextlib
import functools
import logging
import os
import re
import socket
import sqlite3
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.study import Study
from sqlalchemy import event

from runner.addresses import host_port, refuse_password
from runner.databases import making_tables, unfit
from runner.errors import Mistake, one_line
from runner.passwords import hide
from runner.results.definition import Definition
from runner.study.queue import tables
from runner.study.queue.attributes import DEFINITION
from runner.study.queue.database import Database, Trials
from runner.study.queue.locks import creating

ANSWER_SECONDS = 4  # at the start; to reach a database and to open it may take as long each
BUSY_SECONDS = 10  # that one access may wait for another one's end
JOURNAL_LOCK_SECONDS = 10  # after which the lock of a killed process is broken
PATIENCE_SECONDS = 60.0  # for a storage that was there and went away
_PAUSE_SECONDS = 0.5
_RECORD = b'{"op_code":'  # as each begins
_BROKEN = re.compile("no such (table|column)|malformed")  # which no waiting mends
_NO_FILE = (":", "/", ":memory:")


def open_storage(address: str) -> BaseStorage:
    """Return a storage; its tables are made where they are missing.

    address: "sqlite:///FILE", a database address, or "journal:FILE", also "journal:///FILE".
    Raises Mistake for one that cannot be read, does not answer or is locked.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for name in ("alembic", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    refuse_password(address, "study.storage")
    is_file = address.startswith(("journal:", "sqlite:///")) and not address.endswith(_NO_FILE)
    if not is_file and ("://" not in address or address.startswith("sqlite")):
        must = "must be sqlite:///FILE, journal:FILE or a database address"
        raise Mistake("study.storage", must, f"'{address}'")
    try:
        if address.startswith("journal:"):
            is_url = address.startswith("journal:///")
            file = str(_local(address, "journal:///" if is_url else "journal:"))
            lock = JournalFileSymlinkLock(file, grace_period=JOURNAL_LOCK_SECONDS)
            _drop_torn(Path(file), lock)
            journal = JournalStorage(JournalFileBackend(file, lock))  # which reads it
            if Path(file).exists() and Path(file).read_text()[:1] not in ("", "{"):
                raise ValueError("it holds something else")
            return journal
        _answers(address)
        engine = _engine(address)
        with creating(), making_tables(address, connect_timeout=ANSWER_SECONDS):
            tables.check(address, engine.get("connect_args", {}))
            storage = Database(address, engine_kwargs=engine)
            if address.startswith("sqlite"):
                _write_ahead(storage)
        shared = patient(Trials(storage))
        weakref.finalize(shared, storage.engine.dispose)
        return shared
    except Mistake:
        raise
    except Exception as error:
        reason = one_line(error.__cause__ or error)[:300]
        must = f"must be a database that takes studies and answers within {2 * ANSWER_SECONDS} s"
        if address.startswith("journal:"):
            must = "must be a journal file that can be read and written"
        raise Mistake("study.storage", must, f"{hide(address)}: {reason}") from error


def is_shared(address: str) -> bool:
    """Return whether others than this user may write a storage."""
    name = address.removeprefix("journal:").removeprefix("sqlite:").removeprefix("///")
    if "://" in name:
        return True
    found = Path(name).stat()
    return found.st_uid != os.getuid() or bool(found.st_mode & 0o022)


def make(storage: BaseStorage, name: str, definition: Definition) -> Study:
    """Return a study of the storage, made where there is none."""
    directions: list[Any] = [goal.direction for goal in definition.goals]
    study = optuna.create_study(
        storage=storage, study_name=name, directions=directions, load_if_exists=True
    )
    study.set_user_attr(DEFINITION, definition.as_json())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        study.set_metric_names([goal.metric for goal in definition.goals])
    return study


@contextlib.contextmanager
def told(address: str) -> Iterator[None]:
    """Let a storage that fails in the middle of a study be one line."""
    try:
        yield
    except (StorageInternalError, JSONDecodeError) as error:
        reason = one_line(error.__cause__ or error)[:300]
        must = "must be a database that is whole and stays there"
        raise Mistake("study.storage", must, f"{hide(address)}: {reason}") from error


def patient(storage: BaseStorage) -> BaseStorage:
    """Let each access to a storage be tried again while it is away for a moment.

    A loop instead of tenacity, which would be a dependency more for ten lines; SQLAlchemy's events
    hear of an error, but cannot ask again.
    """
    for name in dir(type(storage)):
        if not name.startswith("_") and name != "check_trial_is_updatable":
            setattr(storage, name, _retried(getattr(storage, name)))
    return storage


def _retried(access: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(access)
    def again(*arguments: Any, **named: Any) -> Any:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return access(*arguments, **named)
            except StorageInternalError as error:
                is_broken = _BROKEN.search(str(error.__cause__))
                if is_broken or time.monotonic() > until:
                    raise
            time.sleep(_PAUSE_SECONDS)

    return again


def _engine(address: str) -> dict[str, Any]:
    if address.startswith("sqlite"):
        return {"connect_args": {"timeout": BUSY_SECONDS}}
    if address.startswith("postgresql"):
        return {"connect_args": {"connect_timeout": ANSWER_SECONDS}, "pool_pre_ping": True}
    return {}


def _write_ahead(storage: Any) -> None:
    """Let readers and a writer work at the same time, and write without a wait for the disk.

    Workers read all trials before each claim: of four on one file, a write-ahead log saves a
    quarter of the time, and nobody meets "database is locked".
    """

    @event.listens_for(storage.engine, "connect")
    def _set(connection: Any, record: Any) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")

    storage.engine.dispose()


def _answers(address: str) -> None:
    """Raise unless a database can be reached and written."""
    if address.startswith("sqlite:///"):
        file = _local(address, "sqlite:///")
        if file.exists():
            connection = sqlite3.connect(file, timeout=ANSWER_SECONDS, isolation_level=None)
            with contextlib.closing(connection):
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        return
    where = host_port(address)
    if where is not None:
        socket.create_connection(where, timeout=ANSWER_SECONDS).close()


def _drop_torn(file: Path, lock: JournalFileSymlinkLock) -> None:
    """Take away a journal's last record where its writer was killed in the middle of it: what is
    written behind it could not be read."""
    if not file.exists() or _torn(file) is None:
        return
    lock.acquire()
    try:
        if (whole := _torn(file)) is not None:
            os.truncate(file, whole)
    finally:
        lock.release()


def _torn(file: Path) -> int | None:
    """Return how many bytes are whole, None where all of a journal, or of another file, are."""
    content = file.read_bytes()
    whole = content.rfind(b"\n") + 1
    tail = content[whole:]
    is_journal = all(part.startswith(_RECORD[: len(part)]) for part in (content, tail))
    return whole if tail and is_journal else None


def _local(address: str, prefix: str) -> Path:
    file = Path(address.removeprefix(prefix)).absolute()
    if not file.parent.is_dir():
        raise Mistake("study.storage", "must lie in a folder that exists", f"'{address}'")
    if why := unfit(file):
        raise Mistake("study.storage", "must be a database or a journal", f"'{address}': {why}")
    return file
