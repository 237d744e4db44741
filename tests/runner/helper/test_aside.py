"""What the helper does meanwhile: there, in order, and all of it done when the block ends."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.helper import Aside, aside
from runner.helper.client import Client


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    made = Client()
    monkeypatch.setattr(aside, "client", made)
    yield made
    made.end()


def note(file: Path, word: str, seconds: float = 0.0) -> None:
    """Write down who came with a word."""
    time.sleep(seconds)
    with file.open("a") as told:
        told.write(f"{word} {os.getpid()} {threading.current_thread().name}\n")


def note_here(file: Path, pid: int) -> None:
    """Write down who came, where that is the process of a test; else never end."""
    if os.getpid() != pid:
        time.sleep(60)
    note(file, "here")


def noted(file: Path) -> list[list[str]]:
    return [line.split(maxsplit=2) for line in file.read_text().splitlines()]


def test_the_helper_does_all_in_order_while_the_block_goes_on(
    client: Client, tmp_path: Path
) -> None:
    client.start()
    with Aside() as one:
        one.begin(note, tmp_path / "file", "first", 0.5)
        one.begin(note, tmp_path / "file", "second")
        assert not (tmp_path / "file").exists()
    found = noted(tmp_path / "file")
    assert [word for word, *_ in found] == ["first", "second"]
    assert len({pid for _, pid, _ in found} - {str(os.getpid())}) == 1


def test_without_a_helper_the_thread_of_the_block_does_it(client: Client, tmp_path: Path) -> None:
    with Aside() as one:
        one.begin(note, tmp_path / "file", "here")
        assert noted(tmp_path / "file") == [["here", str(os.getpid()), "MainThread"]]
    assert not client.has_started


def test_what_a_helper_that_dies_has_not_done_is_done_by_the_thread_of_the_block(
    client: Client, tmp_path: Path
) -> None:
    client.start()
    pid = client.ask(os.getpid)
    with Aside() as one:
        one.begin(note_here, tmp_path / "file", os.getpid())
        time.sleep(0.2)
        os.kill(pid, signal.SIGKILL)
    assert noted(tmp_path / "file") == [["here", str(os.getpid()), "MainThread"]]


def test_what_fails_there_is_raised_when_the_block_ends(client: Client) -> None:
    client.start()
    with pytest.raises(FileNotFoundError, match="no-such-file"), Aside() as one:
        one.begin(os.stat, "no-such-file")


def test_an_error_of_the_block_waits_for_nothing(client: Client, tmp_path: Path) -> None:
    client.start()

    def fail() -> None:
        with Aside() as one:
            one.begin(note, tmp_path / "file", "late", 20)
            one.begin(note, tmp_path / "file", "never")
            raise KeyError("own")

    with pytest.raises(KeyError, match="own"):
        fail()
    assert not (tmp_path / "file").exists()
    client.end()
