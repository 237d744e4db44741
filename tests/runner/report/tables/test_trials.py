"""The line of a trial, and the table of the best ones."""

import dataclasses
import math

import pytest

from runner.report.tables import counts, line, top
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


def test_the_top_has_values_in_columns_and_says_what_does_not_apply() -> None:
    rows = [
        Row(0, "COMPLETE", {"schedule": "step", "lr": 0.001}, (0.9,), seconds=2.0, baseline=True),
        Row(1, "COMPLETE", {"schedule": "cosine", "lr": 0.00312345}, (0.95,), seconds=12.0),
        Row(2, "COMPLETE", {"schedule": "piecewise", "bounds": ["30%", "60%"]}, (0.92,)),
        Row(3, "PRUNED", {"unseen": 1}, rungs={20: 0.99}),
        Row(4, "COMPLETE", {"unseen": 1}, (0.99,), diverged="step 3"),
        Row(5, "FAIL", {"unseen": 1}),
        Row(6, "COMPLETE", {"unseen": 1}, (0.95,), copy_of=1),
        Row(7, "WAITING"),
    ]
    assert top(rows, STUDY) == [
        "rank         trial  val accuracy  seconds  schedule   lr        bounds",
        "   1             1       95.00 %     12.0  cosine     0.003123  -",
        "   2             2       92.00 %      0.0  piecewise  -         [30%, 60%]",
        "   3  0 (baseline)       90.00 %      2.0  step       0.001     -",
        "6 of 40 trials: 4 complete, 1 pruned, 1 diverged, 1 failed, 1 copy",
    ]
    assert [line.split()[0] for line in top(rows, STUDY, n=1)] == ["rank", "1", "3", "6"]


def test_keys_of_few_trials_share_a_column_where_the_table_is_too_wide() -> None:
    rare = {f"schedule.{name}_of_some_schedule": 0.5 for name in ("gain", "rise", "fall", "tail")}
    rows = [Row(i, "COMPLETE", {"lr": 0.1, key: 0.5}, (0.9,)) for i, key in enumerate(rare)]
    rows += [Row(4, "COMPLETE", {"lr": 0.2, "schedule.gain_of_some_schedule": 0.25}, (0.8,))]
    assert top(rows, STUDY)[:2] == [
        "rank  trial  val accuracy  seconds  lr   schedule.gain_of_some_schedule  "
        "schedule.rise_of_some_schedule  other values",
        "   1      0       90.00 %      0.0  0.1  0.5                             "
        "-                               -",
    ]
    assert top(rows, STUDY)[3:6:2] == [
        "   3      2       90.00 %      0.0  0.1  -                               "
        "-                               schedule.fall_of_some_schedule=0.5",
        "   5      4       80.00 %      0.0  0.2  0.25                            "
        "-                               -",
    ]


def test_a_table_of_very_many_keys_is_cut_at_160_characters() -> None:
    rows = [Row(1, "COMPLETE", {f"group.key{i:02}": 0.123456 for i in range(30)}, (0.9,))]
    first, second, _ = top(rows, STUDY)
    assert first.split()[-4:] == ["group.key03", "group.key04", "other", "values"]
    assert "  group.key05=0.1235 group.key06=0.1235 group.key07=0.1235" in second
    assert len(second) == 160
    assert second.endswith("...")
    long = Row(1, "COMPLETE", {"dataset": "x" * 100, "lr": 0.1}, (0.9,))
    assert top([long], STUDY)[1].endswith(f"  {'x' * 37}...  0.1")


def test_the_top_over_seeds_has_mean_deviation_and_n() -> None:
    three = dataclasses.replace(STUDY, seeds=3)
    rows = [
        Row(1, "COMPLETE", {}, (0.9,), per_seed=((0.89,), (0.90,), (0.91,))),
        Row(2, "COMPLETE", {}, (0.8,), per_seed=((0.8,),)),
    ]
    assert top(rows, three) == [
        "rank  trial    val accuracy  n  seconds",
        "   1      1  90.00 ± 1.00 %  3      0.0",
        "   2      2         80.00 %  1      0.0",
        "2 of 40 trials: 2 complete",
    ]


def test_the_top_of_several_goals_is_the_front() -> None:
    rows = [Row(i, "COMPLETE", {}, goals) for i, goals in enumerate([(0.9, 0.3), (0.8, 0.4)])]
    assert top(rows, BOTH) == [
        "trials that no other one beats in every goal",
        "rank  trial  val accuracy  val loss  seconds",
        "   1      0       90.00 %       0.3      0.0",
        "2 of 40 trials: 2 complete",
    ]


def test_the_top_without_a_trial_that_counts_only_counts() -> None:
    assert top([], STUDY) == ["0 of 40 trials: 0 complete"]
    nan = Row(1, "COMPLETE", objective=(math.nan,))
    assert top([nan, Row(2, "PRUNED")], STUDY) == ["2 of 40 trials: 1 complete, 1 pruned"]


def test_counts_tell_copies() -> None:
    rows = [Row(0, "COMPLETE"), *(Row(i, "COMPLETE", copy_of=0) for i in (1, 2))]
    assert counts(rows, 3) == "3 trials: 3 complete, 2 copies"
