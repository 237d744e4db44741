"""Ctrl-C while things load is never lost; what a signal means while a run goes on."""

import os
import signal
from pathlib import Path

import pytest

from runner.interrupts import LIMITS, STOP_FILE, Interrupts, Loading


def test_an_interrupt_that_a_callback_swallowed_comes_at_the_end() -> None:
    before = signal.getsignal(signal.SIGINT)
    reached = []

    def load() -> None:
        with Loading():
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                reached.append("swallowed")
            reached.append("went on")

    with pytest.raises(KeyboardInterrupt):
        load()
    assert reached == ["swallowed", "went on"]
    assert signal.getsignal(signal.SIGINT) is before


def composes(*, interrupted: bool) -> None:
    """Fail as a library does that makes another error of whatever is raised in it."""
    with Loading():
        try:
            if interrupted:
                os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt as error:
            raise ValueError("cannot compose") from error
        raise ValueError("cannot read")


def test_an_interrupt_of_which_a_library_made_another_error_is_one() -> None:
    with pytest.raises(KeyboardInterrupt):
        composes(interrupted=True)
    with pytest.raises(ValueError, match="cannot read"):
        composes(interrupted=False)


def send(*numbers: signal.Signals) -> bool:
    """Send signals to this process while a run goes on; return whether it is to stop."""
    with Interrupts() as interrupts:
        for number in numbers:
            os.kill(os.getpid(), number)
        return interrupts.requested()


def test_a_second_signal_insists_but_a_terminal_that_closes_twice_does_not() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        with pytest.raises(KeyboardInterrupt):
            send(number, number)
    assert send(signal.SIGHUP, signal.SIGHUP)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGHUP, signal.SIGTERM)


def test_under_nohup_a_closed_terminal_means_nothing() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert not send(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        assert send(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_others_of_a_sweep_are_told_unless_a_signal_is_for_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "stop"
    monkeypatch.setenv(STOP_FILE, str(file))
    with Interrupts(alone=True) as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupts.requested()
    assert not file.exists()
    assert send(signal.SIGTERM)
    assert file.exists()


def test_who_loads_a_job_stops_the_whole_sweep(tmp_path, monkeypatch) -> None:
    file = tmp_path / "stop"
    monkeypatch.setenv(STOP_FILE, str(file))
    with pytest.raises(KeyboardInterrupt), Loading():
        os.kill(os.getpid(), signal.SIGINT)
    assert file.exists()


def test_two_signals_at_once_stop_the_whole_sweep(tmp_path, monkeypatch) -> None:
    """The second comes while the first is noted."""
    file = tmp_path / "stop"
    monkeypatch.setenv(STOP_FILE, str(file))
    written = []

    def second(*given: object) -> int:
        written.append(given)
        if len(written) == 1:
            os.kill(os.getpid(), signal.SIGINT)
        return 0

    monkeypatch.setattr(os, "write", second)
    with pytest.raises(KeyboardInterrupt), Interrupts():
        os.kill(os.getpid(), signal.SIGINT)
    assert file.exists()


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_a_limit_is_passed_on_to_who_queues_again(number) -> None:
    heard: list[int] = []

    class UncompletedJobError(Exception):
        """As submitit's, where a job is not queued again."""

    def again(number: int, frame: object) -> None:
        heard.append(number)
        raise UncompletedJobError

    before = signal.signal(number, again)
    try:
        with Interrupts((signal.SIGTERM, *LIMITS)) as interrupts:
            os.kill(os.getpid(), number)
            os.kill(os.getpid(), number)  # said twice, it insists on nothing
            assert interrupts.requested()
        assert heard == []
        interrupts.pass_on()
        assert heard == [number]
    finally:
        signal.signal(number, before)


def test_where_no_signal_came_none_is_passed_on() -> None:
    with Interrupts((signal.SIGTERM, *LIMITS)) as interrupts:
        pass
    interrupts.pass_on()
    assert not interrupts.requested()


def test_an_interrupt_is_passed_on_to_nobody() -> None:
    with Interrupts((signal.SIGTERM, *LIMITS)) as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
    interrupts.pass_on()
    assert interrupts.requested()
