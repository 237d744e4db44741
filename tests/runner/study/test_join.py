"""Workers that join a study from anywhere: one answer, whoever of them dies or is told to end."""

import functools
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from runner.study.queue import attributes
from runner.study.queue.attributes import CUT_OFF, DEFINITION, MADE_OF
from runner.study.queue.storage import open_storage
from runner.worker import main

STORAGE = "sqlite:///optuna.db"
QUADRATIC = (
    "-m hydra/sweeper=optuna model=quadratic dataset=none optimizer=sgd schedule=constant "
    "threads=1 'lr=tag(log, interval(1e-3, 0.5))' study.name=one study.heartbeat_seconds=1"
)
SHORT = f"{QUADRATIC} train.steps=8 train.eval_every=4 study.trials=5 study.confirm_seeds=2"
GATE = """\
import time
from pathlib import Path

from runner.training.models import Quadratic


class Gate(Quadratic):
    calls = 0

    def forward(self):
        self.calls += 1
        while self.calls > 1500 and not Path("open").exists():
            Path("reached").touch()
            time.sleep(0.01)
        return super().forward()
"""
GATED = (
    f"{QUADRATIC} model=gates.Gate train.steps=2000 train.eval_every=1000 study.trials=2 "
    "study.confirm_seeds=0 study.baseline=false states.every=1000"
)


@pytest.fixture
def join(module: Callable[..., Any]) -> Callable[..., "subprocess.Popen[str]"]:
    """Starts a worker as a person does."""
    return lambda: module("runner.worker", STORAGE, "one")


@functools.cache
def opened(folder: Path) -> Any:
    """The storage of a folder, opened once: to open it takes it from those who write."""
    return open_storage(STORAGE)


def study() -> optuna.Study:
    return optuna.load_study(study_name="one", storage=opened(Path.cwd()))


def running() -> list[Any]:
    """The trials that run, with a run that is recorded."""
    found = study().get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return [trial for trial in found if attributes.RUNS in trial.user_attrs]


def test_two_workers_give_one_answer(command, store, join) -> None:
    made = command(f"{SHORT} study.workers=0")
    assert made.status == 0
    assert made.out.splitlines() == [
        "study     one: 0 of 5 trials done",
        f"join      python -m runner.worker {STORAGE} one",
    ]
    assert store.runs() == []
    workers = [join(), join()]
    ended = [(*one.communicate(timeout=120), one.returncode) for one in workers]
    assert [status for *_, status in ended] == [0, 0], ended
    assert [err for _, err, _ in ended] == ["", ""]
    names = Counter(map(store.label, store.runs()))
    trials = {f"trial {i}": 1 for i in range(5)}
    confirmed = {name: n for name, n in names.items() if name.startswith("confirm")}
    assert names == Counter({**trials, **confirmed, "summary": 1})
    assert set(confirmed.values()) == {1}
    assert len(confirmed) == 4 * 2
    answers = [out.count("\nrepeat ") for out, *_ in ended]
    others = [out.count("one is answered; another worker has said how") for out, *_ in ended]
    assert sorted(answers) == [0, 1]
    assert [a + b for a, b in zip(answers, others, strict=True)] == [1, 1]
    again = command(f"{SHORT} study.workers=0")
    assert again.status == 0
    assert "\nrepeat " in again.out
    assert Counter(map(store.label, store.runs())) == names


def test_what_is_trained_and_not_answered_is_answered_without_workers(
    command, store, worked
) -> None:
    worked(SHORT.removeprefix("-m "))
    assert "summary" not in map(store.label, store.runs())
    ended = command(f"{SHORT} study.workers=0")
    assert (ended.status, ended.out.count("\nrepeat ")) == (0, 1)
    assert list(map(store.label, store.runs())).count("summary") == 1


def test_a_worker_that_is_killed_loses_nothing(
    command, join, eventually, folder, own_module
) -> None:
    own_module("gates", GATE)
    command(f"{GATED} study.workers=0")
    first = join()
    eventually(lambda: len(running()) == 1)
    second = join()
    eventually(lambda: len(running()) == 2)
    first.kill()
    (folder / "open").touch()
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert re.findall(r"the worker of (.*) is gone; queued again", out) == ["trial 0"]
    assert [t.state.name for t in attributes.done(study())] == ["COMPLETE"] * 2
    assert "\nrepeat " in out


@pytest.mark.parametrize(
    "number",
    [
        "SIGUSR2",
        *(pytest.param(n, marks=pytest.mark.stress) for n in ("SIGUSR1", "SIGTERM", "SIGINT")),
    ],
)
def test_the_end_of_the_time_is_no_failure(
    command, store, join, eventually, folder, own_module, number
) -> None:
    own_module("gates", GATE)
    command(f"{GATED} study.workers=0 study.trials=1")
    worker = join()
    eventually(lambda: running() and list(Path(".runner/states").glob("*/*.safetensors")))
    worker.send_signal(getattr(signal, number))
    time.sleep(0.5)  # it hears of it
    (folder / "open").touch()
    out, err = worker.communicate(timeout=60)
    assert worker.returncode == 130, err
    assert out.endswith("\nthis worker ends; what it trained is made again by another one\n")
    found = study()
    assert attributes.crashed(found.trials) == []
    assert [trial.state for trial in found.trials][-1] == TrialState.WAITING
    second = join()
    _, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    (trial,) = attributes.done(study())
    run = store.client.get_run(attributes.outcome(trial)["run_ids"][-1])
    assert int(run.data.tags["reused_steps"]) >= 1000


