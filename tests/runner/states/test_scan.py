"""What takes room is found; what is somebody else's is not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.states import scan
from runner.trial.name import StateName

Named = Callable[..., StateName]


def test_states_hidden_files_and_what_was_set_aside_take_room(root: Path, named: Named) -> None:
    folder = root / named(1).recipe
    hidden = f".{named(2).file}.node-1-0a1b2c3d.tmp"
    for file, size in (
        (folder / named(1).file, 5),
        (folder / hidden, 7),
        (folder / "recipe.json", 100),
        (folder / "figures" / "a.jsonl", 100),
        (root / "set-aside" / "anything", 11),
        (root / "leases" / named(1).file, 100),
        (root / named(1).file, 100),
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(bytes(size))
    found = {(one.file.name, one.bytes, one.name, one.hidden) for one in scan.files(root)}
    assert found == {
        (named(1).file, 5, named(1), False),
        (hidden, 7, None, True),
        ("anything", 11, None, False),
    }


def test_a_file_that_goes_while_it_is_looked_at_is_none(
    root: Path, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = root / named(1).recipe
    folder.mkdir(parents=True)
    for step in (1, 2):
        (folder / named(step).file).write_bytes(b"")
    entries = scan._entries

    def vanishing(looked: Path) -> list[os.DirEntry[str]]:
        found = list(entries(looked))
        (folder / named(1).file).unlink(missing_ok=True)
        return found

    monkeypatch.setattr(scan, "_entries", vanishing)
    assert [one.name for one in scan.files_of(folder)] == [named(2)]


def test_a_folder_that_cannot_be_read_is_empty(
    root: Path, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError

    root.mkdir(parents=True)
    monkeypatch.setattr(os, "scandir", refuse)
    assert scan.names(root, named(1).recipe) == []
    assert scan.files(root) == []
