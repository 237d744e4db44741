"""Whose worker is still there: on this machine by its process, elsewhere by its beats."""

import contextlib
import os
import signal
from dataclasses import dataclass

import psutil
import pytest

from runner import processes
from runner.study.queue import attributes, heartbeat, locks, queue
from runner.study.queue.claim import claim
from runner.study.queue.heartbeat import Watch, sign_of_life


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
    monkeypatch.setattr(heartbeat, "monotonic", clock)
    return clock


def test_a_sign_of_life_names_this_process() -> None:
    sign = sign_of_life()
    assert (sign["pid"], sign["place"]) == (os.getpid(), processes.place())
    born = psutil.Process().create_time() - psutil.boot_time()
    assert sign["began"] == pytest.approx(born, abs=0.1)


def test_a_silent_trial_of_another_machine_is_lost_after_the_heartbeat(
    address: str, clock: Clock, queues
) -> None:
    study = queues.new_study(address, 1)
    own = queues.running(study, os.getpid(), place="another machine")
    watch = Watch(30)
    for clock.now in (1000.0, 1010.0, 1020.0, 1030.0):
        assert queue.requeue_lost(study, watch) == []
    sign = {**study.trials[0].user_attrs[attributes.WORKER], "beat": "a new one"}
    own.store(attributes.WORKER, sign)
    for clock.now in (1040.0, 1050.0, 1060.0, 1070.0):
        assert queue.requeue_lost(study, watch) == []
    clock.now = 1070.1
    assert queue.requeue_lost(study, watch) == [0]


def test_time_without_a_storage_is_no_silence(address: str, clock: Clock, queues) -> None:
    study = queues.new_study(address, 1)
    queues.running(study, os.getpid(), place="another machine")
    watch = Watch(30)
    for clock.now in (1000.0, 1010.0, 1100.0, 1114.0, 1128.0):
        assert queue.requeue_lost(study, watch) == []
    clock.now = 1131.0
    assert queue.requeue_lost(study, watch) == [0]


def test_a_storage_that_can_be_read_but_not_written_makes_no_trial_lost(
    address: str, clock: Clock, queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer holds the database: the worker's first beat and the suspicion both wait for it."""
    study = queues.new_study(address, 1)
    own = claim(study)
    storage = locks.storage(study)
    usual = storage.set_trial_user_attr

    def locked(trial_id: int, key: str, value: object) -> None:
        usual(trial_id, key, value)
        if key == attributes.SUSPECTED:
            clock.now += 3
            own.store(attributes.WORKER, sign_of_life())

    monkeypatch.setattr(storage, "set_trial_user_attr", locked)
    watch = Watch(2)
    for seconds in range(20):
        clock.now += seconds / 2
        assert queue.requeue_lost(study, watch) == []
    assert attributes.SUSPECTED in study.trials[0].user_attrs
    assert queues.states(study) == {"RUNNING": 1}


def test_a_stopped_process_of_this_machine_is_never_lost(address, clock: Clock, queues) -> None:
    study = queues.new_study(address, 1)
    with queues.asleep() as pid:
        queues.running(study, pid)
        watch = Watch(0.1)
        os.kill(pid, signal.SIGSTOP)
        for clock.now in (1000.0, 1001.0, 1002.0):
            assert queue.requeue_lost(study, watch) == []


@pytest.mark.parametrize("other", ["1", 1.0])
def test_a_process_that_took_over_the_id_of_a_dead_one_is_another(address, other, queues) -> None:
    study = queues.new_study(address, 1)
    own = queues.running(study, os.getpid())
    sign = {**study.trials[0].user_attrs[attributes.WORKER], "began": other}
    own.store(attributes.WORKER, sign)
    assert queue.requeue_lost(study, Watch(30)) == [0]


def test_a_worker_of_an_earlier_version_is_known_by_clock_ticks(address: str, queues) -> None:
    study = queues.new_study(address, 1)
    with queues.asleep() as pid:
        own = queues.running(study, pid)
        with contextlib.closing(open(f"/proc/{pid}/stat")) as file:
            ticks = file.read().rpartition(")")[2].split()[19]
        sign = {**study.trials[0].user_attrs[attributes.WORKER], "began": ticks}
        own.store(attributes.WORKER, sign)
        assert queue.requeue_lost(study, Watch(30)) == []
    assert queue.requeue_lost(study, Watch(30)) == [0]


def test_a_worker_of_an_earlier_version_without_a_beginning_is_known_by_its_beats(
    address: str, clock: Clock, queues
) -> None:
    study = queues.new_study(address, 1)
    own = queues.running(study, os.getpid())
    sign = {**study.trials[0].user_attrs[attributes.WORKER], "began": None}
    own.store(attributes.WORKER, sign)
    watch = Watch(2)
    for clock.now in (1000.0, 1001.0, 1002.0):
        assert queue.requeue_lost(study, watch) == []
    clock.now = 1003.5
    assert queue.requeue_lost(study, watch) == [0]
