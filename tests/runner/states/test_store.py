"""A store keeps what it can, reads what is whole, says the rest once, and never stops training."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from runner.states import disk, file, store
from runner.states.store import Store
from runner.trial.name import StateName

Named = Callable[..., StateName]
Content = Callable[[int], Any]


@pytest.fixture(autouse=True)
def new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_told", set())


def is_content(found: Any, step: int) -> bool:
    return bool(found["step"] == step and torch.equal(found["weight"], torch.full((100,), step)))


def listed(folder: Path) -> list[str]:
    return sorted(str(entry.relative_to(folder)) for entry in folder.rglob("*"))


def test_states_are_kept_by_name(kept: Store, named: Named, content: Content) -> None:
    for step in (700, 3, 10**10):
        assert kept.save(named(step), content(step))
    assert kept.names(named(0).recipe) == [named(3), named(700), named(10**10)]
    assert is_content(kept.load(named(700)), 700)
    assert kept.load(named(4)) is None
    assert kept.names("b" * 64) == []


def test_another_store_of_the_folder_reads_them(
    kept: Store, named: Named, content: Content, root: Path
) -> None:
    kept.save(named(3), content(3))
    again = Store(root, 10**9)
    assert is_content(again.load(again.names(named(0).recipe)[0]), 3)


def test_only_their_owner_may_read_them(kept: Store, named: Named, root: Path) -> None:
    kept.describe(named(3).recipe, {"seed": 1})
    kept.save(named(3), 1)
    modes = {oct(entry.stat().st_mode & 0o777) for entry in root.rglob("*") if entry.is_file()}
    folders = {oct(e.stat().st_mode & 0o777) for e in (root, root.parent, root / named(3).recipe)}
    assert (modes, folders) == ({"0o600"}, {"0o700"})


def test_a_state_that_is_there_is_not_written_again(
    kept: Store, named: Named, failing_disk: Callable[..., Any]
) -> None:
    kept.save(named(3), "first")
    os.utime(kept.folder / named(3).recipe / named(3).file, (1, 1))
    calls = failing_disk().calls
    assert kept.save(named(3), "second")
    assert calls == []
    assert kept.load(named(3)) == "first"


@pytest.mark.parametrize("cut", [0, 8, 100, -1])
def test_a_state_that_ends_too_early_is_written_again(kept: Store, named: Named, cut: int) -> None:
    kept.save(named(3), "first")
    path = kept.folder / named(3).recipe / named(3).file
    path.write_bytes(path.read_bytes()[:cut])
    assert kept.save(named(3), "second")
    assert kept.load(named(3)) == "second"


def test_loading_and_saving_mark_a_state_as_used(kept: Store, named: Named) -> None:
    kept.save(named(3), 1)
    path = kept.folder / named(3).recipe / named(3).file
    for use in (lambda: kept.load(named(3)), lambda: kept.save(named(3), 1)):
        os.utime(path, (1, 1))
        use()
        assert path.stat().st_mtime > 1


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_save_of_which_any_call_fails_is_said_once_and_harms_nothing(
    root: Path,
    named: Named,
    content: Content,
    failing_disk: Callable[..., Any],
    error: int,
    said: list[str],
) -> None:
    Store(root, 10**9).save(named(1), content(1))
    for n in range(1, 20):
        said.clear()
        store._told.clear()
        tried = Store(root, 10**9, said.append)
        shim = failing_disk(n, error)
        if tried.save(named(2), content(2)):
            break
        why = os.strerror(error)
        words = (
            f"states: cannot be kept in {root} ([Errno {error}] {why}); training goes on without"
        )
        assert said == [words]
        assert not [path for path in listed(root) if "tmp" in path]
        renamed = "rename" in shim.calls[:-1]
        found = tried.load(named(2))
        assert is_content(found, 2) if renamed else found is None
        assert is_content(tried.load(named(1)), 1)
        if renamed:
            os.unlink(root / named(2).recipe / named(2).file)
        assert not tried.save(named(2), {"a": print})
        assert len(said) == 1
    assert n == 8  # 7 calls, each of which failed once
    assert is_content(tried.load(named(2)), 2)


def test_a_later_save_is_tried_again(
    kept: Store, named: Named, failing_disk: Callable[..., Any], said: list[str]
) -> None:
    failing_disk()
    assert not kept.save(named(1), 1)
    assert not kept.save(named(2), 1)
    failing_disk(0)
    assert kept.save(named(3), 1)
    assert len(said) == 1


def test_a_store_that_may_only_be_read_is_read(
    kept: Store, named: Named, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    kept.save(named(3), 1)
    for call in ("utime", "mkdir", "rename", "unlink"):
        monkeypatch.setattr(os, call, refuse)
    assert kept.load(named(3)) == 1
    assert kept.save(named(3), 1)
    assert said == []


def test_what_is_damaged_where_nothing_can_be_moved_is_trained_again(
    kept: Store, named: Named, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    kept.save(named(3), 1)
    path = kept.folder / named(3).recipe / named(3).file
    path.write_bytes(b"")
    monkeypatch.setattr(os, "rename", refuse)
    assert kept.load(named(3)) is None
    why = "[Errno 30] Read-only file system"
    assert said == [
        f"states: {path} is damaged (it is empty); it cannot be set aside ({why}), "
        "its steps are trained again"
    ]


def test_a_file_in_the_place_of_the_folder_is_said(
    kept: Store, root: Path, named: Named, said: list[str]
) -> None:
    root.parent.mkdir()
    root.write_text("mine")
    assert not kept.save(named(3), 1)
    assert kept.load(named(3)) is None
    assert kept.names(named(3).recipe) == []
    assert kept.rows(named(3).recipe) is None
    assert len(said) == 1
    assert root.read_text() == "mine"


def test_a_folder_that_is_deleted_while_training_is_made_again(
    kept: Store, root: Path, named: Named, said: list[str]
) -> None:
    kept.describe(named(1).recipe, {"seed": 1})
    kept.save(named(1), 1)
    shutil.rmtree(root.parent)
    assert kept.load(named(1)) is None
    assert kept.save(named(2), 2)
    assert kept.load(named(2)) == 2
    assert kept.rows(named(1).recipe) == {"seed": 1}
    assert said == []


def test_a_folder_that_is_deleted_within_a_save_is_made_again(
    kept: Store, root: Path, named: Named, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    write, calls = disk.write, []

    def deleted(path: Path, *rest: Any) -> None:
        calls.append(path)
        if len(calls) == 1:
            shutil.rmtree(root)
        write(path, *rest)

    monkeypatch.setattr(disk, "write", deleted)
    assert kept.save(named(2), 2)
    assert kept.load(named(2)) == 2
    assert said == []


def test_what_no_file_can_hold_is_said_with_its_place(
    kept: Store, named: Named, said: list[str]
) -> None:
    assert not kept.save(named(1), {"optimizer": {"helper": print}})
    assert said == [
        f"states: cannot be kept in {kept.folder} (optimizer.helper is a "
        "builtin_function_or_method, which no file can hold); training goes on without"
    ]
    assert listed(kept.folder.parent.parent) == []


def test_a_warning_that_cannot_be_given_stops_nothing(root: Path, named: Named) -> None:
    def closed(_: str) -> None:
        raise BrokenPipeError

    assert not Store(root, 10**9, closed).save(named(1), print)


def damages(path: Path, outside: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    yield "it is empty", lambda: path.write_bytes(b"") and None
    yield "it is a link", lambda: path.symlink_to(outside)
    yield "it is no file", lambda: path.mkdir()
    yield "it is no file", lambda: os.mkfifo(path)
    yield (
        "it is not as long as it says",
        lambda: path.write_bytes(outside.read_bytes()[:-1]) and None,
    )


@pytest.mark.parametrize("which", range(5))
def test_what_is_damaged_is_set_aside_with_one_warning(
    kept: Store,
    named: Named,
    content: Content,
    said: list[str],
    tmp_path: Path,
    which: int,
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(packed := file.pack(named(3), content(3)))
    kept.save(named(1), 1)
    path = kept.folder / named(3).recipe / named(3).file
    why, damage = list(damages(path, outside))[which]
    damage()
    assert kept.load(named(3)) is None
    assert kept.load(named(3)) is None
    then = "it is set aside, its steps are trained again"
    assert said == [f"states: {path} is damaged ({why}); {then}"]
    (aside,) = (kept.folder / "set-aside").iterdir()
    assert aside.name.startswith(f"{named(3).recipe}-{named(3).file}.")
    assert outside.read_bytes() == packed
    assert kept.save(named(3), 3)
    assert kept.load(named(3)) == 3


def test_a_state_of_another_version_is_left_alone_with_one_warning_for_all(
    kept: Store, named: Named, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file, "FORMAT", "2")
    for step in (1, 2):
        kept.save(named(step), step)
    monkeypatch.undo()
    before = listed(kept.folder)
    again = Store(kept.folder, 10**9, said.append)
    for each in (kept, again):
        assert each.load(named(1)) is None
        assert each.load(named(2)) is None
    path = kept.folder / named(1).recipe / named(1).file
    assert said == [f"states: {path} is written by another version (format 2), left alone"]
    assert not kept.save(named(1), 1)
    assert listed(kept.folder) == before


def test_a_state_that_cannot_be_read_now_is_left_alone(
    kept: Store, named: Named, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    kept.save(named(1), 1)
    with monkeypatch.context() as patched:
        patched.setattr(file, "read", fail)
        assert kept.load(named(1)) is None
    path = kept.folder / named(1).recipe / named(1).file
    assert said == [f"states: {path} cannot be read: [Errno 5] Input/output error, left alone"]
    assert kept.load(named(1)) == 1


def test_what_somebody_else_has_put_there_is_ignored(
    kept: Store, named: Named, tmp_path: Path, said: list[str]
) -> None:
    kept.save(named(1), 1)
    folder = kept.folder / named(1).recipe
    (folder / "notes.txt").write_text("mine")
    (folder / named(5).file).mkdir()
    (folder / named(6).file).symlink_to(folder / named(1).file)
    (folder / named(7).file.upper()).write_text("mine")
    os.mkfifo(folder / named(8).file)
    (kept.folder / ("c" * 64)).write_text("mine")
    outside = tmp_path / "outside"
    shutil.copytree(folder, outside, ignore=lambda *_: [named(8).file], symlinks=True)
    (kept.folder / ("b" * 64)).symlink_to(outside)
    before = listed(tmp_path)
    assert kept.names(named(1).recipe) == [named(1)]
    assert kept.names("b" * 64) == []
    assert kept.names("c" * 64) == []
    linked = named(1, "b" * 64)
    assert kept.load(linked) is None
    assert not kept.save(linked, 1)
    assert "must be a folder, not a link" in said[0]
    assert listed(tmp_path) == before


def test_a_recipe_is_described_once(kept: Store, named: Named, said: list[str]) -> None:
    recipe = named(1).recipe
    assert kept.rows(recipe) is None
    kept.describe(recipe, {"model": {"width": 64}, "data": Path("data")})
    kept.describe(recipe, {"model": "another"})
    assert kept.rows(recipe) == {"model": {"width": 64}, "data": "data"}
    assert listed(kept.folder / recipe) == ["recipe.json"]
    assert said == []


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\udcff"])
def test_a_damaged_description_is_none(kept: Store, named: Named, text: str) -> None:
    folder = kept.folder / named(1).recipe
    folder.mkdir(parents=True)
    (folder / "recipe.json").write_text(text, errors="surrogateescape")
    assert kept.rows(named(1).recipe) is None


def test_a_description_that_cannot_be_written_is_said(
    kept: Store, named: Named, failing_disk: Callable[..., Any], said: list[str]
) -> None:
    failing_disk()
    kept.describe(named(1).recipe, {"seed": 1})
    assert len(said) == 1
    failing_disk(0)
    assert kept.save(named(1), 1)
    assert json.loads((kept.folder / named(1).recipe / "recipe.json").read_text()) == {"seed": 1}
