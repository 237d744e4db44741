"""Many processes share the trials of a study: none lost, none doubled, totals exact."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from runner.errors import Mistake
from runner.results.definition import Definition, Goal
from runner.study.queue import attributes, history, queue
from runner.study.queue import heartbeat as beats
from runner.study.queue.storage import make, open_storage

CLAIMS = """\
import sys, time
from runner.study import beats, queue
from runner.results.definition import Definition, Goal
from runner.study.queue.storage import make, open_storage

address, total, fills = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "fills"
definition = Definition("test", {}, (), {}, (Goal("val/loss", "minimize"),), trials=total)
study = make(open_storage(address), "test", definition)
while (trial := queue.claim(study)) is not None or queue.fill(study):
    if trial is None:
        continue
    beats.beat(study._storage, trial._trial_id)
    x = trial.suggest_float("x", 0, 1)
    trial.report(x, 50)
    assert queue.end(study, trial, {"x": x}, [x])
    print(trial.number, flush=True)
"""
DEFAULTS: dict[str, Any] = {"goals": (Goal("val/loss", "minimize"),)}


def new_study(address: str, total: int) -> optuna.Study:
    """A study with its waiting trials."""
    definition = Definition("test", {}, (), {}, trials=total, **DEFAULTS)
    study = make(open_storage(address), "test", definition)
    queue.fill(study)
    return study


def retotal(study: optuna.Study, total: int) -> None:
    """Another start of the study asks for another total."""
    definition = Definition.from_json(study.user_attrs[attributes.DEFINITION])
    study.set_user_attr(attributes.DEFINITION, replace(definition, trials=total).as_json())


def states(study: optuna.Study) -> Counter[str]:
    """How many trials there are of each state, those that are lost or left over by that."""
    return Counter(
        trial.user_attrs.get(attributes.LOST, trial.state.name)
        if trial.state == TrialState.FAIL
        else trial.state.name
        for trial in study.get_trials(deepcopy=False)
    )


def process(address: str, total: int, how: str) -> "subprocess.Popen[str]":
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


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of Watch."""
    clock = Clock()
    monkeypatch.setattr(beats, "monotonic", clock)
    return clock


@contextlib.contextmanager
def asleep() -> Iterator[int]:
    """A living process that does nothing."""
    child = subprocess.Popen(["sleep", "60"])
    try:
        yield child.pid
    finally:
        child.kill()
        child.wait()


def running(study: optuna.Study, pid: int, place: str = "") -> optuna.Trial:
    """A claimed trial whose worker is another process, or one of another machine."""
    trial = queue.claim(study)
    assert trial is not None
    trial.suggest_float("x", 0, 1)
    sign = {
        "place": place or beats.place(),
        "pid": pid,
        "began": beats._began(pid),
        "beat": time.time(),
    }
    trial.set_user_attr(attributes.WORKER, sign)
    return trial


def test_four_processes_end_each_trial_once(address: str) -> None:
    study = new_study(address, 40)
    numbers = claimed([process(address, 40, "fills") for _ in range(4)])
    assert sorted(numbers) == list(range(40))
    assert states(study) == {"COMPLETE": 40}
    assert all(trial.values == [trial.user_attrs["outcome"]["x"]] for trial in study.trials)


def test_starts_at_the_same_moment_make_the_total_once(address: str) -> None:
    open_storage(address)
    numbers = claimed([process(address, 12, "fills") for _ in range(3)])
    study = optuna.load_study(study_name="test", storage=open_storage(address))
    assert len(numbers) == len(set(numbers)) == 12
    counted = states(study)
    assert counted.pop("left over", 0) == len(study.trials) - 12
    assert counted == {"COMPLETE": 12}


def test_a_raised_total_is_reached_and_a_lowered_one_is_not_passed(address: str) -> None:
    study = new_study(address, 4)
    assert sorted(claimed([process(address, 4, "claims")])) == [0, 1, 2, 3]
    retotal(study, 7)
    assert queue.fill(study) == 3
    assert claimed([process(address, 6, "claims")]) == [4, 5]
    assert states(study) == {"COMPLETE": 6, "left over": 1}


def test_the_first_trial_is_claimed_by_what_was_known_a_moment_ago(address: str) -> None:
    study = new_study(address, 2)
    known = study.get_trials(deepcopy=False)
    claimed = [queue.claim(study, known=known), queue.claim(study, known=known)]
    assert [trial.number for trial in claimed if trial] == [0, 1]
    assert queue.claim(study, known=known) is None


def test_a_total_that_another_start_lowers_ends_the_worker(address: str) -> None:
    study = new_study(address, 40)
    worker = process(address, 40, "fills")
    assert worker.stdout is not None
    for _ in range(5):
        worker.stdout.readline()
    retotal(study, 3)
    assert len(claimed([worker])) < 35
    assert states(study)["left over"] <= queue.AHEAD
    assert set(states(study)) <= {"COMPLETE", "left over"}


