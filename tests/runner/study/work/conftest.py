"""Models that misbehave, and what is left of a study's runs."""

import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from runner.study.queue.storage import open_storage

ODD = """\
import time

import torch

from runner.training.models import Quadratic


class Slow(Quadratic):
    def __init__(self, seconds: float = 0.02):
        super().__init__()
        self.seconds = seconds

    def forward(self):
        time.sleep(self.seconds)
        return super().forward()


class Fragile(Quadratic):
    def __init__(self, breaks: str = "never"):
        super().__init__()
        self.breaks, self.calls = breaks, 0
        if breaks == "at once":
            raise RuntimeError("a wire is missing")

    def forward(self):
        self.calls += 1
        if self.breaks == "soon" and self.calls > 5:
            raise RuntimeError("a wire came loose")
        return super().forward()


class Noisy(Quadratic):
    def __init__(self):
        super().__init__(w=1.0 + 0.1 * (torch.initial_seed() % 100))
"""


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that misbehave."""
    (tmp_path / "odd.py").write_text(ODD)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)


@pytest.fixture
def the_study(folder: Path) -> Callable[[], optuna.Study]:
    """The only study of the folder's SQLite file."""

    def find() -> optuna.Study:
        storage = open_storage(f"sqlite:///{folder}/optuna.db")
        (name,) = optuna.get_all_study_names(storage)
        return optuna.load_study(study_name=name, storage=storage)

    return find


@pytest.fixture
def statuses(store: Any) -> Callable[[], Counter[str]]:
    """How many runs of trials there are of each status."""

    def count() -> Counter[str]:
        runs = [run for run in store.runs() if run.info.run_name != "summary"]
        return Counter(run.info.status for run in runs)

    return count


@pytest.fixture
def workers_of(eventually: Any) -> Callable[[optuna.Study], set[int]]:
    """The processes that train, as soon as there is one."""

    def find(study: optuna.Study) -> set[int]:
        found: set[int] = set()

        def look() -> bool:
            running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            found.update(t.user_attrs["worker"]["pid"] for t in running if "runs" in t.user_attrs)
            return bool(found)

        eventually(look)
        return found

    return find


@pytest.fixture
def kill_in_a_trial(eventually: Any) -> Callable[[int, optuna.Study], None]:
    """Kills a process while it trains: it is held still for a look before."""

    def kill(pid: int, study: optuna.Study) -> None:
        def trains() -> bool:
            os.kill(pid, signal.SIGSTOP)
            running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
            known = [t.user_attrs["worker"]["pid"] for t in running if "runs" in t.user_attrs]
            if pid not in known:
                os.kill(pid, signal.SIGCONT)
            return pid in known

        eventually(trains)
        os.kill(pid, signal.SIGKILL)

    return kill
