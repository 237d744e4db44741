"""Jobs of a grid, several at a time: the same bits, no job lost, whoever dies or is interrupted."""

import multiprocessing
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from runner.config.command_line import word
from runner.config.composer import Composer
from runner.config.request import BASIC_LAUNCHER
from runner.entry import start
from runner.errors import Mistake
from runner.interrupts import Interrupts
from runner.results.result import Result, Status
from runner.sweep import pool
from runner.sweep.bundle import Bundle
from runner.sweep.launch import Job
from runner.sweep.placing import Placing, accelerators, room
from runner.sweep.pool import Pool
from runner.sweep.sharing import shares
from runner.sweep.sweep import Sweep
from runner.sweep.worker import Worker
from runner.training import devices

SMALL = "model=linear train.steps=4 train.eval_every=2"
QUADRATIC = "model=quadratic dataset=none schedule=constant optimizer=sgd lr=0.2 states=off"
DIES = """\
import os

from runner.training.models import Quadratic

class Dies(Quadratic):
    def __init__(self, at: int = 0):
        super().__init__()
        self.at, self.calls = at, 0

    def forward(self):
        self.calls += 1
        if self.at and self.calls > self.at:
            os.kill(os.getpid(), 9)
        return super().forward()
"""


def rows(out: str) -> list[list[str]]:
    """The cells of each row of the ranking."""
    lines = out[out.index("\nrank") + 1 :].split("\n\n")[0].splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in lines[1:]]


def test_two_processes_train_what_one_trains(shell: Any, store: Any) -> None:
    line = f"-m {SMALL} schedule=cosine,exponential seed=0,1 states=off"
    for workers in (1, 2):
        done = shell(f"{line} sweep.workers={workers}")
        out, err = done.communicate(timeout=120)
        assert (done.returncode, err) == (0, ""), err
    runs = store.runs()
    one, two = ({run.info.run_name: run for run in part} for part in (runs[:4], runs[4:]))
    assert one.keys() == two.keys()
    assert len(one) == 4
    for name, run in one.items():
        first, again = store.records(run), store.records(two[name])
        same = {key for key in first if np.array_equal(first[key], again[key])}
        assert first.keys() - same == {"time_ms"}
        weights = [store.file(r, "weights.safetensors").read_bytes() for r in (run, two[name])]
        assert weights[0] == weights[1]
        for tag in ("command", "threads", "fingerprint", "kind"):
            assert run.data.tags[tag] == two[name].data.tags[tag]
        assert "sweep.workers" not in run.data.tags["command"]
    # each line of progress says whose it is
    told = re.findall(r"^(.*?)  step 4 ", out, re.MULTILINE)
    assert sorted(told) == sorted(one)
    begun = re.findall(r"^\[(\d)/4\] (.*)$", out, re.MULTILINE)
    assert begun == [(str(i), name) for i, name in enumerate(one, 1)], out


AWAY = """\
import uuid
from pathlib import Path
from runner.results.result import Link
from runner.tracking import Tracker

class Away(Tracker):
    address = "away"

    def open(self, header):
        run_id = f"{uuid.uuid4().hex}{header.name[-1]}"
        return Link(run_id, "1", header.experiment, self.address)

    def points(self, run_id, points):
        Path(f"{run_id[-1]}.txt").write_text("points")

    def close(self, run_id, status, end_ms):
        if run_id[-1] in AWAY:
            raise OSError("it is away")
        Path(f"{run_id[-1]}.txt").write_text(status)
"""


AWAYS = ("", "5", "1234567")


@pytest.mark.parametrize(
    "away", ["2", *(pytest.param(one, marks=pytest.mark.stress) for one in AWAYS)]
)
def test_records_that_cannot_be_delivered_behind_a_job_are_said(
    shell: Any, own_module: Any, folder: Path, away: str
) -> None:
    own_module("sent_behind", AWAY.replace("AWAY", repr(away)))
    line = f"-m {QUADRATIC} train.steps=4 lr={','.join(f'0.2{i}' for i in range(1, 8))} "
    line += "sweep.workers=2 tracking=tensorboard '~tracking.trackers.tensorboard' "
    line += "'+tracking.trackers.own={_target_: sent_behind.Away}'"
    done = shell(line)
    out, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    assert ("some records are in .runner/outbox" in out) == bool(away)
    assert len(list(folder.glob(".runner/outbox/*"))) == len(away)
    told = {str(i): (folder / f"{i}.txt").read_text() for i in range(1, 8)}
    assert told == {i: "points" if i in away else "FINISHED" for i in told}


