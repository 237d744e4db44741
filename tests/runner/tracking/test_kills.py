"""A run that is killed at any of its events: the next start ends it, and leaves nothing behind.

An event is what leaves a trace: a file that is opened to be written, a rename, a folder, a removal,
or a call of MLflow's client that changes something.
"""

from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("kills.py")
FEW = {"run": [14, 16, 17], "delivery": [15, 17, 20]}  # behind create_run; the clean-up
MOST = 400


def check(found: list[dict[str, Any]]) -> None:
    for one in found:
        where = f"event {one['event']}, {one['last']}: {one}"
        assert one["left"] == [], where
        assert "RUNNING" not in one["statuses"], where
        assert one["statuses"].count("FINISHED") >= 1, where  # the next start's own run
        assert one["twice"] == 0, where
        assert one["lost"] == [], where


@pytest.mark.parametrize("kind", ["run", "delivery"])
def test_a_few_kills_leave_nothing_behind(killed: Any, kind: str) -> None:
    found = killed(SCRIPT, [kind], FEW[kind])
    assert len(found) == len(FEW[kind])
    check(found)


@pytest.mark.stress
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["run", "delivery"])
def test_no_kill_leaves_anything_behind(killed: Any, kind: str) -> None:
    found = killed(SCRIPT, [kind], list(range(1, MOST)))
    assert len(found) < MOST - 1  # the last one ran to its end
    check(found)
