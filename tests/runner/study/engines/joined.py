"""A study of sixty trials that workers from elsewhere join, and what must have become of it."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna

from runner.study.queue import attributes
from runner.study.queue.storage import open_storage

PATH = f"{os.environ['PATH']}:/usr/sbin"
PAGE = Path(__file__).parents[4] / "conf" / "study" / "README.md"
TRIALS = 60
STUDY = (
    "-m hydra/sweeper=optuna model=quadratic dataset=none optimizer=sgd schedule=constant "
    "threads=1 'lr=tag(log, interval(1e-3, 0.5))' study.name=one study.heartbeat_seconds=5 "
    "train.steps=4000 train.eval_every=2000 study.confirm_seeds=1 states.every=1000 "
    f"study.trials={TRIALS}"
)


def missing(*programs: str) -> str:
    """Return those that are not installed, as a reason to skip a test."""
    absent = [one for one in programs if shutil.which(one, path=PATH) is None]
    return f"needs {', '.join(absent)}" if absent else ""


def not_allowed(*words: str) -> str:
    """Return why a command cannot be run here, as a reason to skip a test."""
    if why := missing(words[0]):
        return why
    done = subprocess.run(words, capture_output=True, text=True)
    return f"{words[0]} may not: {done.stderr.strip()}" if done.returncode else ""


def documented(program: str) -> str:
    """Return the line of the documentation by which a program brings workers to a study."""
    pattern = rf"^({program} .*?|for .*{program} .*?)(?: +#.*)?$"
    (line,) = re.findall(pattern, PAGE.read_text(), re.MULTILINE)
    return str(line).replace("STORAGE NAME", "sqlite:///optuna.db one")


def free_ports(count: int) -> list[int]:
    """Return ports of loopback that nobody listens on."""
    kept = [socket.socket() for _ in range(count)]
    for one in kept:
        one.bind(("127.0.0.1", 0))
    found = [int(one.getsockname()[1]) for one in kept]
    for one in kept:
        one.close()
    return found


def until(holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.25)


def listening() -> set[str]:
    """Return the addresses that processes of this machine listen on."""
    done = subprocess.run(["ss", "-Hlnt"], capture_output=True, text=True, check=True)
    return {line.split()[3] for line in done.stdout.splitlines()}


def beyond_loopback() -> set[str]:
    """Return those that others reach, too."""
    return {one for one in listening() if not one.startswith(("127.", "[::1]"))}


@dataclass(frozen=True)
class Found:
    """A study that workers from elsewhere train."""

    address: str

    @property
    def study(self) -> optuna.Study:
        return optuna.load_study(study_name="one", storage=open_storage(self.address))

    def trains(self) -> bool:
        return any(trial.state.name == "RUNNING" for trial in self.study.get_trials(False))

    def pids(self) -> list[int]:
        """The processes that train."""
        attrs = [t.user_attrs for t in self.study.trials if t.state.name == "RUNNING"]
        return [one["worker"]["pid"] for one in attrs if "worker" in one]

    def done(self) -> int:
        return len(attributes.done(self.study))

    def check(self, runs: list[Any], label: Callable[[Any], str]) -> None:
        """See that each trial was made once, none counts as a crash, and one answer was given."""
        study = self.study
        done = attributes.done(study)
        assert len(done) == TRIALS
        assert attributes.crashed(study.trials) == []
        ended = Counter(
            label(run) for run in runs if run.info.status == "FINISHED" or "pruned" in run.data.tags
        )
        own = Counter(f"trial {t.number}" for t in done if not attributes.is_copy(t))
        trials = Counter({name: n for name, n in ended.items() if name.startswith("trial")})
        assert (trials - own, own - trials) == (Counter(), Counter()), [
            (one.number, one.state.name, one.user_attrs) for one in study.trials
        ]
        assert ended["summary"] == 1
        assert "RUNNING" not in {run.info.status for run in runs}
