"""Every state of a store is read, and nothing is changed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.states import file
from runner.states.store import Store
from runner.states.verify import verify
from runner.trial.name import StateName


def test_what_is_wrong_with_each_state_is_told(
    kept: Store, root: Path, named: Callable[..., StateName], monkeypatch: pytest.MonkeyPatch
) -> None:
    def path(step: int, recipe: str = "a" * 64) -> Path:
        return root / recipe / named(step, recipe).file

    for step in (1, 2, 3, 4, 5):
        assert kept.save(named(step), step)
    assert kept.save(named(1, "b" * 64), 1)
    path(2).write_bytes(path(2).read_bytes()[:-1])
    path(3).write_bytes(path(4).read_bytes())
    with monkeypatch.context() as newer:
        newer.setattr(file, "FORMAT", "2")
        kept.save(named(6), 1)
    path(5).write_bytes(b"")
    assert kept.load(named(5)) is None
    path(7).symlink_to(path(1))
    os.mkfifo(path(8))
    (root / "a.txt").write_text("")
    before = sorted(root.rglob("*"))
    assert list(verify(root)) == [
        (path(1), "", False),
        (path(2), "it ends too early", True),
        (path(3), "it holds another state than its name says", True),
        (path(4), "", False),
        (path(6), "written by another version (format 2)", False),
        (path(1, "b" * 64), "", False),
    ]
    assert sorted(root.rglob("*")) == before


def test_no_store_has_no_states(root: Path) -> None:
    assert list(verify(root)) == []