def test_records_that_the_second_tracker_does_not_take_are_said(
    shell: Any, own_module: Any, folder: Path
) -> None:
    own_module("sent_behind", AWAY.replace("AWAY", repr("2")))
    line = f"-m {QUADRATIC} train.steps=4 lr=0.21,0.22 sweep.workers=2 tracking=tensorboard "
    line += "'+tracking.trackers.own={_target_: sent_behind.Away}'"
    out, err = shell(line).communicate(timeout=120)
    assert "some records are in .runner/outbox" in out, err
    assert len(list(folder.glob(".runner/outbox/*"))) == 1


DIES_BEHIND = AWAY.replace(
    """        if run_id[-1] in AWAY:
            raise OSError("it is away")
""",
    """        if run_id[-1] == "1" and not Path("died").exists():
            Path("died").touch()
            time.sleep(1)  # the result is on its way meanwhile
            os.kill(os.getpid(), 9)
""",
).replace("import uuid", "import os\nimport time\nimport uuid")


@pytest.mark.parametrize(
    "alone", [pytest.param("'~tracking.trackers.tensorboard'", marks=pytest.mark.stress), ""]
)
def test_records_of_a_process_that_dies_behind_its_jobs_are_delivered(
    shell: Any, own_module: Any, folder: Path, alone: str
) -> None:
    own_module("dies_behind", DIES_BEHIND)
    line = f"-m {QUADRATIC} train.steps=4 lr=0.21,0.22 sweep.workers=2 tracking=tensorboard {alone}"
    line += " '+tracking.trackers.own={_target_: dies_behind.Away}'"
    done = shell(line)
    out, err = done.communicate(timeout=120)
    assert (done.returncode, err) == (0, "")
    assert "some records are in" not in out
    assert {(folder / f"{i}.txt").read_text() for i in (1, 2)} == {"FINISHED"}
    assert list(folder.glob(".runner/outbox/*")) == []


DIES_LAST = """\
import time
from pathlib import Path

import dying_model

class Dies(dying_model.Dies):
    def forward(self):
        if self.calls == 10 and not self.at:
            Path("begun").touch()
        elif self.calls == self.at == 5:
            until = time.monotonic() + 60  # the other delivers what it finds left
            while not Path("begun").exists() or len(list(Path(".runner/outbox").iterdir())) > 1:
                assert time.monotonic() < until
                time.sleep(0.1)
        return super().forward()
"""


def test_a_run_whose_process_died_is_left_to_the_same_command(
    shell: Any, store: Any, own_module: Any
) -> None:
    own_module("dying_model", DIES)
    own_module("dying_last", DIES_LAST)
    line = f"-m {QUADRATIC} model=dying_last.Dies +model.at=0,5 train.steps=20 sweep.workers=2"
    done = shell(line)
    _, err = done.communicate(timeout=120)
    assert done.returncode == 1, err
    statuses = {run.info.run_name: run.info.status for run in store.runs()}
    assert statuses == {"model.at=0": "FINISHED", "model.at=5": "RUNNING"}


@pytest.mark.stress
def test_a_beginning_in_common_is_trained_once_by_several_processes(shell: Any, store: Any) -> None:
    line = (
        f"-m {SMALL} train.steps=12 schedule=piecewise schedule.factors=[1.0,0.1] "
        "'schedule.boundaries=[4],[8],[10]'"
    )
    done = shell(f"{line} sweep.workers=3")
    _, err = done.communicate(timeout=120)
    assert done.returncode == 0, err
    reused = sum(int(run.data.tags.get("reused_steps", 0)) for run in store.runs())
    assert reused >= 4 + 4  # two may go on from one state at the same time
    again = shell(f"{line} sweep.workers=1 states=off")
    _, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    alone = {run.info.run_name: run for run in store.runs()[3:]}
    for run in store.runs()[:3]:
        other = alone[run.info.run_name]
        weights = [store.file(r, "weights.safetensors").read_bytes() for r in (run, other)]
        assert weights[0] == weights[1]


def test_a_job_whose_process_dies_fails_and_the_others_go_on(
    shell: Any, own_module: Callable[[str, str], Path]
) -> None:
    own_module("dying_model", DIES)
    line = f"-m {QUADRATIC} model=dying_model.Dies +model.at=0,5,0,6 train.steps=20"
    done = shell(f"{line} sweep.workers=2 tracking=off")
    out, err = done.communicate(timeout=120)
    assert done.returncode == 1, err
    assert "Traceback" not in err
    ended = [(row[1], row[-2:]) for row in rows(out)]
    failed = ["FAILED", "its process has died, status -9"]
    assert [row[-1][-1] for row in ended] == ["FINISHED", "FINISHED", failed[1], failed[1]], ended
    assert [row[-1] for row in ended[2:]] == [failed, failed]