def test_what_was_told_in_spite_of_a_loss_is_seen_by_samplers(address: str) -> None:
    study = new_study(address, 2)
    trial = queue.claim(study)
    trial.suggest_float("x", 0, 1)
    trial.set_user_attr(attributes.LOST, attributes.GONE)  # and then its worker was faster
    assert queue.end(study, trial, {}, [1.0])
    seen = history._History(study, study.trials)
    assert [t.number for t in seen.get_trials(states=(TrialState.COMPLETE,))] == [0]


def test_a_trial_of_a_dead_process_is_queued_again_at_once(address: str) -> None:
    study = new_study(address, 2)
    with asleep() as pid:
        lost = running(study, pid)
        assert queue.requeue(study, beats.Watch(30)) == []
    assert queue.requeue(study, beats.Watch(30)) == [lost.number]
    assert queue.requeue(study, beats.Watch(30)) == []
    again = study.trials[-1]
    assert (again.state, again.user_attrs[attributes.RETRY_OF]) == (TrialState.WAITING, lost.number)
    assert queue.claim(study).suggest_float("x", 0, 1) == lost.params["x"]
    assert queue.claim(study).number == 1
    assert queue.claim(study) is None
    assert states(study) == {"its worker is gone": 1, "RUNNING": 2}


def test_a_silent_trial_of_another_machine_is_queued_again_after_the_heartbeat(
    address: str, clock: Clock
) -> None:
    study = new_study(address, 1)
    trial = running(study, os.getpid(), place="another machine")
    watch = beats.Watch(30)
    for clock.now in (1000.0, 1010.0, 1020.0, 1030.0):
        assert queue.requeue(study, watch) == []
    sign = {**study.trials[0].user_attrs[attributes.WORKER], "beat": "a new one"}
    trial.set_user_attr(attributes.WORKER, sign)
    for clock.now in (1040.0, 1050.0, 1060.0, 1070.0):
        assert queue.requeue(study, watch) == []
    clock.now = 1070.1
    assert queue.requeue(study, watch) == [0]


def test_time_without_a_storage_is_no_silence(address: str, clock: Clock) -> None:
    study = new_study(address, 1)
    running(study, os.getpid(), place="another machine")
    watch = beats.Watch(30)
    for clock.now in (1000.0, 1010.0, 1100.0, 1114.0, 1128.0):
        assert queue.requeue(study, watch) == []
    clock.now = 1131.0
    assert queue.requeue(study, watch) == [0]


