"""Which process an id means: another one sees the same, and knows when it has ended."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from runner.processes import began, has_ended


@pytest.fixture
def asleep() -> Iterator["subprocess.Popen[bytes]"]:
    """A living process that does nothing."""
    child = subprocess.Popen(["sleep", "60"])
    yield child
    child.kill()
    child.wait()


def test_two_processes_agree_when_a_third_began_and_nobody_knows_of_a_dead_one(asleep) -> None:
    code = "import sys; from runner.processes import began; print(began(int(sys.argv[1])))"
    other = subprocess.run([sys.executable, "-c", code, str(asleep.pid)], capture_output=True)
    assert float(other.stdout) == pytest.approx(began(asleep.pid), abs=0.01)
    asleep.kill()
    asleep.wait()
    assert began(asleep.pid) is None


def test_a_process_has_ended_when_it_is_killed_before_anybody_has_waited_for_it(
    asleep, eventually
) -> None:
    then = began(asleep.pid)
    assert not has_ended(asleep.pid, then)
    asleep.kill()
    eventually(lambda: psutil.Process(asleep.pid).status() == psutil.STATUS_ZOMBIE)
    assert has_ended(asleep.pid, then)


def test_a_later_process_of_the_same_id_is_another(asleep) -> None:
    assert has_ended(asleep.pid, began(asleep.pid) - 1)
