"""A study that is killed at any of its events: the same command goes on, as if nothing had been.

It is killed while it is made, while its trials and what confirms them are claimed, trained and
ended, and while its answer is drawn and recorded.
"""

from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("kills.py")
FEW = {"work": [120], "fused": [125], "conclude": [118]}
MOST = 2000
DIES = ("trainer", "helper", "both")
SQLITE, JOURNAL = "sqlite:///optuna.db", "journal:optuna.journal"
EVERY = {SQLITE: 40, JOURNAL: 120}  # all of them take half an hour: `kills.py` by hand
DRAWN = [
    *("history.png", "importance.png", "parallel.png", "slices.png"),
    *("trace.png", "traces.png"),
]


def check(found: list[dict[str, Any]]) -> None:
    for one in found:
        where = f"event {one['event']}, {one['last']}: {one}"
        assert one["states"] == [{"COMPLETE": 2}, {"COMPLETE": 2}], where
        assert one["running"] == [], where
        confirmed = {f"confirm {name} seed 10000": 1 for name in one["labels"]}
        trained = dict.fromkeys(one["labels"], 1)
        assert one["ended"] == trained | confirmed | {"summary": 1}, where
        assert one["summary"], where
        assert f" lr={one['best']} " in one["out"], where
        assert one["files"] == [DRAWN, DRAWN], where
        assert one["left"] == [], where


@pytest.mark.parametrize(("kind", "dies"), list(zip(FEW, DIES, strict=True)))
def test_a_few_kills_change_nothing(killed: Any, kind: str, dies: str) -> None:
    found = killed(SCRIPT, [kind, SQLITE, dies], FEW[kind])
    assert [one["last"] for one in found if one["last"] == "the end"] == []
    assert len(found) == len(FEW[kind])
    check(found)


@pytest.mark.stress
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("storage", EVERY)
@pytest.mark.parametrize("kind", ["create", "work", "fused", "conclude"])
@pytest.mark.parametrize("dies", DIES)
def test_no_kill_changes_anything(killed: Any, kind: str, storage: str, dies: str) -> None:
    events = list(range(1 + 13 * DIES.index(dies), MOST, EVERY[storage] * len(DIES)))
    found = killed(SCRIPT, [kind, storage, dies], events)
    assert 1 < len(found) < len(events)  # the last one ran to its end
    check(found)
