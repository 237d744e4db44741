"""What becomes of a study whose workers are killed, interrupted, late or kept from its storage."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import optuna
import psutil
import pytest
from optuna.trial import TrialState

from runner.interrupts import Interrupts
from runner.study.answer.confirm import existing
from runner.study.queue import attributes, queue
from runner.study.queue.claim import Claim, claim
from runner.study.queue.locks import fail
from runner.study.queue.storage import open_storage
from runner.study.work.worker import Worker, work

QUADRATIC = (
    "hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd threads=1 "
    "study.confirm_seeds=0"
)
SHORT = f"{QUADRATIC} train.steps=20 train.eval_every=10"
SLOW = f"{SHORT} model._target_=odd.Slow '~model.w' 'lr=tag(log, interval(1e-3, 0.5))'"


class TakesOver(Interrupts):
    """Takes the trial that runs for lost, after some steps, as another worker does."""

    def __init__(self, study: optuna.Study, steps: int) -> None:
        super().__init__()
        self.study, self.steps = study, steps

    def requested(self) -> bool:
        running = self.study.get_trials(states=(TrialState.RUNNING,))
        if running:
            self.steps -= 1
            if self.steps == 0:
                assert queue.requeue(self.study, running[0], "taken over")
        return super().requested()


def test_a_worker_that_was_taken_for_lost_does_no_harm(started, store, statuses) -> None:
    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=2")
    with TakesOver(study, 12) as interrupts:
        work(study, interrupts, None, None)
    lost = study.trials[0]
    assert (lost.state, lost.user_attrs[attributes.LOST]) == (TrialState.FAIL, "taken over")
    assert [t.number for t in attributes.done(study)] == [1, 2]
    assert attributes.done(study)[-1].params == lost.params
    assert [t.number for t in study.trials if t.user_attrs.get(attributes.RETRY_OF) == 0] == [2]
    marked = [run for run in store.runs() if "lost" in run.data.tags]
    assert list(map(store.label, marked)) == ["trial 0"]
    assert statuses() == {"KILLED": 1, "FINISHED": 2}


@pytest.mark.parametrize("look", range(1, 8))
def test_a_trial_that_is_lost_between_two_looks_is_made_before_a_worker_ends(
    started, monkeypatch, look: int
) -> None:
    words = "study.trials=1 study.storage=journal:optuna.journal tracking=off"
    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' {words}")
    other = claim(study)
    usual, looks = optuna.Study.get_trials, []

    def get_trials(self: Any, *given: Any, **named: Any) -> Any:
        looks.append(given)
        if len(looks) == look:  # whoever gives it up queues it again too late, or never
            assert fail(study, other._trial, attributes.LOST, attributes.GONE)
        return usual(self, *given, **named)

    with other, Interrupts() as interrupts:
        monkeypatch.setattr(optuna.Study, "get_trials", get_trials)
        work(study, interrupts, None, None)
        monkeypatch.undo()
    assert len(looks) > look
    assert [trial.state for trial in study.trials] == [TrialState.FAIL, TrialState.COMPLETE]


def test_a_trial_that_another_worker_queues_between_two_looks_is_waited_for(
    started, monkeypatch
) -> None:
    total = queue.AHEAD + 2
    words = f"study.trials={total} study.storage=journal:optuna.journal tracking=off"
    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' {words}")
    usual = queue.fill

    def fill(*given: Any, **named: Any) -> int:
        usual(*given, **named)  # the other one is faster
        return usual(*given, **named)

    with Interrupts() as interrupts:
        monkeypatch.setattr(queue, "fill", fill)
        work(study, interrupts, None, None)
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * total


def test_a_run_that_ends_after_its_trial_was_taken_is_no_finished_run(
    started, store, monkeypatch, statuses
) -> None:
    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=2")
    usual = Claim.end
    taken = []

    def end(self: Claim, *rest: Any) -> bool:
        if not taken:
            taken.append(self.number)
            assert queue.requeue(study, study.trials[self.number], "taken over")
        return usual(self, *rest)

    monkeypatch.setattr(Claim, "end", end)
    with Interrupts() as interrupts:
        work(study, interrupts, None, None)
    assert [t.number for t in attributes.done(study)] == [1, 2]
    (marked,) = [run for run in store.runs() if "lost" in run.data.tags]
    assert marked.data.tags["lost"] == "trial 0 was taken for lost and queued again"
    assert statuses() == {"FAILED": 1, "FINISHED": 2}


def children(process: "subprocess.Popen[str]") -> list[int]:
    """The workers: processes with a session of their own, which another one has forked."""
    found = psutil.Process(process.pid).children(recursive=True)
    forked = [child.pid for child in found if child.ppid() != process.pid]
    return [pid for pid in forked if os.getsid(pid) == pid]


def alive(pids: list[int]) -> list[int]:
    return list(filter(psutil.pid_exists, pids))


def wait_for(process: "subprocess.Popen[str]", text: str) -> None:
    """Read what a process prints, until a line holds a text."""
    assert any(text in line for line in process.stdout), text


def wait_until_heard(process: "subprocess.Popen[str]") -> None:
    """Read until a first Ctrl-C was heard: two that come together may count as one."""
    assert any("(again: at once)" in line for line in process.stderr)


@pytest.mark.stress
def test_a_killed_worker_is_replaced_and_its_trial_made_again(
    shell, folder, odd, statuses, the_study, workers_of, kill_in_a_trial
) -> None:
    process = shell(f"-m {SLOW} study.trials=6 study.workers=2")
    wait_for(process, "trial 1")
    study = the_study()
    kill_in_a_trial(workers_of(study).pop(), study)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "is gone; queued again" in out
    (lost,) = study.get_trials(states=(TrialState.FAIL,))
    (again,) = [t for t in study.trials if t.user_attrs.get(attributes.RETRY_OF) == lost.number]
    assert again.params == lost.params
    assert len(attributes.done(study)) == 6
    assert statuses() == {"FAILED": 1, "FINISHED": 6}


@pytest.mark.stress
def test_a_killed_start_is_gone_on_with_by_the_next(
    shell, command, folder, odd, statuses, the_study, kill_in_a_trial
) -> None:
    line = f"-m {SLOW} +model.seconds=0.05 study.trials=4"
    process = shell(line)
    wait_for(process, "trial 1")
    study = the_study()
    kill_in_a_trial(process.pid, study)
    process.communicate()
    done_before = attributes.done(study)
    (lost,) = study.get_trials(states=(TrialState.RUNNING,))
    again = command(line)
    assert again.status == 0
    assert f"study     {study.study_name}: {len(done_before)} of 4 trials done" in again.out
    assert f"the worker of trial {lost.number} is gone; queued again" in again.out
    again = study.trials[-1]
    assert (again.user_attrs[attributes.RETRY_OF], again.params) == (lost.number, lost.params)
    assert len(attributes.done(study)) == 4
    assert statuses() == {"FAILED": 1, "FINISHED": 4}


@pytest.mark.stress
def test_workers_whose_starter_was_killed_end_after_their_step(
    shell, folder, odd, statuses, the_study, eventually
) -> None:
    process = shell(f"-m {SLOW} study.trials=50 study.workers=2")
    wait_for(process, "trial 1")
    workers = children(process)
    assert len(workers) == 2
    process.kill()
    process.communicate()
    eventually(lambda: alive(workers) == [])
    study = the_study()
    assert queue.left(study)[1] == 0
    assert len(attributes.done(study)) < 50
    assert "RUNNING" not in statuses()


def test_too_many_crashes_stop_the_study_with_status_1(
    command, store, folder, odd, the_study
) -> None:
    line = f"-m {SHORT} model._target_=odd.Fragile '~model.w' study.max_failures=2 study.trials=9"
    line += " 'lr=tag(log, interval(1e-3, 0.5))' +model.breaks=soon"
    assert command(line).status == 1
    study = the_study()
    assert queue.left(study)[1] == 0
    assert queue.crashes(study) == 3
    assert command(line).status == 1  # the next start forgives what was before
    assert queue.crashes(study) == 6


@pytest.mark.parametrize(
    ("workers", "number"),
    [
        (1, signal.SIGHUP),
        pytest.param(2, signal.SIGINT, marks=pytest.mark.stress),
        pytest.param(2, signal.SIGHUP, marks=pytest.mark.stress),
    ],
)
def test_a_signal_ends_in_order_and_the_same_study_goes_on(
    workers: int, number: signal.Signals, shell, started, folder, odd, statuses, the_study
) -> None:
    line = f"{SLOW} study.trials=6 study.workers={workers}"
    process = shell(f"-m {line}")
    wait_for(process, "trial 1")
    pids = children(process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted; the same command goes on" in out
    assert re.search(r"^rank +trial +val loss", out, re.MULTILINE)
    assert alive(pids) == []
    study = the_study()
    so_far = len(attributes.done(study))
    assert 2 <= so_far < 6
    assert queue.left(study)[1] == 0
    again = [t for t in study.trials if attributes.RETRY_OF in t.user_attrs]
    for trial in again:
        original = study.trials[trial.user_attrs[attributes.RETRY_OF]]
        assert original.user_attrs[attributes.LOST] == "interrupted"
        assert trial.system_attrs["fixed_params"] == original.params
    same = started(line)
    with Interrupts() as interrupts:
        work(same, interrupts, None, None)
    assert same.study_name == study.study_name
    assert len(attributes.done(study)) == 6
    assert statuses() == Counter(KILLED=len(again), FINISHED=6)


@pytest.mark.stress
@pytest.mark.parametrize("workers", [1, 2])
def test_a_second_ctrl_c_ends_at_once_and_nothing_stays(
    workers: int, shell, store, folder, odd, the_study, workers_of
) -> None:
    line = f"-m {SLOW} +model.seconds=1 study.trials=4 study.workers={workers} train.steps=1000"
    process = shell(line)
    wait_for(process, "study")
    study = the_study()
    workers_of(study)
    pids = children(process)
    process.send_signal(signal.SIGINT)
    wait_until_heard(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "made again when the same command goes on" in out
    assert attributes.done(study) == []
    assert alive(pids) == []


@pytest.mark.stress
def test_a_signal_to_one_worker_ends_it_alone(
    shell, folder, odd, statuses, the_study, workers_of, eventually
) -> None:
    process = shell(f"-m {SLOW} study.trials=8 study.workers=2")
    wait_for(process, "trial 1")
    first = min(workers_of(the_study()))
    os.kill(first, signal.SIGTERM)
    eventually(lambda: alive([first]) == [])
    assert process.poll() is None
    _, err = process.communicate(timeout=90)
    assert process.returncode == 0, err
    study = the_study()
    assert len(attributes.done(study)) == 8
    assert queue.left(study) == (0, 0)
    assert statuses()["KILLED"] <= 1


def late_after(trials: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the deadline pass while the next trial trains."""

    def is_late(self: Worker) -> bool:
        return not self.confirms and len(attributes.done(self.study)) >= trials

    monkeypatch.setattr(Worker, "_is_late", is_late)


