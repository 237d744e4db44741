"""Tables on the terminal and as CSV."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from runner.api import results
from runner.export_table import main

SWEEP = (
    "-m model=quadratic dataset=none schedule=constant optimizer=sgd lr=0.1,0.25 train.steps=4 "
    "threads=1 tracking.experiment=mine"
)


@pytest.fixture
def export(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the words behind `python -m runner.export_table` in this process."""

    def run(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return main(words), *capsys.readouterr()

    return run


def test_a_table_shows_what_differs_and_its_csv_all(
    command: Any, store: Any, export: Any, folder: Path
) -> None:
    assert command(SWEEP).status == 0
    status, out, err = export("mine")
    assert (status, err) == (0, "")
    head, *rows, last = out.splitlines()
    own = head.split()
    assert [key for key in own if key != "seconds"][:2] == ["lr", "val/loss"]  # both may take 0.1 s
    # w from 5 to its least at -1: w + 1 is 6 * 0.8 ** 4 and 6 * 0.5 ** 4, the loss its square
    at = own.index("lr")
    assert [row.split()[at : at + 2] for row in rows] == [["0.1", "6.0398"], ["0.25", "0.14062"]]
    assert last.startswith("the same in all runs, in --csv only: seed, status, ")
    status, out, err = export("mine", "--csv", "mine.csv")
    assert (status, out) == (0, "table     mine.csv: 2 runs\n")
    written = pd.read_csv(folder / "mine.csv")
    pd.testing.assert_frame_equal(written, results("mine"), check_dtype=False)
    assert export("mine", "--csv")[1] == (folder / "mine.csv").read_text()


def test_without_a_name_it_is_what_was_recorded_last(
    command: Any, store: Any, export: Any, folder: Path
) -> None:
    assert command(SWEEP).status == 0
    assert export()[1] == export("mine")[1]
    (folder / "mlflow.db").rename(folder / "moved.db")
    assert export("tracking.uri=sqlite:///moved.db")[1].count("\n") == 4
    printed = export("mine", "--csv", "tracking.uri=sqlite:///moved.db")[1]
    head, *rows = (row.split(",") for row in printed.splitlines())
    assert [row[head.index("lr")] for row in rows] == ["0.1", "0.25"]


def test_what_does_not_fit_is_one_line(store: Any, export: Any, folder: Path) -> None:
    def refused(*words: str) -> str:
        status, out, err = export(*words)
        assert (status, out, err.count("\n")) == (2, "", 1)
        return str(err)

    assert "NAME must be an experiment, a study, a sweep or a run's id" in refused("nothing")
    assert "for its runs to be listed, got off" in refused("tracking=off")
    assert "--csv must be a .csv file, got 'mine'; NAME stands before it" in refused(
        "--csv", "mine"
    )
    assert "--csv must be a file that can be written" in refused("--csv", "no/mine.csv")
    assert [path.name for path in folder.iterdir()] == ["mlflow.db"]
    assert export("--help")[1].startswith("python -m runner.export_table [NAME]")
