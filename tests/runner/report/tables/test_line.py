"""The line of a trial that has ended."""

import dataclasses

import pytest

from runner.report.tables import line
from runner.results.definition import Definition, Goal
from runner.results.rows import Row

ACCURACY, LOSS = Goal("val/accuracy", "maximize"), Goal("val/loss", "minimize")
STUDY = Definition("schedule", {}, (), {}, (ACCURACY,), trials=40)
BOTH = dataclasses.replace(STUDY, goals=(ACCURACY, LOSS))
BEST = Row(4, "COMPLETE", objective=(0.92,))
VALUES = {"schedule": "cosine", "lr": 0.0031}


def test_a_finished_trial_is_one_line() -> None:
    row = Row(11, "COMPLETE", VALUES, objective=(0.9133,))
    assert line(row, STUDY, BEST, 12, 40, 40.2) == (
        "[12/40] trial 11  val accuracy 91.33 %  best 92.00 % (trial 4)  about 40 s left  "
        "schedule=cosine lr=0.0031"
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (Row(1, "PRUNED", rungs={20: 0.5, 40: 0.6}), "PRUNED (at 40 %)"),
        (Row(1, "COMPLETE", objective=(0.1,), diverged="step 12"), "diverged"),
        (
            Row(1, "COMPLETE", objective=(0.9,), copy_of=3),
            "val accuracy 90.00 %, copy of trial 3",
        ),
        (Row(1, "FAIL", reason="RuntimeError:\n  no room"), "FAILED: RuntimeError: no room"),
        (Row(1, "COMPLETE", objective=(0.9,), baseline=True), "val accuracy 90.00 %  baseline"),
    ],
)
def test_a_line_says_how_a_trial_ended(row: Row, said: str) -> None:
    assert line(row, STUDY, None, 2, 40, None).rstrip() == f"[ 2/40] trial 1   {said}"


def test_a_line_of_several_goals_has_all_figures() -> None:
    row = Row(1, "COMPLETE", objective=(0.9, 0.25))
    assert "val accuracy 90.00 %, val loss 0.25" in line(row, BOTH, row, 1, 40, None)


def test_a_line_is_cut_at_160_characters() -> None:
    row = Row(1, "COMPLETE", {f"group.key{i}": 0.123456 for i in range(20)}, objective=(0.9,))
    said = line(row, STUDY, row, 1, 40, 4000)
    assert len(said) == 160
    assert said.endswith("...")
    assert "about 67 min left" in said
    failed = Row(1, "FAIL", VALUES, reason="x" * 500)
    assert line(failed, STUDY, None, 1, 4, 7200).endswith(
        "x...  about 2.0 h left  schedule=cosine lr=0.0031"
    )
