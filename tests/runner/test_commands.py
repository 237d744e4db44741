"""The small commands under signals: one line instead of a traceback, and nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from runner.tracking.mlflow import MLflow
from runner.tracking.outbox import Outbox
from runner.tracking.schema import Head

MS = 1_700_000_000_000
PREVIEW = "preview -m schedule=exponential,cosine,one_cycle model=quadratic dataset=none"
QUADRATIC = "model=quadratic dataset=none optimizer=sgd schedule=constant threads=1 "
QUADRATIC += "train.steps=500 train.eval_every=250"
SEARCH = f"-m {QUADRATIC} lr=0.1,0.2 study.name=mine study.confirm_seeds=0"
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Starts a command, `nohup` in front of it where it is asked for."""
    started: list[subprocess.Popen[str]] = []

    def begin(line: str, *before: str) -> "subprocess.Popen[str]":
        name, *words = line.split()
        module = name if name == "runner" else f"runner.{name}"
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [*before, sys.executable, "-m", module, *words]
        started.append(subprocess.Popen(command, text=True, start_new_session=True, **pipes))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def waiting(store: Any) -> list[str]:
    """Runs that wait in the outbox, 3,000 points each."""
    MLflow(None).prepare("runs")
    experiment = store.client.get_experiment_by_name("runs").experiment_id
    ids = [str(store.client.create_run(experiment).info.run_id) for _ in range(6)]
    for run_id in ids:
        box = Outbox(Head(run_id, "sqlite:///mlflow.db"), run_id)
        box.create()
        box.append({"points": [("train/loss", 0.1 * t, MS + t, t) for t in range(3000)]})
        box.append({"status": "FINISHED", "end_ms": MS + 3000})
        box.release()
    return ids


@pytest.mark.parametrize("line", [PREVIEW, "deliver"])
@pytest.mark.parametrize("seconds", [0, 0.4])
def test_ctrl_c_while_a_command_loads_is_one_line(
    start: Start, folder: Path, eventually: Any, line: str, seconds: float
) -> None:
    process = start(line)
    loaded = psutil.Process(process.pid).memory_maps
    eventually(lambda: any("numpy" in library.path for library in loaded()))
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    if out and seconds:  # it was faster, and may have been at its very end
        assert "Traceback" not in err
    else:
        assert (process.returncode, out, err) == (130, "", "interrupted\n")
        assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "status", "said"),
    [
        (signal.SIGINT, 130, "interrupted\n"),
        pytest.param(signal.SIGTERM, -15, "", marks=pytest.mark.stress),
        pytest.param(signal.SIGHUP, -1, "", marks=pytest.mark.stress),
    ],
)
def test_what_a_signal_keeps_from_delivery_is_delivered_by_the_next(
    start: Start, waiting: list[str], store: Any, number: int, status: int, said: str
) -> None:
    process = start("deliver")
    assert process.stdout is not None
    assert process.stdout.readline().endswith(": delivered\n")
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (status, said)
    again = start("deliver")
    out, err = again.communicate(timeout=60)
    assert (again.returncode, err) == (0, "")
    assert 1 <= out.count(": delivered\n") <= 5
    assert list(Path(".runner").rglob("run.json")) == []
    for run_id in waiting:
        assert store.client.get_run(run_id).info.status == "FINISHED"
        points = store.client.get_metric_history(run_id, "train/loss")
        assert sorted(point.step for point in points) == list(range(3000))


@pytest.mark.stress
@pytest.mark.parametrize(
    "line",
    [
        f"runner {QUADRATIC}",
        f"runner -m {QUADRATIC} lr=0.1,0.2 hydra/launcher=joblib hydra.launcher.n_jobs=2",
        f"runner {SEARCH} hydra/sweeper=optuna study.trials=2 study.workers=2",
        f"runner {SEARCH} hydra/sweeper=optuna study.trials=2 hydra/launcher=joblib",
        "deliver",
    ],
)
def test_under_nohup_a_command_goes_on_to_its_end(
    start: Start, waiting: list[str], store: Any, line: str
) -> None:
    process = start(line, "nohup")
    err = None
    while err is None:
        try:
            err = process.communicate(timeout=0.4)[1]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGHUP)
    assert process.returncode == 0, err
    assert "stopping" not in err
    assert "Traceback" not in err
    assert {run.info.status for run in store.runs()} == {"FINISHED"}  # what waits is delivered, too


ENDS = """
import atexit, sys, threading, time
from runner.commands import exit_with

class Late:
    def __del__(self):
        print("taken apart")

def told():
    time.sleep(0.2)
    print("the thread")

late = Late()
atexit.register(print, "at the end")
threading.Thread(target=told).start()
print("written", end=" ")
{more}
exit_with(int(sys.argv[1]))
"""


@pytest.mark.parametrize(
    ("status", "more", "said"),
    [
        ("0", "", "written the thread\nat the end\n"),
        ("3", "", "written the thread\nat the end\n"),
        ("3", "import leaves_open", "written the thread\nat the end\ntaken apart\n"),
        ("130", "import leaves_open", "written "),
    ],
)
def test_a_command_ends_at_once_unless_code_of_a_persons_own_is_loaded(
    own_module: Any, folder: Path, status: str, more: str, said: str
) -> None:
    own_module("leaves_open", "file = open('log.txt', 'w')\nfile.write('kept')\n")
    command = [sys.executable, "-c", ENDS.format(more=more), status]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (int(status), said, "")
    if "taken apart" in said:
        assert (folder / "log.txt").read_text() == "kept"


def test_nobody_waits_for_the_process_that_workers_are_forked_from(
    own_module: Any, folder: Path
) -> None:
    own_module("tells_its_end", "import atexit\natexit.register(open, 'ended', 'w')\n")
    code = "from runner import warm; from runner.commands import exit_with; "
    code += "warm._LOADED = 'tells_its_end'; warm.load(); import time; time.sleep(1); exit_with(0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")  # both have ended, as nobody holds the pipes
    assert not (folder / "ended").exists()
