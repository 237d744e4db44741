"""Limits of memory as both versions of cgroups write them."""

from pathlib import Path

import pytest

from runner.build import cgroups, room
from runner.build.cgroups import limits


def test_the_groups_above_count_too(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("0::/system.slice/job/step\n")
    root = tmp_path / "sys"
    for folder, text in (("system.slice/job/step", "max"), ("system.slice/job", str(8 << 30))):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "memory.max").write_text(f"{text}\n")
    assert list(limits(own, root)) == [8 << 30]


def test_version_1_has_a_folder_for_memory(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("5:cpuset:/\n4:memory,hugetlb:/slurm/job_7\n0::/\n")
    root = tmp_path / "sys"
    for folder, text in (("memory/slurm/job_7", 4 << 30), ("memory", 9223372036854771712)):
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / "memory.limit_in_bytes").write_text(f"{text}\n")
    (tmp_path / "memory.limit_in_bytes").write_text("1\n")  # not of the groups
    assert list(limits(own, root)) == [4 << 30, 9223372036854771712]


def test_a_system_without_cgroups_limits_nothing(tmp_path: Path) -> None:
    assert list(limits(tmp_path / "none", tmp_path)) == []


def test_a_container_has_room_for_what_its_memory_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.devices, "DEFAULT_THREADS", 64)
    monkeypatch.setattr(room.warm, "FORKS", True)
    monkeypatch.setattr(cgroups, "limits", lambda: iter([3 << 30]))
    assert room.processes({"cpu"}, threads=1) == 3
