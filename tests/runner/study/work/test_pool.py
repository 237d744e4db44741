"""A pool's processes: what they are started with, and what becomes of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.interrupts import Interrupts
from runner.study.work import launched

WORKER = """\
import json, os, sys, time
from pathlib import Path

import torch

word = sys.argv[1]
Path(f"{word}-{os.getpid()}.json").write_text(
    json.dumps({"threads": torch.get_num_threads(), "words": sys.argv[1:]})
)
if word == "dies" and len(list(Path().glob("dies-*.json"))) < 3:
    os.kill(os.getpid(), 9)
while word == "waits" and not os.path.exists(os.environ["RUNNER_STOP_FILE"]):
    time.sleep(0.01)
"""


@pytest.fixture
def worker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that writes down what it was started with."""
    (folder / "worker.py").write_text(WORKER)
    usual = launched.subprocess.Popen

    def begin(command: list[str], **more):
        assert command[:3] == [sys.executable, "-m", "runner.study.work.worker"]
        return usual([sys.executable, "worker.py", *command[3:]], **more)

    monkeypatch.setattr(launched.subprocess, "Popen", begin)


def started(folder: Path, word: str) -> list[dict]:
    return [json.loads(file.read_text()) for file in folder.glob(f"{word}-*.json")]


@pytest.mark.parametrize("threads", [pytest.param(1, marks=pytest.mark.stress), 2])
def test_workers_have_the_threads_that_they_are_given(folder, worker, threads: int) -> None:
    launched.run_pool([["one", "a"], ["two", "b"]], threads, Interrupts())
    for word, more in (("one", "a"), ("two", "b")):
        assert started(folder, word) == [
            {"threads": threads, "words": [word, more, str(os.getpid())]}
        ]
    assert not Path(".runner").exists()


@pytest.mark.stress
def test_a_worker_that_dies_is_replaced(folder: Path, worker) -> None:
    launched.run_pool([["dies"], ["one"]], 1, Interrupts())
    assert len(started(folder, "dies")) == 3
    assert len(started(folder, "one")) == 1


def test_so_many_deaths_are_no_accident(folder: Path, worker, monkeypatch) -> None:
    monkeypatch.setattr(launched, "MOST_REPLACED", 1)
    launched.run_pool([["dies"]], 1, Interrupts())
    assert len(started(folder, "dies")) == 2


def test_an_interrupt_reaches_workers_by_the_stop_file(folder: Path, worker) -> None:
    class Later(Interrupts):
        def requested(self) -> bool:
            return bool(started(folder, "waits"))

    launched.run_pool([["waits"]], 1, Later())
    assert not Path(".runner").exists()
    assert "RUNNER_STOP_FILE" not in os.environ


def test_a_worker_whose_starter_is_gone_already_does_not_begin(folder: Path) -> None:
    address = f"sqlite:///{folder}/optuna.db"
    words = [address, "study", "", "", "1000000000"]
    command = [sys.executable, "-m", "runner.study.work.worker", *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
    assert list(folder.iterdir()) == []
