"""Figures outlive states, and damaged lines are left out."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.states import figures
from runner.states.figures import Figures
from runner.trial.name import StateName

Named = Callable[..., StateName]


@pytest.fixture
def kept(root: Path) -> Figures:
    return Figures(root)


def files(root: Path, name: StateName) -> list[Path]:
    return sorted((root / name.recipe / "figures").iterdir())


def test_figures_come_back_exactly(kept: Figures, named: Named) -> None:
    metrics = {"loss": 0.1 + 0.2, "worst": math.inf, "best": -math.inf, "none": -0.0}
    kept.add(named(700), "val", metrics, 1_700_000_000_000)
    kept.add(named(700), "test of \ud800 and\nmore", {"loss": math.nan}, 5)
    kept.add(named(3), "val", {}, 0)
    found = kept.read(named(0).recipe)
    assert found[700, named(700).trace, "val"] == (metrics, 1_700_000_000_000)
    assert math.copysign(1, found[700, named(700).trace, "val"][0]["none"]) == -1
    assert math.isnan(found[700, named(700).trace, "test of \ud800 and\nmore"][0]["loss"])
    assert found[3, named(3).trace, "val"] == ({}, 0)
    assert len(found) == 3


def test_every_writer_has_a_file_of_its_own_which_only_its_owner_may_read(
    root: Path, named: Named
) -> None:
    first, second = Figures(root), Figures(root)
    for step in (1, 2):
        first.add(named(step), "val", {"loss": 1.0}, 0)
        second.add(named(step), "test", {"loss": 2.0}, 0)
    paths = files(root, named(1))
    assert len(paths) == 2
    assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
    assert {line.count("\n") for line in map(Path.read_text, paths)} == {2}
    assert len(Figures(root).read(named(1).recipe)) == 4


def test_of_two_for_the_same_the_first_file_counts(root: Path, named: Named) -> None:
    for loss in (1.0, 2.0, 3.0):
        writer = Figures(root)
        writer.add(named(1), "val", {"loss": loss}, 0)
        writer.add(named(1), "val", {"loss": -loss}, 0)
    first = json.loads(files(root, named(1))[0].read_text().split("\n")[0])
    expected = first["figures"]["metrics"]
    assert Figures(root).read(named(1).recipe)[1, named(1).trace, "val"] == (expected, 0)
    assert expected["loss"] > 0


def test_a_torn_line_is_left_out(kept: Figures, root: Path, named: Named) -> None:
    for step in (1, 2):
        kept.add(named(step), "val", {"loss": 0.5}, 0)
    (path,) = files(root, named(1))
    whole = path.read_bytes()
    first = whole.index(b"\n")
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = kept.read(named(1).recipe)
        assert len(found) == (length >= first) + (length >= len(whole) - 1)


def test_no_flipped_bit_gives_another_figure(kept: Figures, root: Path, named: Named) -> None:
    kept.add(named(1), "val", {"loss": 0.5}, 12)
    (path,) = files(root, named(1))
    whole, right = path.read_bytes(), kept.read(named(1).recipe)
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(flipped)
        assert kept.read(named(1).recipe) in ({}, right)


@pytest.mark.parametrize(
    "wrong",
    [
        {"step": -1},
        {"step": True},
        {"trace": "../x"},
        {"trace": 5},
        {"metrics": [1]},
        {"metrics": {"loss": "a"}},
        {"time_ms": None},
    ],
)
def test_a_line_made_by_hand_is_checked(
    kept: Figures, root: Path, named: Named, wrong: dict[str, Any]
) -> None:
    right = {"step": 1, "trace": "b" * 64, "key": "val", "metrics": {"loss": 1.0}, "time_ms": 0}
    folder = root / named(1).recipe / "figures"
    folder.mkdir(parents=True)
    lines = [figures._line(right | wrong), b"[" * 100_000, b"\xff", b"5", b'{"figures": 5}']
    (folder / "0.jsonl").write_bytes(b"\n".join(lines) + b"\n" + figures._line(right))
    assert kept.read(named(1).recipe) == {(1, "b" * 64, "val"): ({"loss": 1.0}, 0)}


def test_after_a_write_that_failed_nothing_is_lost_but_its_line(
    kept: Figures, root: Path, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    kept.add(named(1), "val", {"loss": 1.0}, 0)
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda descriptor, line: write(descriptor, line[:20]))
        kept.add(named(2), "val", {"loss": 1.0}, 0)
    kept.add(named(3), "val", {"loss": 1.0}, 0)
    assert [step for step, *_ in sorted(kept.read(named(1).recipe))] == [1, 3]


def test_what_cannot_be_kept_stops_nothing(kept: Figures, root: Path, named: Named) -> None:
    kept.add(named(1), "val", {"loss": "none"}, 0)  # type: ignore[dict-item]
    root.parent.mkdir()
    root.write_text("mine")
    kept.add(named(1), "val", {"loss": 1.0}, 0)
    assert kept.read(named(1).recipe) == {}
    assert root.read_text() == "mine"


def test_links_folders_and_pipes_are_ignored(kept: Figures, root: Path, named: Named) -> None:
    kept.add(named(1), "val", {"loss": 1.0}, 0)
    folder = root / named(1).recipe / "figures"
    (path,) = files(root, named(1))
    moved = root.parent / "outside"
    path.rename(moved)
    (folder / "a.jsonl").symlink_to(moved)
    (folder / "b.jsonl").mkdir()
    os.mkfifo(folder / "c.jsonl")
    (folder / "d.txt").write_bytes(moved.read_bytes())
    assert kept.read(named(1).recipe) == {}


def test_what_is_noted_is_there_once_it_is_written(kept: Figures, root: Path, named: Named) -> None:
    for step in (1, 2):
        kept.note(named(step), "val", {"loss": 0.5}, step)
    assert Figures(root).read(named(1).recipe) == {}
    kept.write()
    found = Figures(root).read(named(1).recipe)
    assert found == {(s, named(s).trace, "val"): ({"loss": 0.5}, s) for s in (1, 2)}
    kept.write()
    assert len(files(root, named(1))[0].read_bytes().splitlines()) == 2