@pytest.mark.stress
def test_a_time_limit_without_states_must_be_longer_than_a_trial(
    command, store, join, eventually, folder, own_module, capsys, monkeypatch
) -> None:
    own_module("gates", GATE)
    command(f"{GATED} study.workers=0 study.trials=1".replace("states.every=1000", "states=off"))
    worker = join()
    eventually(lambda: running() and Path("reached").exists())
    worker.send_signal(signal.SIGUSR2)
    time.sleep(0.5)
    (folder / "open").touch()
    _, err = worker.communicate(timeout=60)
    line = (
        "note: from its first step, as states=off: a queue's time limit must be longer than a trial"
    )
    assert (worker.returncode, err.splitlines()[-1]) == (130, line)
    had, needed = study().user_attrs[CUT_OFF]
    assert 0 < had < needed
    steps = 2000 * had / needed
    assert steps == pytest.approx(round(steps))
    assert 1450 < steps <= 1501  # of 2000
    names = [run.info.run_name for run in store.runs()]
    for left in (0.9 * needed, 1.2 * had + 90):
        monkeypatch.setenv("SLURM_JOB_END_TIME", str(time.time() + left))
        if left < needed:
            said = refused(capsys, STORAGE, "one")
            assert said.startswith("the queue's time limit must be longer than a trial, got ")
            assert [run.info.run_name for run in store.runs()] == names
        else:
            assert main([STORAGE, "one"]) == 0
    assert len(attributes.done(study())) == 1


def refused(capsys: Any, *words: str) -> str:
    capsys.readouterr()
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return str(line.removeprefix("error: "))


def test_what_is_not_there_is_refused(folder, command, capsys) -> None:
    absent = "STORAGE must be one that there is, got 'sqlite:///optuna.db'"
    assert refused(capsys, STORAGE, "one") == absent
    assert not (folder / "optuna.db").exists()
    command(f"{SHORT} study.workers=0 tracking=off")
    assert refused(capsys, STORAGE, "two") == (
        f"NAME must be a study of {STORAGE}, got 'two'; there are one"
    )
    assert refused(capsys, "nowhere", "one") == (
        "study.storage must be sqlite:///FILE, journal:FILE or a database address, got 'nowhere'"
    )
    usage = "python -m runner.worker must be STORAGE NAME, such as sqlite:///optuna.db"
    assert refused(capsys, "one").startswith(usage)


def test_a_finished_study_is_refused(command, capsys) -> None:
    command(f"{SHORT} tracking=off")
    line = "NAME must be a study with trials left to do, got 'one', finished"
    assert refused(capsys, STORAGE, "one") == line


def test_a_study_whose_answer_was_killed_is_answered(worked, capsys) -> None:
    found = worked(f"{SHORT} tracking=off".removeprefix("-m "))
    found.set_user_attr(attributes.SUMMARY, {"tokens": []})  # what is stored before it is recorded
    assert main([STORAGE, "one"]) == 0
    assert "\nrepeat " in capsys.readouterr().out


def test_a_newer_study_is_refused(command, capsys) -> None:
    command(f"{SHORT} study.workers=0 tracking=off")
    found = study()
    newer = json.loads(found.user_attrs[DEFINITION]) | {"rungs": 3}
    found.set_user_attr(DEFINITION, json.dumps(newer))
    must = "NAME must be a study of this version of the runner, or of an earlier one"
    assert refused(capsys, STORAGE, "one") == f"{must}, got 'one', which has rungs"


def test_other_code_is_refused(folder, command, capsys, own_module) -> None:
    code = "from runner.training.models import Quadratic\nclass Own(Quadratic):\n    size = 1\n"
    own_module("bowls", code)
    line = SHORT.replace("model=quadratic", "model=bowls.Own")
    assert command(f"{line} study.workers=0 tracking=off").status == 0
    (folder / "bowls.py").write_text(code.replace("size = 1", "size = 2"))
    done = subprocess.run(
        [sys.executable, "-m", "runner.worker", STORAGE, "one"],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert (done.returncode, done.stdout) == (2, "")
    line = "error: the code must be that of the study; it differs: bowls\n"
    assert done.stderr == line


def test_other_data_and_versions_are_told(command, capsys) -> None:
    command(f"{SHORT} study.workers=0 tracking=off")
    found = study()
    made = found.user_attrs[MADE_OF]
    found.set_user_attr(MADE_OF, made | {"content": "of others"})
    line = "the training data must be that of the study; it differs"
    assert refused(capsys, STORAGE, "one") == line
    found.set_user_attr(MADE_OF, made | {"versions": made["versions"] | {"torch": "1.0"}})
    assert main([STORAGE, "one"]) == 0
    assert "note: other versions than where the study was made: torch" in capsys.readouterr().err


def test_records_elsewhere_are_refused(command, store, capsys) -> None:
    command(f"{SHORT} study.workers=0")
    found = study()
    made = found.user_attrs[MADE_OF]
    here = made["trackers"][0]
    found.set_user_attr(MADE_OF, made | {"trackers": ["http://host:5000"]})
    assert refused(capsys, STORAGE, "one") == (
        "tracking.uri must lead to where the study is recorded, http://host:5000, "
        f"got {here}; a server is found from everywhere"
    )


def test_the_line_that_joins_can_be_pasted() -> None:
    from runner.study.join import command

    line = command("postgresql+psycopg://me@/db?host=/run/pg", "my study")
    assert shlex.split(line)[3:] == ["postgresql+psycopg://me@/db?host=/run/pg", "my study"]
