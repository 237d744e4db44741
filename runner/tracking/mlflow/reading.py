"""A store that is only looked at: opened as it is, and neither made nor brought up to date."""

from typing import TYPE_CHECKING

from runner.addresses import local_file
from runner.errors import Mistake
from runner.passwords import hide
from runner.tracking.mlflow import database, files, store

if TYPE_CHECKING:
    from mlflow import MlflowClient


def check(uri: str) -> None:
    """Raise Mistake unless a server answers, or there is a database that may be a store."""
    file = local_file(uri)
    if file is not None and file.parent.is_dir() and not file.exists() and not file.is_symlink():
        advice = "python -m runner records, and tracking.uri=... names another place"
        raise Mistake("tracking.uri", "must be a store that is there", hide(uri), advice)
    if not uri.startswith(("http://", "https://", *files.DATABASES)):
        must = "must be a database, or a server's address such as http://host:5000"
        raise Mistake("tracking.uri", must, hide(uri))
    store.probe(uri)


def open_store(uri: str) -> "MlflowClient":
    """Return a client of a store that `check` has found.

    Raises Mistake for a database that MLflow would have to change before it can read it.
    """
    store.load()
    from mlflow import MlflowClient

    if uri.startswith("http"):
        return MlflowClient(uri)
    _check_tables(uri)
    return MlflowClient(absolute(uri))


def absolute(uri: str) -> str:
    """Return an address that means the same in every folder.

    >>> absolute("sqlite:////data/mlflow.db")
    'sqlite:////data/mlflow.db'
    """
    file = local_file(uri)
    return uri if file is None else f"sqlite:///{file}"


def _check_tables(uri: str) -> None:
    from mlflow.store.db.base_sql_model import Base
    from mlflow.store.db.utils import _get_latest_schema_revision, _get_schema_version
    from mlflow.version import VERSION
    from sqlalchemy import NullPool, create_engine

    engine = create_engine(absolute(uri), poolclass=NullPool)
    there = _get_schema_version(engine)  # type: ignore[no-untyped-call]
    here = _get_latest_schema_revision()  # type: ignore[no-untyped-call]
    if there is None:
        must = "must be a store that runs were recorded into"
        raise Mistake("tracking.uri", must, f"{hide(uri)}: it has no tables of MLflow's")
    if there != here:
        given = f"{hide(uri)}: its tables are those of another MLflow ({there}, not {here})"
        advice = f"use that one, or copy the database and run: mlflow db upgrade {hide(uri)}"
        raise Mistake("tracking.uri", f"must be a store of MLflow {VERSION}", given, advice)
    if file := local_file(uri):
        database.check_complete(file, database.tables(file), Base.metadata.tables)