@pytest.mark.parametrize("times", [pytest.param(1, marks=pytest.mark.stress), 2])
def test_an_interrupt_keeps_what_is_done(shell: Any, store: Any, times: int) -> None:
    line = f"-m {QUADRATIC} train.steps=3,1000000,2000000,4 train.eval_every=1000"
    process = shell(f"{line} sweep.workers=2 threads=1")
    told: set[str] = set()
    for text in process.stdout:
        told |= set(re.findall(r"^train.steps=(\d000000)  step ", text))
        if len(told) == 2:
            break
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert err.count("stopping after this step (again: at once)") == 1
    assert "Traceback" not in err
    first, *others = rows(out)
    assert (first[1], first[-1]) == ("train.steps=3", "FINISHED")
    reasons = [row[-1].split(" after")[0] for row in others]
    assert sorted(reasons) == ["interrupted", "interrupted", "not started"]
    assert {row[-2] for row in others} == {"KILLED"}
    if times == 2:  # at once: what was not delivered travels with the next start
        assert shell(f"{QUADRATIC} train.steps=2").wait(60) == 0
    statuses = {run.info.run_name: run.info.status for run in store.runs()}
    assert statuses.pop("train.steps=3") == "FINISHED"
    expected = {1: {"KILLED"}, 2: {"KILLED", "FAILED"}}[times]
    assert {statuses[f"train.steps={steps}"] for steps in (1000000, 2000000)} <= expected


@pytest.mark.stress
def test_jobs_stop_when_their_starter_has_died(shell: Any, store: Any, eventually: Any) -> None:
    line = f"-m {QUADRATIC} train.steps=1000000,2000000 train.eval_every=1000 threads=1"
    process = shell(f"{line} sweep.workers=2")
    told: set[str] = set()
    for text in process.stdout:
        told |= set(re.findall(r"^train.steps=(\d000000)  step ", text))
        if len(told) == 2:
            break
    pids = _trainers(process.pid)
    assert len(pids) == 2
    process.kill()
    eventually(lambda: not any(map(_lives, pids)))
    eventually(lambda: [run.info.status for run in store.runs()] == ["KILLED", "KILLED"])


def _trainers(starter: int) -> list[int]:
    """The processes that train for a starter: the children of its fork server."""
    return [pid for server in _children(starter) for pid in _children(server)]


def _children(parent: int) -> list[int]:
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(
    ("threads", "words", "cards", "memory", "expected"),
    [
        ((1, 1), "", 0, 2**40, 8),
        ((1, 8), "", 0, 2**40, 1),
        ((3,), "", 0, 2**40, 2),
        ((1,), "", 0, 3 * 2**30, 3),
        ((1,), "", 0, 2**20, 1),
        ((8, 8), "", 4, 2**20, 4),
        ((8, 8), "device=cuda:1", 4, 2**40, 1),
        ((1, 1), "device=cpu", 4, 2**40, 8),
    ],
)
def test_the_room_for_jobs(threads, words, cards, memory, expected, monkeypatch) -> None:
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 8)
    monkeypatch.setattr(devices, "available", lambda: ["cuda", "cpu"][cards == 0 :])
    monkeypatch.setattr(devices, "count", lambda: cards)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(total=memory))
    settings = Composer().settings([word(text) for text in ["tracking=off", *words.split()]])
    assert room([Job("one", (), settings, n) for n in threads]) == expected


