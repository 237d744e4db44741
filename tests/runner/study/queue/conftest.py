"""Studies of one number x, and processes that work on them without training anything."""

import contextlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace

import optuna
import pytest
from optuna.trial import TrialState

from runner import processes
from runner.results.definition import Definition, Goal
from runner.study.queue import attributes, queue
from runner.study.queue.claim import Claim, claim
from runner.study.queue.storage import make, open_storage

CLAIMS = """\
import sys
from runner.results.definition import Definition, Goal
from runner.study.queue import queue
from runner.study.queue.claim import claim
from runner.study.queue.storage import make, open_storage

address, total, fills = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "fills"
definition = Definition(
    "test", {"entries": []}, (), {}, (Goal("val/loss", "minimize"),), total, heartbeat_seconds=30
)
study = make(open_storage(address), "test", definition)
while (own := claim(study)) is not None or (fills and queue.fill(study)):
    if own is None:
        continue
    with own:
        x = own.draw(lambda trial: {"x": trial.suggest_float("x", 0, 1)})["x"]
        own.report(50, x)
        assert own.end({"x": x}, [x])
    print(own.number, flush=True)
"""


def new_study(address: str, total: int, seconds: float = 30.0) -> optuna.Study:
    """A study with its waiting trials, and with seconds until silence is a loss."""
    goals = (Goal("val/loss", "minimize"),)
    definition = Definition(
        "test", {"entries": []}, (), {}, goals, total, heartbeat_seconds=seconds
    )
    study = make(open_storage(address), "test", definition)
    queue.fill(study)
    return study


def retotal(study: optuna.Study, total: int) -> None:
    """Another start of the study asks for another total."""
    definition = replace(attributes.definition(study), trials=total)
    study.set_user_attr(attributes.DEFINITION, definition.as_json())


def states(study: optuna.Study) -> Counter[str]:
    """How many trials there are of each state, those that are lost or left over by that."""
    return Counter(
        trial.user_attrs.get(attributes.LOST, trial.state.name)
        if trial.state == TrialState.FAIL
        else trial.state.name
        for trial in study.get_trials(deepcopy=False)
    )


def process(address: str, total: int, how: str) -> "subprocess.Popen[str]":
    """A process that claims and ends trials; it `fills` the queue, too, or only `claims`."""
    command = [sys.executable, "-c", CLAIMS, address, str(total), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def claimed(processes: "list[subprocess.Popen[str]]") -> list[int]:
    """The numbers of the trials that processes have claimed."""
    numbers = []
    for one in processes:
        out, err = one.communicate(timeout=120)
        assert one.returncode == 0, err
        numbers += [int(line) for line in out.split()]
    return numbers


@contextlib.contextmanager
def asleep() -> Iterator[int]:
    """A living process that does nothing."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()


def draw(own: Claim) -> float:
    """The number of a claimed trial."""
    return float(own.draw(lambda trial: {"x": trial.suggest_float("x", 0, 1)})["x"])


def running(study: optuna.Study, pid: int, place: str = "") -> Claim:
    """A claimed trial whose worker is another process, or one of another machine."""
    own = claim(study)
    assert own is not None
    draw(own)
    sign = {
        "place": place or processes.place(),
        "pid": pid,
        "began": processes.began(pid),
        "beat": time.time(),
    }
    own.store(attributes.WORKER, sign)
    return own


@pytest.fixture
def queues() -> SimpleNamespace:
    """What the tests of a queue share."""
    return SimpleNamespace(
        new_study=new_study,
        retotal=retotal,
        states=states,
        process=process,
        claimed=claimed,
        asleep=asleep,
        draw=draw,
        running=running,
    )
