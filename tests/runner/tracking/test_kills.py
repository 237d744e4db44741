"""A run that is killed at any of its events: the next start ends it, and leaves nothing behind; the
same one goes on with it.

An event is what leaves a trace: a file that is opened to be written, a rename, a folder, a removal,
or a call of MLflow's client that changes something.
"""

from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("kills.py")
FEW = {"run": [14, 16, 17], "delivery": [15, 17, 20]}  # behind create_run; the clean-up
# behind create_run; points are sent; the files
LIVES = {"again": [14, 24, 38], "thrice": [24], "command": [30]}
DIES = ("trainer", "helper", "both")
MOST = 400
EVERY = {"again": 2, "thrice": 3, "command": 8}  # all of them take half an hour: `kills.py` by hand


def check(found: list[dict[str, Any]]) -> None:
    for one in found:
        where = f"event {one['event']}, {one['last']}: {one}"
        assert one["left"] == [], where
        assert "RUNNING" not in one["statuses"], where
        assert one["statuses"].count("FINISHED") >= 1, where  # the next start's own run
        assert one["twice"] == 0, where
        assert one["lost"] == [], where


@pytest.mark.parametrize(("kind", "dies"), [("run", "both"), ("delivery", "helper")])
def test_a_few_kills_leave_nothing_behind(killed: Any, kind: str, dies: str) -> None:
    found = killed(SCRIPT, [kind, dies], FEW[kind])
    assert [one["last"] for one in found if one["last"] == "the end"] == []
    assert len(found) == len(FEW[kind])
    check(found)


@pytest.mark.stress
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("dies", DIES)
@pytest.mark.parametrize("kind", ["run", "delivery"])
def test_no_kill_leaves_anything_behind(killed: Any, kind: str, dies: str) -> None:
    events = list(range(DIES.index(dies) + 1, MOST, len(DIES)))
    found = killed(SCRIPT, [kind, dies], events)
    assert 1 < len(found) < len(events)  # the last one ran to its end
    check(found)


def check_lives(found: list[dict[str, Any]]) -> None:
    for one in found:
        where = f"event {one['event']}, {one['last']}: {one}"
        assert one["left"] == [], where
        assert len(one["runs"]) == one["expected"], where
        for run in one["runs"]:
            assert run["status"] == "FINISHED", where
            for what in ("points", "files"):
                assert run[what] == one["whole"][what], where
            differ = {"reused_from", "reused_steps", "started_from"}
            if "identity" not in one["whole"]["tags"]:
                differ |= {"identity", "heartbeat"}
            assert run["tags"].keys() - differ == one["whole"]["tags"].keys() - differ, where


@pytest.mark.parametrize(("kind", "dies"), list(zip(LIVES, DIES, strict=True)))
def test_the_same_start_goes_on_with_a_killed_run(killed: Any, kind: str, dies: str) -> None:
    found = killed(SCRIPT, [kind, dies], LIVES[kind])
    assert [one["last"] for one in found if one["last"] == "the end"] == []
    assert len(found) == len(LIVES[kind])
    check_lives(found)


@pytest.mark.stress
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("dies", DIES)
@pytest.mark.parametrize("kind", LIVES)
def test_the_same_start_goes_on_with_a_run_that_is_killed_anywhere(
    killed: Any, kind: str, dies: str
) -> None:
    events = list(range(DIES.index(dies) + 1, MOST, EVERY[kind] * len(DIES)))
    found = killed(SCRIPT, [kind, dies], events)
    assert 1 < len(found) < len(events)  # the last one ran to its end
    check_lives(found)
