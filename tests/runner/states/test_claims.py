"""Claims: one process trains towards a state, the others wait for it or go on without."""

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from runner.states.claims import Claims
from runner.trial.name import StateName

NAME = StateName("ab" * 32, 500, "cd" * 32)
CLAIMS = """\
claim = Claims(folder).claim(name)
print(os.getpid(), flush=True)
sys.stdin.read()
"""


def answers(values: Iterable[bool]) -> Callable[[], bool]:
    """What a caller says, one answer after the other."""
    left = iter(values)
    return lambda: next(left)


def never() -> bool:
    """What does not happen."""
    return False


def test_a_state_is_claimed_by_one_process_until_it_lets_go(tmp_path: Path, program) -> None:
    holder = program(CLAIMS)
    pid = holder.line()
    claims = Claims(tmp_path)
    assert claims.claim(NAME) is None
    assert claims.holder(NAME) == f"process {pid} on {os.uname().nodename}"
    holder.end()
    assert claims.holder(NAME) == ""
    with claims.claim(NAME):
        assert claims.claim(NAME) is None
    assert claims.holder(NAME) == ""


@pytest.mark.parametrize(
    "other",
    [
        StateName("ab" * 32, 501, "cd" * 32),
        StateName("ab" * 32, 500, "ce" * 32),
        StateName("ac" * 32, 500, "cd" * 32),
    ],
)
def test_other_states_are_free(tmp_path: Path, other: StateName) -> None:
    claims = Claims(tmp_path)
    with claims.claim(NAME):
        assert claims.holder(other) == ""
        with claims.claim(other):
            assert claims.holder(other) != ""


def test_a_killed_process_frees_its_claim_at_once(tmp_path: Path, program, eventually) -> None:
    holder = program(CLAIMS)
    holder.line()
    claims = Claims(tmp_path)
    holder.kill()
    eventually(lambda: not claims.holder(NAME))
    with claims.claim(NAME) as claim:
        assert claim is not None
        assert f"process {os.getpid()} on" in claims.holder(NAME)


def test_what_killed_processes_have_claimed_is_swept_and_nothing_else(
    tmp_path: Path, program, eventually
) -> None:
    one, other = program(CLAIMS), StateName("ab" * 32, 501, "cd" * 32)
    one.line()
    claims = Claims(tmp_path)
    with claims.claim(other):
        claims.sweep()
        assert len(list((tmp_path / "claims").iterdir())) == 2
        one.kill()
        eventually(lambda: not claims.holder(NAME))
        claims.sweep()
        [left] = (tmp_path / "claims").iterdir()
        assert "-501-" in left.name
    claims.sweep()
    assert list((tmp_path / "claims").iterdir()) == []
    Claims(tmp_path / "nowhere").sweep()


def test_a_claim_of_another_machine_is_held_until_it_is_silent(
    tmp_path: Path, program, beat, eventually
) -> None:
    holder = program(CLAIMS, "node7 boot pid:[1]", 0.05)
    pid = holder.line()
    claims = Claims(tmp_path)
    holder.kill()
    holder.process.wait()
    assert claims.holder(NAME) == f"process {pid} on node7"
    assert claims.claim(NAME) is None
    beat(0.05)
    eventually(lambda: not claims.holder(NAME))
    claim = claims.claim(NAME)
    assert claim is not None
    claim.release()


def test_who_has_just_created_its_claim_is_another_process(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    with claims.claim(NAME):
        [file] = (tmp_path / "claims").iterdir()
        file.write_text("")
        assert claims.holder(NAME) == "another process"
        assert claims.claim(NAME) is None
    file.unlink()


def test_in_a_folder_that_cannot_be_written_everybody_trains(tmp_path: Path) -> None:
    (tmp_path / "states").touch()
    claims = Claims(tmp_path / "states")
    with claims.claim(NAME) as one, claims.claim(NAME) as other:
        assert one is not None
        assert other is not None
        assert claims.holder(NAME) == ""
        assert not claims.wait(NAME, never, never)


def test_waiting_ends_when_the_state_is_there(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    with claims.claim(NAME):
        assert claims.wait(NAME, answers([False, False, True]), never, seconds=0.01)
    assert claims.wait(NAME, lambda: True, never)


def test_waiting_ends_when_somebody_asks_to_stop(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    with claims.claim(NAME):
        assert not claims.wait(NAME, never, answers([False, False, True]), seconds=0.01)


def test_waiting_ends_when_the_claim_is_free(tmp_path: Path) -> None:
    assert not Claims(tmp_path).wait(NAME, never, never)


def test_a_state_that_was_saved_just_before_its_claim_was_free_is_seen(tmp_path: Path) -> None:
    assert Claims(tmp_path).wait(NAME, answers([False, True]), never)


@pytest.mark.parametrize("how", ["kill", "end"])
def test_waiting_ends_with_the_process_that_trains(tmp_path: Path, program, how: str) -> None:
    holder = program(CLAIMS)
    holder.line()
    claims = Claims(tmp_path)
    looks = []

    def there() -> bool:
        looks.append(time.monotonic())
        if len(looks) == 3:
            getattr(holder, how)()
        return False

    assert not claims.wait(NAME, there, never, seconds=0.02)
    assert len(looks) >= 4


RACES = """\
log = os.open(folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
claims, go = Claims(folder), sys.stdin.readline()

def say(what):
    os.write(log, f"{what} {os.getpid()}\\n".encode())

def race():
    for i in range(6):
        while (claim := claims.claim(name)) is None:
            time.sleep(0.0002)
        with claim:
            say("begin")
            os.sched_yield()
            say("end")
            if i == 5:
                os.kill(os.getpid(), signal.SIGKILL)

for _ in range(12):
    if not (child := os.fork()):
        race()
    os.waitpid(child, 0)
"""


@pytest.mark.stress
def test_four_processes_that_race_and_are_killed_never_hold_one_claim_at_once(
    tmp_path: Path, program
) -> None:
    racers = [program(RACES) for _ in range(4)]
    for racer in racers:
        racer.process.stdin.write("go\n")
        racer.process.stdin.flush()
    for racer in racers:
        racer.end()
    lines = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert len(lines) == 4 * 12 * 6 * 2
    assert [what for what, _ in lines] == ["begin", "end"] * 288
    assert [pid for _, pid in lines[::2]] == [pid for _, pid in lines[1::2]]
    assert Claims(tmp_path).holder(NAME) == ""
