"""Files that data name count by their size and the time of their last change."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runner.errors import Unhashable
from runner.training.content import digest
from runner.training.files import Files


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("images/cat/1.png", "images/dog/2.png", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        os.utime(path, ns=(5, 5))
    return tmp_path


@pytest.mark.parametrize(
    "held",
    [
        "images/cat/1.png",
        Path("images/cat/1.png"),
        "images",
        Path("images"),
        Path("."),
        [("images/cat/1.png", 0)],
        {"deep": [Path("images")]},
        {"deep": "images"},
        {"images/cat/1.png": 0},
        {"images/cat/1.png"},
        np.array(["images/cat/1.png"]),
        np.array(["images/cat/1.png"], dtype=object),
    ],
    ids=repr,
)
def test_a_file_that_changes_changes_the_content(here: Path, held: Any) -> None:
    path = here / "images" / "cat" / "1.png"
    first = digest(held)
    assert digest(held) == first
    os.utime(path, ns=(6, 6))
    later = digest(held)
    path.write_text("longer than before")
    os.utime(path, ns=(6, 6))
    assert len({first, later, digest(held)}) == 3


@pytest.mark.parametrize("held", ["images/dog", "notes.txt", "alpha", Path("none"), "/", ".", ""])
def test_other_files_do_not(here: Path, held: Any) -> None:
    first = digest(held)
    os.utime(here / "images" / "cat" / "1.png", ns=(6, 6))
    assert digest(held) == first


@pytest.mark.parametrize("change", ["add", "remove", "rename", "link"])
def test_a_folder_counts_by_the_names_in_it(here: Path, change: str) -> None:
    first, file = digest("images"), here / "images" / "cat" / "1.png"
    if change == "add":
        (here / "images" / "3.png").write_text("")
    elif change == "remove":
        file.unlink()
    elif change == "rename":
        file.rename(file.with_name("4.png"))
    else:
        (here / "images" / "bird").symlink_to(here / "images" / "dog", target_is_directory=True)
    assert digest("images") != first


def test_what_is_hidden_and_what_a_run_writes_do_not_count(here: Path) -> None:
    first = digest(Path("."))
    for name in (".runner/a", ".DS_Store", "mlflow.db", "mlflow.db-wal", "mlartifacts/1/x"):
        path = here / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    assert digest(Path(".")) == first


def test_names_of_attributes_are_no_paths(here: Path) -> None:
    first = digest({"images": 1, "notes": 2})
    os.utime(here / "images" / "cat" / "1.png", ns=(6, 6))
    assert digest({"images": 1, "notes": 2}) == first


def test_a_broken_link_counts_by_its_name(here: Path) -> None:
    first = digest("images")
    (here / "images" / "gone.png").symlink_to("nowhere")
    assert digest("images") != first


def test_too_many_files_are_refused(here: Path) -> None:
    assert Files(2).at("images") is not None
    with pytest.raises(Unhashable, match=r"^names more than 1 files, the last in images$"):
        Files(1).at("images")
    files = Files(1)
    for _ in range(3):  # one file, named again and again
        assert files.named("notes.txt") == (9, 5)