@pytest.mark.parametrize("asked", [None, 1, 3, 9])
def test_jobs_at_a_time_change_no_number_of_threads(asked, folder, monkeypatch) -> None:
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 8)
    monkeypatch.setattr(devices, "available", lambda: ["cpu"])
    composer, words = Composer(), (word("tracking=off"),)
    jobs = [Job(str(i), words, composer.settings(words), n) for i, n in enumerate((1, 4, 1, 2))]
    sweep = Sweep(composer, {"_target_": BASIC_LAUNCHER}, start, start, workers=asked)
    at_a_time = sweep._at_a_time(jobs)
    assert at_a_time == min(4, asked or 8 // 4)
    placed = Placing(composer, "sweep", at_a_time, True).placed(jobs, shares([None] * 4))
    assert [job.settings.threads for job in placed] == [1, 4, 1, 2]


def test_each_process_has_an_accelerator_of_its_own(monkeypatch) -> None:
    monkeypatch.setattr(devices, "available", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(devices, "count", lambda: 2)
    assert accelerators(3) == ["cuda:0", "cuda:1", "cuda:0"]
    mine, its = multiprocessing.Pipe()
    auto, fixed = (Composer().settings([word(text)]) for text in ("seed=0", "device=cpu"))
    for settings, expected in ((auto, "cuda:1"), (fixed, "cpu")):
        Worker(None, mine, "cuda:1").take(0, Bundle((0,), (Job("one", (), settings),)))
        assert its.recv()[0][0][1].device == expected


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets so many processes begin, which answer at once from here and may die of it."""

    def let(most: int, *, die: bool) -> None:
        begun: list[Worker] = []

        class Here(Worker):
            @classmethod
            def begin(cls, run, device):
                if len(begun) == most:
                    raise Mistake("sweep.workers", "needs processes", "none (no memory)")
                mine, its = multiprocessing.Pipe()
                process = SimpleNamespace(sentinel=its, pid=None, exitcode=0)
                process.is_alive, process.join = lambda: not die, lambda *_: None
                begun.append(cls(process, mine, device))
                begun[-1].its = its
                return begun[-1]

            def take(self, number, bundle):
                self.number = number
                self.its.send([Result(job.name, Status.FINISHED) for job in bundle.jobs])

        monkeypatch.setattr(pool, "Worker", Here)

    return let


def single(count: int) -> list[Bundle]:
    return [Bundle((i,), (Job(str(i), (), None),)) for i in range(count)]


def test_jobs_that_begin_alike_wait_for_others_that_do_not(few: Any) -> None:
    few(2, die=False)
    jobs = single(6)
    began: list[int] = []
    with Pool(start, [None, None], Interrupts()) as found:
        ended = found.results(jobs, [0, 0, 0, 3, 3, 5], began.append)
        results = {bundle.places[0]: result for bundle, result in ended}
    assert began[:2] == [0, 3]
    assert [results[i][0].name for i in range(6)] == list("012345")


def test_where_no_further_process_can_be_had_what_is_done_stays(few: Any) -> None:
    few(1, die=True)
    jobs = single(3)
    with Pool(start, [None, None], Interrupts()) as found:
        ended = found.results(jobs, [0, 1, 2], lambda number: None)
        results = {bundle.places[0]: result for bundle, result in ended}
    assert results[0][0].status == Status.FINISHED
    reason = "sweep.workers needs processes, got none (no memory)"
    ended = [results[i][0] for i in (1, 2)]
    assert [(one.status, one.reason) for one in ended] == [(Status.FAILED, reason)] * 2
    with pytest.raises(Mistake, match="needs processes"), Pool(start, [None], Interrupts()) as none:
        list(none.results(jobs, [0, 1, 2], lambda number: None))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("-m sweep.workers=0 seed=0,1", "sweep.workers must be at least 1, got 0"),
        ("-m sweep.workers=some seed=0,1", "sweep.workers must be a whole number, got 'some'"),
        (
            "-m sweep.wokers=2 seed=0,1",
            "unknown key 'sweep.wokers' (did you mean 'sweep.workers'?)",
        ),
        ("-m sweep.workers=1,2", "sweep.workers must be one, got 1,2"),
        (
            "-m 'sweep={workers: 2}' seed=0,1",
            "sweep must be set key by key, got 'sweep={workers: 2}'; sweep.workers=2",
        ),
        (
            "-m sweep.workers=2 seed=0,1 hydra.output_subdir=hydra",
            "sweep.workers must be left out where Hydra runs the jobs, got 2; they run one by one",
        ),
        (
            "sweep.workers=2",
            "sweep.workers must stand beside a grid, got 2; add -m and lists of values",
        ),
        (
            "study=quickstart sweep.workers=2",
            "sweep.workers must stand beside a grid, got 2; study.workers=2 is for a search",
        ),
        (
            "-m sweep.workers=2 seed=0,1 hydra/launcher=joblib",
            "sweep.workers must be left out where Hydra runs the jobs, got 2; as "
            "hydra.launcher.n_jobs may say it",
        ),
    ],
)
def test_a_number_of_processes_that_does_not_fit_is_refused(
    command: Any, folder: Path, line: str, said: str
) -> None:
    done = command(f"{SMALL} {line}")
    assert done.status == 2
    assert done.err == f"error: {said}\n"
    assert not list(folder.iterdir())
