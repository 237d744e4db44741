"""Workers of a study as jobs of a real Slurm on loopback: its time limits end no study."""

import contextlib
import importlib.util
import os
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.study.queue.attributes import CUT_OFF
from tests.runner.study.engines.joined import STUDY, TRIALS, Found, documented, missing, until
from tests.runner.study.engines.slurm import PROGRAMS

pytestmark = [
    pytest.mark.stress,
    pytest.mark.timeout(900),
    pytest.mark.skipif(bool(missing(*PROGRAMS)), reason=missing(*PROGRAMS)),
    pytest.mark.skipif(os.geteuid() != 0, reason="starts Slurm's daemons as root"),
]
FOUND = Found("sqlite:///optuna.db")
LAUNCHED = (
    f"{STUDY} hydra/launcher=submitit_slurm study.workers=2 hydra.launcher.timeout_min=10 "
    "hydra.launcher.cpus_per_task=1 hydra.launcher.mem_gb=1"
)


SLOW = """\
import time

from runner.training.models import Quadratic


class Slow(Quadratic):
    def forward(self):
        time.sleep(0.002)
        return super().forward()
"""


def kill_workers() -> None:
    """Kill the launched workers, as a node does that runs out of memory."""
    killed = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            is_worker = "submitit.core._submit" in process.cmdline()
            if is_worker and "python" in process.name() and process.cwd() == os.getcwd():
                process.kill()
                killed += 1
    assert killed >= 2


def test_time_limits_and_kills_end_no_study(
    slurm: Any, command: Any, store: Any, own_module: Any
) -> None:
    own_module("sleeping", SLOW)  # longer than a minute on a machine of any speed
    slow = "train.steps=1200 train.eval_every=600 states.every=300 model._target_=sleeping.Slow"
    assert command(f"{STUDY} {slow} study.workers=0").status == 0
    rounds = 0
    while FOUND.done() < TRIALS or "summary" not in map(store.label, store.runs()):
        rounds += 1
        assert rounds < 16, [file.read_text() for file in Path().glob("job-*.txt")]
        array = slurm.array("--time=1", "--signal=B:USR2@5")
        if rounds == 1:
            until(FOUND.trains)
            slurm("scancel", f"{array}_0")
        until(slurm.is_empty, 200)
    ended = [file.read_text() for file in sorted(Path().glob("job-*.txt"))]
    assert rounds > 1, "no limit came"
    assert any("this worker ends; what it trained is made again" in text for text in ended), ended
    assert sum(text.count("\nrepeat ") for text in ended) == 1, ended
    FOUND.check(store.runs(), store.label)


def test_a_limit_in_which_no_trial_can_end_is_refused(slurm: Any, command: Any, store: Any) -> None:
    assert command(f"{STUDY} states=off study.workers=0").status == 0
    FOUND.study.set_user_attr(CUT_OFF, [20.0, 70.0])  # as a worker that a limit stopped has said
    slurm.array("--time=1")
    until(slurm.is_empty, 100)
    ended = [file.read_text() for file in Path().glob("job-*.txt")]
    assert len(ended) == 2
    for said in ended:
        assert "error: the queue's time limit must be longer than a trial, got " in said
        assert ", where a trial takes 70 s; ask for more with --time" in said
    assert FOUND.done() == 0
    assert store.runs() == []
    slurm.array("--time=2")
    until(lambda: FOUND.done() > 0, 100)
    slurm("scancel", "--user=root")


def test_the_documented_line_brings_workers(slurm: Any, command: Any, store: Any) -> None:
    assert command(f"{STUDY} train.steps=400 train.eval_every=200 study.workers=0").status == 0
    slurm("sh", "-c", documented("sbatch"))
    until(lambda: FOUND.done() == TRIALS and "summary" in map(store.label, store.runs()), 500)
    until(slurm.is_empty, 100)
    FOUND.check(store.runs(), store.label)


@pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None, reason="needs the extra slurm (submitit)"
)
def test_a_starter_whose_workers_are_gone_says_so(slurm: Any, shell: Any, store: Any) -> None:
    def cancel() -> None:  # by SIGTERM, which ends them in order
        slurm("scancel", "--user=root")

    for more, end, said in (
        (3, kill_workers, "all 2 workers are gone, as far as the study says"),
        (8, cancel, "no worker trains any more, and not all is trained"),
    ):
        starter = shell(LAUNCHED)
        until(lambda least=more: Path("optuna.db").exists() and FOUND.done() > least, 100)
        end()
        out, err = starter.communicate(timeout=120)
        assert starter.returncode == 1, (out, err)
        assert f"{said}; the same command goes on\n" in err
        assert "Traceback" not in err
        until(slurm.is_empty)
    again = shell(LAUNCHED)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert "\nrepeat " in out
    FOUND.check(store.runs(), store.label)