def test_a_storage_that_can_be_read_but_not_written_makes_no_trial_lost(
    address: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer holds the database: the worker's first beat and the suspicion both wait for it."""
    study = new_study(address, 1)
    trial = queue.claim(study)
    usual = study._storage.set_trial_user_attr

    def locked(trial_id: int, key: str, value: object) -> None:
        if key == attributes.SUSPECTED:
            clock.now += 3
            usual(trial_id, key, value)
            assert beats.beat(study._storage, trial._trial_id)
        else:
            usual(trial_id, key, value)

    monkeypatch.setattr(study._storage, "set_trial_user_attr", locked)
    watch = beats.Watch(2)
    for seconds in range(20):
        clock.now += seconds / 2
        assert queue.requeue(study, watch) == []
    assert attributes.SUSPECTED in study.trials[0].user_attrs
    assert states(study) == {"RUNNING": 1}


def test_a_slow_process_of_this_machine_is_never_lost(address: str, clock: Clock) -> None:
    study = new_study(address, 1)
    with asleep() as pid:
        running(study, pid)
        watch = beats.Watch(0.1)
        os.kill(pid, signal.SIGSTOP)
        for clock.now in (1000.0, 1001.0, 1002.0):
            assert queue.requeue(study, watch) == []


def test_a_process_that_took_over_the_id_of_a_dead_one_is_another(address: str) -> None:
    study = new_study(address, 1)
    trial = running(study, os.getpid())
    sign = {**trial.user_attrs[attributes.WORKER], "began": "1"}
    trial.set_user_attr(attributes.WORKER, sign)
    assert queue.requeue(study, beats.Watch(30)) == [0]


def test_what_a_lost_worker_tells_is_ignored(address: str) -> None:
    study = new_study(address, 1)
    trial = queue.claim(study)
    assert queue.again(study, trial._trial_id, "taken over")
    assert not queue.again(study, trial._trial_id, "taken over twice")
    assert not beats.beat(study._storage, trial._trial_id)
    assert not queue.end(study, trial, {}, [1.0])
    assert not queue.end(study, trial, {}, None, TrialState.FAIL)
    assert states(study) == {"taken over": 1, "WAITING": 1}


def test_an_ended_trial_is_not_queued_again(address: str) -> None:
    study = new_study(address, 1)
    trial = queue.claim(study)
    assert queue.end(study, trial, {}, [1.0])
    assert not queue.again(study, trial._trial_id, "too late")
    assert states(study) == {"COMPLETE": 1}


def test_a_repetition_keeps_what_was_asked_for(address: str) -> None:
    study = new_study(address, 1)
    study.enqueue_trial({"x": 0.25}, user_attrs={"baseline": True, "cell": {"x": 0.25}})
    trial = queue.claim(study)  # and its worker dies before it draws anything
    trial.set_user_attr(attributes.VALUES, {"x": 0.25})
    assert queue.again(study, trial._trial_id, "gone")
    again = queue.claim(study)
    assert again.user_attrs == {"baseline": True, "cell": {"x": 0.25}, "retry_of": 1}
    assert again.suggest_float("x", 0, 1) == 0.25


def test_what_is_asked_for_twice_is_made_once(address: str) -> None:
    study = new_study(address, 3)
    for attrs in ({"baseline": True}, {"baseline": True}, {"cell": {"x": 1}}, {"cell": {"x": 1}}):
        study.enqueue_trial({}, user_attrs=attrs)
    got = []
    while (trial := queue.claim(study)) is not None:
        got.append(trial.number)
        queue.end(study, trial, {}, [0.0])
    assert got == [0, 3, 5]
    assert states(study) == {"COMPLETE": 3, "left over": 4}


def test_a_trial_forgotten_between_its_end_and_its_repetition_is_found(address: str) -> None:
    study = new_study(address, 2)
    trial = queue.claim(study)
    x = trial.suggest_float("x", 0, 1)
    assert queue._drop(study, trial._trial_id, "its worker is gone")
    assert queue.fill(study) == 1
    assert queue.claim(study).suggest_float("x", 0, 1) == x


def test_a_trial_that_kills_its_workers_counts_as_crashed(address: str) -> None:
    study = new_study(address, 1)
    for _ in range(3):
        with asleep() as pid:
            running(study, pid)
        queue.requeue(study, beats.Watch(30))
    assert queue.failures(study) == 1
    assert queue.left(study) == (0, 0)
    assert attributes.outcome(study.trials[-1])["reason"] == "its worker was killed 3 times"
    assert [t.params["x"] for t in study.trials] == [study.trials[0].params["x"]] * 3


def test_beats_go_on_until_another_takes_the_trial(address: str) -> None:
    study = new_study(address, 1)
    trial = queue.claim(study)
    with beats.Beats(study._storage, 0.6) as own:
        with own.of(trial._trial_id):
            first = study.trials[0].user_attrs[attributes.WORKER]["beat"]
            time.sleep(0.6)
            assert study.trials[0].user_attrs[attributes.WORKER]["beat"] > first
            assert not own.lost
            queue.again(study, trial._trial_id, "taken over")
            until = time.monotonic() + 5
            while not own.lost and time.monotonic() < until:
                time.sleep(0.05)
        assert own.lost


def test_a_database_that_is_locked_for_a_moment_is_waited_for(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("runner.study.queue.storage.BUSY_SECONDS", 0.2)
    study = new_study(f"sqlite:///{folder}/optuna.db", 2)
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCKS, "optuna.db", "2"], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "locked\n"
    began = time.monotonic()
    trial = queue.claim(study)
    assert 1 < time.monotonic() - began < 8
    assert queue.end(study, trial, {}, [1.0])
    holder.communicate()
    assert states(study) == {"COMPLETE": 1, "WAITING": 1}


LOCKS = """\
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("sqlite:///locked.db", "database is locked"),
        ("sqlite:///text.db", "file is not a database"),
        ("sqlite:///absent/optuna.db", "study.storage must lie in a folder that exists"),
        ("journal:absent/optuna.journal", "study.storage must lie in a folder that exists"),
        ("journal:text.db", "a journal file that can be read and written"),
        ("postgresql+psycopg://me@127.0.0.1:9/runs", "answers within 8 s, got"),
        ("postgresql+nothing://me@127.0.0.1/runs", "got postgresql"),
        ("optuna.db", "sqlite:///FILE, journal:FILE or a database address"),
    ],
)
def test_a_storage_that_takes_no_studies_is_one_line(
    address: str, line: str, folder: Path, monkeypatch
) -> None:
    monkeypatch.setattr("runner.study.queue.storage.ANSWER_SECONDS", 1)
    Path("text.db").write_text("some notes\nthat are no database\n" * 100)
    with contextlib.closing(sqlite3.connect("locked.db", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE mine (x)")
        connection.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with pytest.raises(Mistake, match=r"^study\.storage must .*") as mistake:
            open_storage(address)
    assert line.replace("8 s", "2 s") in str(mistake.value)
    assert "\n" not in str(mistake.value)
    assert time.monotonic() - began < 5
