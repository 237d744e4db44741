"""A file is there whole or not at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.states import disk
from runner.states.disk import Damaged


def listed(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_every_call_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, failing_disk: Callable[..., Any]
) -> None:
    file = tmp_path / "a.safetensors"
    file.write_bytes(b"before")
    failed = []
    for n in range(1, 10):
        shim = failing_disk(n)
        try:
            disk.write(file, b"after")
        except OSError:
            failed.append(shim.calls[-1])
            last = len(failed) > 5  # after the rename the new one is there
            assert file.read_bytes() == (b"after" if last else b"before")
            assert listed(tmp_path) == ["a.safetensors"]
        else:
            break
    assert failed == ["open", "ftruncate", "write", "fsync", "rename", "open", "fsync"]
    assert file.read_bytes() == b"after"


def test_a_file_is_written_and_synced_before_it_has_its_name_and_its_folder_after(
    tmp_path: Path, failing_disk: Callable[..., Any]
) -> None:
    calls = failing_disk(0).calls
    disk.write(tmp_path / "a", b"x")
    assert calls == ["open", "ftruncate", "write", "fsync", "rename", "open", "fsync"]


def test_a_write_of_a_part_goes_on_with_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(disk.os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    disk.write(tmp_path / "a", b"0123456789")
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_only_its_owner_may_read_a_file(tmp_path: Path) -> None:
    disk.write(tmp_path / "a", b"x")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600


def test_room_is_reserved_under_a_hidden_name_before_data_are_written(tmp_path: Path) -> None:
    def reserved() -> None:
        (hidden,) = tmp_path.iterdir()
        assert disk.is_hidden(hidden.name)
        assert hidden.stat().st_size == 1_000
        assert hidden.read_bytes() == bytes(1_000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        disk.write(tmp_path / "a", b"x" * 1_000, reserved)
    assert listed(tmp_path) == []


def test_a_file_takes_the_place_of_a_link_and_leaves_what_that_leads_to(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("v")
    (tmp_path / "a").symlink_to(tmp_path / "victim")
    disk.write(tmp_path / "a", b"x")
    assert (tmp_path / "victim").read_text() == "v"
    assert not (tmp_path / "a").is_symlink()


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/hostname")
    for name, words in (("folder", "no file"), ("fifo", "no file"), ("link", "it is a link")):
        with pytest.raises(Damaged, match=words), disk.opened(tmp_path / name):
            pass
    with pytest.raises(FileNotFoundError, match="none"), disk.opened(tmp_path / "none"):
        pass


def test_a_disk_that_cannot_be_read_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(disk.os, "open", fail)
    with pytest.raises(OSError, match="Input/output error"), disk.opened(tmp_path / "a"):
        pass