def test_a_deadline_ends_this_start_and_the_next_goes_on(started, store, monkeypatch) -> None:
    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=5")
    with monkeypatch.context() as patch, Interrupts() as interrupts:
        late_after(2, patch)
        assert Worker(study, interrupts).work()
    assert [t.number for t in attributes.done(study)] == [0, 1]
    assert queue.left(study)[1] == 0
    with Interrupts() as interrupts:
        assert Worker(study, interrupts).work()
    assert [t.number for t in attributes.done(study)] == [0, 1, 2, 3, 4]


def test_a_deadline_that_has_passed_lets_no_trial_begin(started, store) -> None:
    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=5")
    with Interrupts() as interrupts:
        Worker(study, interrupts, deadline=time.time() - 1).work()
    assert attributes.done(study) == []


LOCKS = """\
import sqlite3, sys, time
connection = sqlite3.connect("optuna.db", isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[1]))
connection.execute("ROLLBACK")
"""


def locks(seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", LOCKS, str(seconds)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "locked\n"
    return holder


@pytest.mark.stress
def test_a_storage_that_is_locked_for_three_seconds_loses_nothing(
    shell, folder, odd, statuses, the_study
):
    process = shell(f"-m {SLOW} study.trials=6 study.workers=2 study.heartbeat_seconds=2")
    wait_for(process, "trial 1")
    locks(3).communicate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    study = the_study()
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 6
    assert statuses() == {"FINISHED": 6}


def test_a_storage_that_is_locked_at_the_start_is_one_line(command, store, folder) -> None:
    open_storage("sqlite:///optuna.db")
    holder = locks(60)
    done = command(f"-m {SHORT} 'lr=interval(0.1, 0.2)'")
    holder.kill()
    holder.communicate()
    assert done.status == 2
    assert done.err == (
        "error: study.storage must be a database that takes studies and answers within 8 s, "
        "got sqlite:///optuna.db: database is locked\n"
    )
    assert optuna.get_all_study_names(open_storage("sqlite:///optuna.db")) == []
    assert store.experiments() == []


def test_a_deadline_ends_the_search_and_its_answer_is_confirmed(
    started, store, monkeypatch
) -> None:
    line = f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=50 study.confirm_seeds=1"
    study = started(line)
    late_after(3, monkeypatch)
    with Interrupts() as interrupts:
        work(study, interrupts, None, None)
    assert len(attributes.done(study)) == 3
    again = existing(study)
    assert queue.left(again) == (0, 0)
    assert len(attributes.done(again)) == 3


@pytest.mark.stress
def test_two_starts_at_the_same_moment_share_the_total(shell, store, folder, odd, statuses) -> None:
    line = f"-m {SLOW} study.trials=8 study.confirm_seeds=1"
    first, second = shell(line), shell(line)
    for process in (first, second):
        _, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
    storage = open_storage("sqlite:///optuna.db")
    name, confirm = sorted(optuna.get_all_study_names(storage))
    study, confirmed = (optuna.load_study(study_name=n, storage=storage) for n in (name, confirm))
    assert len(attributes.done(study)) == 8
    assert sum(bool(t.user_attrs.get("baseline")) for t in attributes.done(study)) == 1
    assert len({t.user_attrs["worker"]["pid"] for t in attributes.done(study)}) == 2
    assert len(attributes.done(confirmed)) == 4
    assert queue.left(study) == queue.left(confirmed) == (0, 0)
    assert statuses() == {"FINISHED": 12}
    assert [r.data.tags.get("kind") for r in store.runs()].count("summary") == 1
