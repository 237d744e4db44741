"""The states that were not used for longest make room; others never do."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.states import quota, scan
from runner.states.quota import least_used, prune
from runner.states.scan import Kept
from runner.states.store import Store
from runner.trial.name import StateName

Named = Callable[..., StateName]
OTHER = "b" * 64
PACKED = b"x" * 10_000  # is about what a state of these tests takes


def steps(root: Path) -> list[int]:
    """The steps of all states there."""
    return sorted(one.name.step for one in scan.files(root) if one.name)


def aged(store: Store, name: StateName, seconds: float) -> None:
    path = store.folder / name.recipe / name.file
    os.utime(path, (time.time() - seconds,) * 2)


@pytest.fixture
def old(root: Path, named: Named) -> None:
    """Three states of two recipes that were saved an hour ago and less, of 10,000 bytes each."""
    writer = Store(root, 10**9)
    for step, recipe in ((1, "a" * 64), (2, OTHER), (3, "a" * 64)):
        name = named(step, recipe)
        writer.save(name, step)
        path = root / name.recipe / name.file
        path.write_bytes(PACKED)
        aged(writer, name, 4_000 - 1_000 * step)


def total(root: Path) -> int:
    return sum(one.bytes for one in scan.files(root))


def padded(size: int) -> str:
    """What takes a state of about that many bytes."""
    return "x" * (size - 500)


@pytest.mark.usefixtures("old")
def test_what_was_not_used_for_longest_makes_room(root: Path, named: Named) -> None:
    assert Store(root, 35_000).save(named(4), padded(10_000))
    assert steps(root) == [2, 3, 4]
    assert Store(root, 25_000).save(named(5), padded(2_000))
    assert total(root) <= 25_000
    assert steps(root) == [3, 4, 5]


@pytest.mark.usefixtures("old")
def test_a_state_that_was_loaded_stays_longer(root: Path, named: Named) -> None:
    aged(Store(root, 0), named(1), 500)
    assert Store(root, 35_000).save(named(4), padded(10_000))
    assert steps(root) == [1, 3, 4]


@pytest.mark.usefixtures("old")
def test_nothing_is_removed_where_there_is_room(root: Path, named: Named) -> None:
    assert Store(root, 40_000).save(named(4), padded(9_000))
    assert steps(root) == [1, 2, 3, 4]


@pytest.mark.usefixtures("old")
def test_a_protected_state_stays(root: Path, named: Named) -> None:
    protecting = Store(root, 35_000, protected=lambda: [named(1)])
    assert protecting.save(named(4), padded(10_000))
    assert steps(root) == [1, 3, 4]


@pytest.mark.usefixtures("old")
def test_where_nothing_may_be_removed_nothing_is_and_nothing_is_written(
    root: Path, named: Named, said: list[str]
) -> None:
    others = [named(1), named(2, OTHER)]
    full = Store(root, 28_000, said.append, lambda: others)
    before = sorted(root.rglob("*"))
    for step in (4, 5):
        assert not full.save(named(step), padded(10_000))
    assert sorted(root.rglob("*")) == before
    words = "no room in 28,000 bytes"
    assert said == [f"states: cannot be kept in {root} ({words}); training goes on without"]


@pytest.mark.parametrize("most", [0, 5_000])
def test_a_state_larger_than_the_quota_is_refused(
    root: Path, named: Named, most: int, said: list[str]
) -> None:
    assert not Store(root, most, said.append).save(named(1), padded(10_000))
    assert steps(root) == []
    assert said[0].startswith(f"states: cannot be kept in {root} (no room in {most:,} bytes)")


def test_what_another_process_has_just_saved_stays_and_what_this_one_has_goes(
    root: Path, named: Named
) -> None:
    another, this = Store(root, 10**9), Store(root, 45_000)
    another.save(named(1), padded(10_000))
    quota._saved.clear()  # as if there were two
    for step in (2, 3, 4, 5, 6):
        assert this.save(named(step), padded(10_000))
    assert steps(root) == [1, 4, 5, 6]


def test_states_from_the_future_are_removed_last_and_break_nothing(
    root: Path, named: Named
) -> None:
    writer = Store(root, 10**9)
    for step, seconds in ((1, -100_000), (2, 100), (3, -200_000)):
        writer.save(named(step), padded(10_000))
        aged(writer, named(step), seconds)
    quota._saved.clear()  # another process did
    assert Store(root, 35_000).save(named(4), padded(10_000))
    assert steps(root) == [1, 3, 4]
    quota._saved.clear()
    assert Store(root, 25_000).save(named(5), padded(2_000))
    assert steps(root) == [3, 4, 5]


def test_a_clock_that_goes_backwards_keeps_the_quota(
    root: Path, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    monkeypatch.setattr(time, "time_ns", lambda: int(now * 1e9))
    writer = Store(root, 35_000)
    for step in range(1, 8):
        now -= 1_000
        assert writer.save(named(step), padded(10_000))
        assert total(root) <= 35_000
    assert len(steps(root)) == 3


def test_what_another_process_saves_and_removes_counts_at_once(root: Path, named: Named) -> None:
    this, another = Store(root, 35_000), Store(root, 10**9)
    assert this.save(named(1), padded(10_000))
    for step, recipe in ((2, OTHER), (3, "c" * 64)):
        assert another.save(named(step, recipe), padded(10_000))
        aged(another, named(step, recipe), 1_000 - step)
    assert this.save(named(4), padded(10_000))
    assert steps(root) == [1, 3, 4]


def test_a_change_within_one_tick_of_the_file_system_counts(root: Path, named: Named) -> None:
    this, another = Store(root, 35_000), Store(root, 10**9)
    another.save(named(1, OTHER), padded(10_000))
    aged(another, named(1, OTHER), 1_000)
    assert this.save(named(2), padded(10_000))
    tick = time.time_ns()
    os.utime(root / OTHER, ns=(tick, tick))
    assert this.save(named(3), padded(2_000))
    another.save(named(4, OTHER), padded(10_000))
    os.utime(root / OTHER, ns=(tick, tick))
    assert this.save(named(5), padded(10_000))
    assert steps(root) == [2, 3, 4, 5]
    assert total(root) <= 35_000


@pytest.mark.usefixtures("old")
def test_a_file_that_another_process_is_writing_counts_and_stays(root: Path, named: Named) -> None:
    hidden = root / OTHER / f".{named(5).file}.node-1-0a1b2c3d.tmp"
    hidden.write_bytes(PACKED)
    os.utime(hidden, (time.time() - 3_500,) * 2)
    assert Store(root, 35_000).save(named(4), padded(10_000))
    assert prune(root, 25_000) != []
    assert steps(root) == [4]
    assert hidden.exists()


def test_folders_that_have_not_changed_are_not_looked_through_again(
    root: Path, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Store(root, 10**9)
    for recipe in (OTHER, "c" * 64):
        writer.save(named(1, recipe), 1)
        os.utime(root / recipe, (1, 1))
    looked: list[str] = []
    files_of = scan.files_of
    monkeypatch.setattr(scan, "files_of", lambda f: (looked.append(f.name[0]), files_of(f))[1])
    this = Store(root, 10**9)
    this.save(named(2), 1)
    this.save(named(3), 1)
    assert sorted(looked) == ["a", "a", "b", "c"]
    writer.save(named(4, OTHER), 1)
    looked.clear()
    this.save(named(5), 1)
    assert sorted(looked) == ["a", "b"]


@pytest.mark.usefixtures("old")
def test_the_folder_of_a_recipe_without_states_goes(root: Path, named: Named) -> None:
    Store(root, 0).describe(OTHER, {"seed": 1})
    (root / OTHER / "figures").mkdir()
    assert Store(root, 22_000).save(named(4), padded(10_000))
    assert [path.name for path in root.iterdir()] == ["a" * 64]


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize("left", ["figures/0123.jsonl", "notes.txt"])
def test_the_folder_of_a_recipe_with_figures_or_what_is_not_ours_stays(
    root: Path, named: Named, left: str
) -> None:
    Store(root, 0).describe(OTHER, {"seed": 1})
    (root / OTHER / left).parent.mkdir(exist_ok=True)
    (root / OTHER / left).write_text("")
    assert Store(root, 22_000).save(named(4), padded(10_000))
    assert (root / OTHER / left).exists()
    assert (root / OTHER / "recipe.json").exists()
    assert steps(root) == [3, 4]


@pytest.mark.usefixtures("old")
def test_links_and_what_they_lead_to_make_no_room(
    root: Path, named: Named, tmp_path: Path, said: list[str]
) -> None:
    outside = tmp_path / "outside"
    (root / OTHER).rename(outside)
    (root / OTHER).symlink_to(outside)
    victim = tmp_path / "victim"
    victim.write_bytes(PACKED)
    os.utime(victim, (1, 1))
    link = root / named(1).recipe / named(9).file
    link.symlink_to(victim)
    os.utime(link, (1, 1), follow_symlinks=False)
    assert not Store(root, 9_000, said.append).save(named(4), padded(10_000))
    assert Store(root, 25_000).save(named(4), padded(10_000))
    assert len(list(outside.iterdir())) == 1
    assert victim.exists()
    assert link.is_symlink()


@pytest.mark.usefixtures("old")
def test_what_was_set_aside_makes_room_too(root: Path, named: Named) -> None:
    assert Store(root, 10**9).load(named(1)) is None
    assert total(root) == 30_000
    assert Store(root, 35_000).save(named(4), padded(10_000))
    assert not (root / "set-aside").exists()
    assert steps(root) == [2, 3, 4]


@pytest.mark.usefixtures("old")
def test_a_state_that_another_process_removes_first_makes_room_all_the_same(
    root: Path, named: Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faster(kept: list[Kept], excess: int) -> list[Kept]:
        chosen = least_used(kept, excess)
        os.unlink(chosen[0].file)
        return chosen

    monkeypatch.setattr(quota, "least_used", faster)
    (third,) = (one.file for one in scan.files(root) if one.name == named(3))
    assert Store(root, 35_000).save(named(4), padded(10_000))
    assert steps(root) == [2, 3, 4]
    assert prune(root, total(root) - 15_000) == [third]
    assert steps(root) == [4]


@pytest.mark.usefixtures("old")
@pytest.mark.parametrize(
    ("most", "left"), [(30_000, [1, 2, 3]), (29_999, [2, 3]), (10_000, [3]), (0, [])]
)
def test_pruning_returns_what_it_has_removed(
    root: Path, named: Named, most: int, left: list[int]
) -> None:
    paths = {one.name.step: one.file for one in scan.files(root) if one.name}
    removed = prune(root, most)
    assert removed == [paths[step] for step in (1, 2, 3) if step not in left]
    assert steps(root) == left


@pytest.mark.usefixtures("old")
def test_pruning_leaves_what_is_protected_or_was_just_saved(root: Path, named: Named) -> None:
    Store(root, 10**9).save(named(4), 1)
    prune(root, 0, [named(1)])
    assert steps(root) == [1, 4]


def test_pruning_no_store_removes_nothing(root: Path) -> None:
    assert prune(root, 0) == []


def test_of_states_used_at_the_same_time_the_first_by_name_go(named: Named) -> None:
    kept = [Kept(Path(f"{step}"), 10, 5.0, named(step)) for step in (3, 1, 2)]
    assert [one.file.name for one in least_used(kept, 11)] == ["1", "2"]
    assert least_used(kept, 0) == []
    assert len(least_used(kept, 99)) == 3


def test_protection_that_fails_is_a_save_that_fails(root: Path, named: Named) -> None:
    def fail() -> Any:
        raise OSError("no leases")

    assert Store(root, 10**9, protected=fail).save(named(1), 1)
    said: list[str] = []
    assert not Store(root, 0, said.append, fail).save(named(2), 1)
    assert "no leases" in said[0]
    assert steps(root) == [1]
