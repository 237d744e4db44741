"""A pool's processes: what they are started with, and what becomes of them."""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.interrupts import Interrupts
from runner.study.work import pool
from runner.study.work.worker import work_apart

WORKER = """\
import json, os, sys, time
from pathlib import Path

def work(word, *more):
    said = {"omp": os.environ["OMP_NUM_THREADS"], "words": [word, *more], "pid": os.getpid()}
    said |= {"session": os.getsid(0), "folder": os.getcwd()}
    Path(f"{word}-{os.getpid()}.json").write_text(json.dumps(said))
    if word == "dies" and len(list(Path().glob("dies-*.json"))) < 3:
        os.kill(os.getpid(), 9)
    if word == "fails" and len(list(Path().glob("fails-*.json"))) < 3:
        return 1
    while word == "waits" and not os.path.exists(os.environ["RUNNER_STOP_FILE"]):
        time.sleep(0.01)
    return 0
"""


@pytest.fixture
def worker(own_module: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that writes down what it was started with."""
    own_module("own_worker", WORKER)
    monkeypatch.setattr(pool, "work_apart", importlib.import_module("own_worker").work)


def started(folder: Path, word: str) -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in folder.glob(f"{word}-*.json")]


def test_workers_are_processes_of_their_own_in_this_folder(folder: Path, worker: None) -> None:
    pool.run_pool([["one", "a"], ["two", None]], 2, Interrupts())
    for word, more in (("one", "a"), ("two", None)):
        (said,) = started(folder, word)
        assert (said["words"], said["omp"], said["folder"]) == ([word, more], "2", str(folder))
        assert said["session"] == said["pid"] != os.getpid()
    assert not Path(".runner").exists()


@pytest.mark.parametrize("how", ["dies", "fails"])
def test_a_worker_that_dies_is_replaced(folder: Path, worker: None, how: str) -> None:
    pool.run_pool([[how], ["one"]], 1, Interrupts())
    assert len(started(folder, how)) == 3
    assert len(started(folder, "one")) == 1


def test_so_many_deaths_are_no_accident(
    folder: Path, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST_REPLACED", 1)
    pool.run_pool([["dies"]], 1, Interrupts())
    assert len(started(folder, "dies")) == 2


def test_an_interrupt_reaches_workers_by_the_stop_file(folder: Path, worker: None) -> None:
    class Later(Interrupts):
        def requested(self) -> bool:
            return bool(started(folder, "waits"))

    pool.run_pool([["waits"]], 1, Later())
    assert not Path(".runner").exists()
    assert "RUNNER_STOP_FILE" not in os.environ


STARTER = """
import sys
from runner.interrupts import Interrupts
from runner.study.work import pool
from runner.study.work.worker import work_apart
import own_worker
pool.work_apart = own_worker.work
with Interrupts() as interrupts:
    pool.run_pool([["waits"], ["waits"]], 1, interrupts)
"""


@pytest.mark.stress
def test_workers_are_no_second_start_of_a_script(
    folder: Path, worker: None, eventually: Callable[[Callable[[], object]], None]
) -> None:
    (folder / "script.py").write_text(f"print('once', flush=True)\n{STARTER}")
    process = subprocess.Popen([sys.executable, "script.py"], stdout=subprocess.PIPE, text=True)
    eventually(lambda: len(started(folder, "waits")) == 2)
    process.terminate()
    out, _ = process.communicate(timeout=60)
    assert out == "once\n"


def test_where_one_cannot_begin_those_before_it_end(
    folder: Path, worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Any] = []
    begin = pool.warm.begin

    def one(*given: Any, **more: Any) -> Any:
        if begun:
            raise KeyboardInterrupt
        begun.append(begin(*given, **more))
        return begun[0]

    monkeypatch.setattr(pool.warm, "begin", one)
    with pytest.raises(KeyboardInterrupt):
        pool.run_pool([["waits"], ["waits"]], 1, Interrupts())
    assert begun[0].exitcode == -9


def test_a_worker_whose_starter_is_gone_already_does_not_begin(folder: Path) -> None:
    assert work_apart(f"sqlite:///{folder}/optuna.db", "study", None, None) == 130
    assert list(folder.iterdir()) == []
