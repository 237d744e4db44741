"""The file of a local store, looked at before MLflow opens it."""

import contextlib
import sqlite3
import urllib.parse
from collections.abc import Collection
from pathlib import Path

from runner.databases import unfit
from runner.errors import Mistake

_FIRST = {"experiments", "runs", "tags", "metrics", "params"}  # of every version
_VERSION = "alembic_version"
_PATIENCE_SECONDS = 5.0  # with who writes to it


def check(file: Path) -> None:
    """Raise Mistake unless MLflow's tables are in a file, or can be made in it.

    Nothing is created, and a pipe is not waited for.
    """
    if not file.parent.is_dir():
        raise refused(file, f"there is no folder {file.parent}")
    if why := unfit(file):
        raise refused(file, why)
    if not file.exists():
        return
    found = tables(file)
    if found - _FIRST - {_VERSION} and not found & _FIRST:
        raise refused(file, "another program's database")
    if _VERSION in found:
        check_complete(file, found, _FIRST)


def make(file: Path, unfinished: Path) -> None:
    """Make MLflow's tables in a new file, which is there when all of them are: what a killed start
    leaves of them, MLflow could not go on with.

    unfinished: the file until then.
    """
    from mlflow.store.db.utils import _initialize_tables
    from sqlalchemy import create_engine

    unfinished.unlink(missing_ok=True)
    engine = create_engine(f"sqlite:///{unfinished}")
    _initialize_tables(engine)  # type: ignore[no-untyped-call]
    engine.dispose()
    unfinished.rename(file)


def check_complete(file: Path, found: Collection[str], needed: Collection[str]) -> None:
    """Raise Mistake for a database whose tables are found to lack some that are needed."""
    if lacking := sorted(set(needed) - set(found)):
        raise refused(file, f"it lacks the table {', '.join(lacking[:3])}")


def tables(file: Path) -> set[str]:
    """Return the tables of a database. Raises Mistake for a file that is none.

    What a process has left that was killed while it wrote is taken back, as by any other reader.
    """
    address = f"file:{urllib.parse.quote(str(file))}?mode=rw"
    try:
        with contextlib.closing(
            sqlite3.connect(address, _PATIENCE_SECONDS, uri=True)
        ) as connection:
            asked = "SELECT name FROM sqlite_master WHERE type = 'table'"
            return {name for (name,) in connection.execute(asked) if not name.startswith("sqlite_")}
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            raise refused(file, "another program is writing to it", "try again") from error
        raise refused(file, str(error)) from error


def refused(file: Path, why: str, advice: str = "") -> Mistake:
    """Return the mistake to report for a file that is no store."""
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    given = f"sqlite:///{shown}: {why}"
    advice = advice or "choose another file or move this one away"
    return Mistake("tracking.uri", "must be a store that takes runs", given, advice)
