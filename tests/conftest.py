"""A fresh working folder for each test, and the command line in this very process."""

import copy
import functools
import importlib
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is there: small things run faster

import numpy as np
import pytest

from runner.config import composer
from runner.helper.client import client

HELPED = 150  # tests that share a helper
_folders = itertools.count(1)
collect_ignore_glob = ["*/kills.py"]  # programs that tests start


def _composed_once() -> Callable[..., Any]:
    """Hydra composes the same words of `conf/` once, which takes a tenth of a second."""
    compose, kept = composer.compose, functools.lru_cache(maxsize=500)(composer.compose)

    def composed(words: Sequence[str], config_dir: str | None = None) -> Any:
        own = config_dir or any("searchpath" in text for text in words)
        return compose(words, config_dir) if own else copy.deepcopy(kept(tuple(words)))

    return composed


composer.compose = _composed_once()  # before a test module takes it by name


@dataclass(frozen=True)
class Outcome:
    """What a command did."""

    status: int
    out: str
    err: str


class Store:
    """Reads back what is in a folder's MLflow database."""

    def __init__(self, folder: Path) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        self._copies = folder.resolve().parent / "copies"

    def experiments(self) -> list[str]:
        """The names of all experiments but MLflow's own."""
        found = self.client.search_experiments()
        return [e.name for e in found if e.name != "Default"]

    def runs(self) -> list[Any]:
        """All runs, in the order in which they began."""
        ids = [e.experiment_id for e in self.client.search_experiments()]
        return self.client.search_runs(ids, order_by=["attributes.start_time ASC"])

    @staticmethod
    def label(run: Any) -> str:
        """The name of a run, a trial's without its values."""
        return re.sub(r"^(trial \d+) .*?( seed \d+)?$", r"\1\2", run.info.run_name)

    def history(self, run: Any, key: str) -> dict[int, float]:
        """A metric's value by step, as it was logged."""
        points = self.client.get_metric_history(run.info.run_id, key)
        return {p.step: p.value for p in sorted(points, key=lambda p: p.step)}

    def file(self, run: Any, name: str) -> Path:
        """A local copy of an artifact."""
        copies = self._copies / run.info.run_id
        copies.mkdir(parents=True, exist_ok=True)
        return Path(self.client.download_artifacts(run.info.run_id, name, str(copies)))

    def records(self, run: Any) -> dict[str, np.ndarray]:
        """The arrays of records.npz."""
        with np.load(self.file(run, "records.npz")) as arrays:
            return dict(arrays)


@pytest.fixture(scope="session")
def _mlflow() -> None:
    """MLflow as a whole, before the thread of a run that ends early leaves a part of it."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    importlib.import_module("mlflow.store.tracking.sqlalchemy_store")


@pytest.fixture(scope="session")
def empty_store(_mlflow: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables and nothing in them, which takes seconds to make."""
    from mlflow import MlflowClient

    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{file}")
    _forget_databases()
    return file


@pytest.fixture
def folder(_mlflow: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, and an environment that says nothing of MLflow."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("MLFLOW_"):
            del os.environ[name]
    from runner.build import compiling, data, rehearsal, state

    for one in (compiling, data, rehearsal, state):
        one.forget()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    yield work
    _end_launched()
    _forget_databases()
    if next(_folders) % HELPED == 0:
        client.end()  # it keeps every database open
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def no_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    """Does in this process what the helper would do, for tests that change what that is."""
    from runner import helper
    from runner.helper.client import Client
    from runner.tracking.mlflow import MLflow

    monkeypatch.setattr(MLflow, "is_apart", False)
    monkeypatch.setattr("runner.helper.aside.client", Client())
    monkeypatch.setattr(helper, "do", lambda function, *given: function(*given))


@pytest.fixture(scope="session")
def read_back() -> type[Store]:
    """Opens the database of a folder, which a command has made."""
    return Store


@pytest.fixture
def forget_databases() -> Callable[[], None]:
    """Closes the databases that MLflow keeps open, as the next process finds them."""
    return _forget_databases


@pytest.fixture
def store(folder: Path, empty_store: Path) -> Store:
    """The working folder's MLflow database, ready for the runs of a test."""
    shutil.copy(empty_store, folder / "mlflow.db")
    return Store(folder)


@pytest.fixture
def command(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Outcome]:
    """Runs the words behind `python -m runner` in this process, the jobs of a grid, too."""
    from runner.__main__ import main
    from runner.sweep import sweep

    monkeypatch.setattr(sweep, "room", lambda jobs: 1)

    def run(line: str) -> Outcome:
        capsys.readouterr()
        status = main(shlex.split(line))
        return Outcome(status, *capsys.readouterr())

    return run


@pytest.fixture
def module(folder: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Starts `python -m NAME` with words as a person does, in a process of its own."""
    started: list[subprocess.Popen[str]] = []

    def start(name: str, *words: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", name, *words],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def shell(module: Callable[..., "subprocess.Popen[str]"]) -> Callable[[str], Any]:
    """Starts `python -m runner` with a line."""
    return lambda line: module("runner", *shlex.split(line))


@pytest.fixture(scope="session")
def settings() -> Callable[[str], Any]:
    """Reads the settings of a command line, as the runner does."""
    from runner.config.command_line import word
    from runner.config.shorthand import written_out

    kept = composer.Composer()

    def read(line: str) -> Any:
        return kept.settings([word(written_out(text)) for text in shlex.split(line)])

    return read


@pytest.fixture
def job(folder: Path, settings: Callable[[str], Any]) -> Callable[[str], Any]:
    """Builds what a command line starts with, without running it."""
    from runner.build.setup import build

    return lambda line: build(settings(line))


def _end_launched() -> None:
    """End joblib's processes, which stand ready in this test's folder, with its environment."""
    loky = sys.modules.get("joblib.externals.loky.reusable_executor")
    if loky is not None and loky._executor is not None:
        loky._executor.shutdown(wait=True, kill_workers=True)


def _forget_databases() -> None:
    """Close the databases that MLflow keeps open."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from mlflow.tracking._tracking_service import utils

    for engine in SqlAlchemyStore._engine_map.values():
        engine.dispose()
    SqlAlchemyStore._engine_map.clear()
    type(utils._tracking_store_registry)._get_store_with_resolved_uri.cache_clear()
