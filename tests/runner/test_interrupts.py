"""Ctrl-C while things load is never lost."""

import os
import signal

import pytest

from runner.interrupts import Loading


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


def test_without_one_nothing_happens() -> None:
    with Loading() as loading:
        loading.check()
