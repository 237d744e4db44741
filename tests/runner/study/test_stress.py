"""Many processes and many kills: every trial is made exactly once, whatever the storage."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from optuna.trial import TrialState

from runner.study.queue import attributes, queue
from runner.study.queue.storage import open_storage

pytestmark = pytest.mark.stress

TRIALS, KILLS, SECONDS = 40, 5, 120
SLOW = """\
import time

from runner.training.models import Quadratic


class Slow(Quadratic):
    def forward(self):
        time.sleep(0.01)
        return super().forward()
"""
STUDY = (
    "-m hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd "
    "threads=1 "
    "train.steps=40 train.eval_every=10 study.confirm_seeds=0 study/pruner=median study.workers=2 "
    "model._target_=slow.Slow '~model.w' 'lr=tag(log, interval(1e-3, 0.5))' study.name=stress "
    f"study.heartbeat_seconds=5 study.trials={TRIALS}"
)
CLAIMS = """\
import sys
import optuna
from runner.study.queue import queue
from runner.study.queue.claim import claim
from runner.study.queue.storage import open_storage

study = optuna.load_study(study_name="test", storage=open_storage(sys.argv[1]))
while (own := claim(study)) is not None or queue.fill(study):
    if own is None:
        continue
    with own:
        x = own.draw(lambda trial: {"x": trial.suggest_float("x", 0, 1)})["x"]
        own.report(50, x)
        assert own.end({}, [x])
    print(own.number, flush=True)
"""


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose steps take a while."""
    (tmp_path / "slow.py").write_text(SLOW)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)


def workers(study: optuna.Study) -> list[int]:
    """The processes that train."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    pids = {t.user_attrs["worker"]["pid"] for t in running if "worker" in t.user_attrs}
    return sorted(filter(psutil.pid_exists, pids))


def victims(process: "subprocess.Popen[str]", study: optuna.Study) -> Iterator[int]:
    """A random worker that trains, again and again, until the study ends."""
    chance = random.Random(0)
    while process.poll() is None:
        time.sleep(chance.uniform(0.1, 1.0))
        if found := workers(study):
            yield chance.choice(found)


def the_study(process: "subprocess.Popen[str]", address: str) -> optuna.Study:
    """The study, as soon as the process has made it."""
    assert next(process.stdout).startswith("study ")
    return optuna.load_study(study_name="stress", storage=open_storage(address))


def test_kills_lose_no_trial_and_double_none(address, shell, slow, store) -> None:
    process = shell(f'''{STUDY} "study.storage='{address}'"''')
    study = the_study(process, address)
    killed = 0
    for pid in victims(process, study):
        os.kill(pid, signal.SIGKILL)
        killed += 1
        if killed == KILLS:
            break
    _, err = process.communicate(timeout=SECONDS)
    assert (process.returncode, killed) == (0, KILLS), err
    done = study.get_trials(states=attributes.DONE)
    assert len(done) == TRIALS
    assert queue.left(study) == (0, 0)
    runs = [run for run in store.runs() if run.info.run_name != "summary"]
    assert "RUNNING" not in {run.info.status for run in runs}
    ended: Counter[str] = Counter()
    for run in runs:
        ended[store.label(run)] += run.info.status == "FINISHED" or "pruned" in run.data.tags
    originals = [trial for trial in done if not attributes.is_copy(trial)]
    assert dict.fromkeys((f"trial {t.number}" for t in originals), 1) == +ended


def test_four_processes_end_a_hundred_trials_once(address: str) -> None:
    from runner.results.definition import Definition, Goal
    from runner.study.queue.storage import make

    goals = (Goal("val/loss", "minimize"),)
    definition = Definition(
        "test", {"entries": []}, (), {}, goals, trials=100, heartbeat_seconds=30
    )
    study = make(open_storage(address), "test", definition)
    command = [sys.executable, "-c", CLAIMS, address]
    settings: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **settings) for _ in range(4)]
    numbers = [int(word) for one in processes for word in one.communicate(timeout=120)[0].split()]
    assert sorted(numbers) == list(range(100))
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * 100
