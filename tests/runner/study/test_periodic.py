"""What is looked at every so often."""

import threading

import pytest

from runner.study.periodic import Periodic


def test_it_calls_until_it_is_closed(eventually) -> None:
    calls = []
    with Periodic(lambda: calls.append(1), lambda: 0.001) as periodic:
        eventually(lambda: len(calls) > 3)
        assert not periodic.is_over()
    ended = len(calls)
    assert periodic.is_over()
    assert not periodic._thread.is_alive()
    assert len(calls) == ended


def test_what_a_call_raises_is_passed_over(eventually) -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        raise OSError("the storage is away")

    with Periodic(call, lambda: 0.001):
        eventually(lambda: len(calls) > 3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_it_is_not_to_pass_over_ends_it(eventually) -> None:
    def call() -> None:
        raise KeyError("a mistake of ours")

    with Periodic(call, lambda: 0.001, despite=OSError) as periodic:
        eventually(lambda: not periodic._thread.is_alive())


def test_who_insists_does_not_wait_for_a_call_that_goes_on() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def call() -> None:
        begun.set()
        go_on.wait()

    periodic = Periodic(call, lambda: 0.001)
    periodic.__enter__()
    begun.wait()
    periodic.stop(wait=False)
    assert periodic._thread.is_alive()
    go_on.set()
    periodic.stop()
    assert not periodic._thread.is_alive()
