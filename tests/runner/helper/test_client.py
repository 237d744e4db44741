"""The helper: what it answers, when it dies and when those who ask it do."""

import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import runner
from runner.addresses import host_port
from runner.errors import Mistake
from runner.helper import Lost, Told
from runner.helper.client import Client

ROOT = str(Path(runner.__file__).parents[1])


@pytest.fixture
def client() -> Iterator[Client]:
    made = Client()
    yield made
    made.end()


def test_answers_with_what_a_function_returns_or_raises(client: Client) -> None:
    assert client.ask(divmod, 17, 5) == (3, 2)
    with pytest.raises(FileNotFoundError, match="no-such-file"):
        client.ask(os.stat, "no-such-file")
    with pytest.raises(Told, match="incomplete or truncated stream"):  # zlib.error here
        client.ask(zlib.decompress, zlib.compress(b"abc")[:-3])
    with pytest.raises(Mistake, match=r"^tracking\.uri must be an address like http"):
        client.ask(host_port, "http://host:port")


def test_what_cannot_be_sent_back_is_an_error(client: Client) -> None:
    with pytest.raises((TypeError, Told), match="pickle"):
        client.ask(threading.Lock)
    assert client.ask(divmod, 7, 2) == (3, 1)


def test_finds_the_folder_and_the_environment_of_each_call(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        monkeypatch.setenv("WHERE", name)
        assert client.ask(os.getcwd) == str(tmp_path / name)
        assert client.ask(os.getenv, "WHERE") == name
    monkeypatch.delenv("WHERE")
    assert client.ask(os.getenv, "WHERE") is None


def test_a_slow_call_keeps_no_other_thread_waiting(
    client: Client, tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    client.ask(divmod, 1, 1)
    began = tmp_path / "began"
    slowly = f"open({str(began)!r}, 'w').close() or __import__('time').sleep(60)"

    def ask_slowly() -> None:
        with pytest.raises(Lost):
            client.ask(eval, slowly)

    slow = threading.Thread(target=ask_slowly)
    slow.start()
    eventually(began.exists)  # else it would be asked of the next helper
    assert client.ask(divmod, 9, 2) == (4, 1)
    assert slow.is_alive()
    os.kill(client.ask(os.getpid), signal.SIGKILL)
    slow.join()


def test_a_call_waits_for_those_that_need_another_folder(
    client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    client.ask(divmod, 1, 1)
    began, ended = tmp_path / "began", tmp_path / "ended"
    made = [f"open({str(file)!r}, 'w').close()" for file in (began, ended)]
    slowly = f"{made[0]} or __import__('time').sleep(1) or {made[1]}"
    before = os.getcwd()
    slow = threading.Thread(target=client.ask, args=(eval, slowly))
    slow.start()
    eventually(began.exists)
    monkeypatch.chdir(tmp_path)
    assert client.ask(os.getcwd) == str(tmp_path) != before
    assert ended.exists()
    slow.join()


def test_one_that_is_killed_is_lost_and_the_next_call_has_another(client: Client) -> None:
    first = client.ask(os.getpid)
    os.kill(first, signal.SIGKILL)
    with pytest.raises(Lost, match="the process that delivers records has died"):
        client.ask(os.getpid)
    second = client.ask(os.getpid)
    assert second != first
    assert second == client.ask(os.getpid)


def test_one_that_is_killed_between_two_threads_is_replaced_once(client: Client) -> None:
    os.kill(client.ask(os.getpid), signal.SIGKILL)
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(client.ask(os.getpid))) for _ in "abc"]
    time.sleep(0.2)
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_to_all_processes_leave_it_to_deliver(client: Client, name: str) -> None:
    pid = client.ask(os.getpid)
    os.kill(pid, getattr(signal, name))
    assert client.ask(os.getpid) == pid
    assert os.getpgid(pid) != os.getpgid(0)


STARTS = """
import os, sys, time
from runner.helper import ask
print(ask(os.getpid), flush=True)
{then}
"""


def started(then: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", STARTS.format(then=then)],
        env={**os.environ, "PYTHONPATH": ROOT},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "then", ["", "raise SystemExit(3)", "os._exit(1)", "os.kill(os.getpid(), 9)"]
)
def test_ends_with_who_started_it(
    then: str, eventually: Callable[[Callable[[], object]], None]
) -> None:
    process = started(then)
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.wait()
    process.stdout.close()
    eventually(lambda: not psutil.pid_exists(pid))


def test_stays_while_a_fork_of_who_started_it_asks(
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    then = """
if not os.fork():
    sys.stdin.readline()
    print(ask(os.getpid), flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTS.format(then=then)],
        env={**os.environ, "PYTHONPATH": ROOT},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.wait()
    assert psutil.pid_exists(pid)
    process.stdin.write("\n")
    process.stdin.flush()
    assert int(process.stdout.readline()) == pid
    process.stdout.close()
    process.stdin.close()
    eventually(lambda: not psutil.pid_exists(pid))


def test_files_of_the_working_folder_are_no_modules_of_it(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pickle.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    assert client.ask(divmod, 17, 5) == (3, 2)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(_ for _ in ()).throw(ValueError(lambda: 0))", "lambda"),  # an error that is not sent
        ("(_ for _ in ()).throw(SystemExit('enough'))", "^enough$"),
        ("(_ for _ in ()).throw(KeyboardInterrupt('stop'))", "^stop$"),
    ],
)
def test_an_error_of_any_kind_is_told_and_ends_nothing(
    client: Client, text: str, said: str
) -> None:
    pid = client.ask(os.getpid)
    with pytest.raises(Told, match=said):
        client.ask(eval, text)
    assert client.ask(os.getpid) == pid


def test_what_libraries_print_there_shows_no_password() -> None:
    code = """
import warnings
from runner.helper import ask
ask(warnings.warn, "postgresql://me:sesame@host/runs is old")
"""
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": ROOT}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert "postgresql://me:***@host/runs is old" in done.stderr
    assert "sesame" not in done.stderr
