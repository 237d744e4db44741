"""What a study says on the terminal."""

import dataclasses
import math
from typing import Any

import pytest

from runner.report.tables import answer, correlations, counts, importances, line, shown, top
from runner.results.answer import Confirmed
from runner.results.definition import Definition, Goal
from runner.results.rows import Row

ACCURACY, LOSS = Goal("val/accuracy", "maximize"), Goal("val/loss", "minimize")
STUDY = Definition("schedule", {}, (), {}, (ACCURACY,))
BOTH = dataclasses.replace(STUDY, goals=(ACCURACY, LOSS))
BEST = Row(4, "COMPLETE", objective=(0.92,))
VALUES = {"schedule": "cosine", "lr": 0.0031}


def confirmed(label: str, *per_seed: float, values: Any = None, **test: float) -> Confirmed:
    figures = {f"test/{key}": (value,) * len(per_seed) for key, value in test.items()}
    return Confirmed(label, values or {}, 0, per_seed, figures)


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


BASELINE = confirmed("baseline", 0.90, 0.91, 0.92, values={"lr": 0.001, "rate": 0.9}, accuracy=0.9)
GOOD = confirmed("trial 17", 0.93, 0.93, 0.94, values={"lr": 0.01}, accuracy=0.92)
POOR = confirmed("trial 3", 0.92, 0.91, 0.92, values={"lr": 0.1}, accuracy=0.91)


def test_the_answer_quotes_fresh_seeds_and_the_paired_difference() -> None:
    # differences of trial 17: 3, 2, 2 points; t = 4.3027, s = 0.57735, half = 1.43
    # of trial 3: 2, 0, 0 points; s = 1.1547, half = 2.87
    assert answer([GOOD, POOR], BASELINE, STUDY, "python -m runner lr=0.01") == [
        "trained again on 3 fresh seeds, mean ± deviation, 95 % interval of each difference:",
        "candidate  val accuracy    minus baseline               test accuracy",
        "trial 17   93.33 ± 0.58 %  +2.33 points [+0.90, +3.77]  92.00 %",
        "trial 3    91.67 ± 0.58 %  +0.67 points [-2.20, +3.54]  91.00 %",
        "baseline   91.00 ± 1.00 %  -                            90.00 %",
        "trial 17 is better than the baseline: val accuracy +2.33 points [+0.90, +3.77] "
        "over 3 fresh seeds",
        "  lr: 0.001 -> 0.01",
        "  rate: 0.9 -> -",
        "repeat    python -m runner lr=0.01",
    ]


def verdict(*candidates: Confirmed, baseline: Confirmed | None, goal: Goal = ACCURACY) -> str:
    study = dataclasses.replace(STUDY, goals=(goal,))
    return answer(candidates, baseline, study, "python -m runner")[-2]


def test_a_winner_must_be_shown_to_be_better() -> None:
    assert verdict(POOR, baseline=BASELINE) == (
        "no trial is shown to be better than the baseline "
        "(trial 3: +0.67 points [-2.20, +3.54] over 3 fresh seeds, the interval contains 0)"
    )
    assert verdict(BASELINE, baseline=GOOD).endswith("the interval lies on the worse side)")
    same = dataclasses.replace(BASELINE, label="trial 5")
    assert verdict(same, baseline=BASELINE).endswith(
        "(trial 5: +0.00 points [+0.00, +0.00] over 3 fresh seeds, the interval contains 0)"
    )


def test_a_loss_is_better_when_it_is_lower() -> None:
    lines = answer(
        [confirmed("trial 1", 0.21, 0.20, 0.19)],
        confirmed("baseline", 0.31, 0.31, 0.28),
        dataclasses.replace(STUDY, goals=(LOSS,)),
        "python -m runner",
    )
    assert lines[2] == "trial 1    0.2 ± 0.01   -0.1 [-0.1248, -0.07516]"
    assert lines[4].startswith("trial 1 is better than the baseline: val loss -0.1 [")


def test_one_seed_and_no_baseline_and_no_candidate_are_said_plainly() -> None:
    one, other = confirmed("trial 1", 0.95), confirmed("baseline", 0.90)
    assert verdict(one, baseline=other).endswith(
        "(trial 1: +5.00 points, one seed gives no interval)"
    )
    assert verdict(one, baseline=None) == (
        "trial 1 has the best mean: val accuracy 95.00 % over 1 fresh seed; no baseline beside it"
    )
    assert verdict(baseline=BASELINE).startswith("no trial")
    assert answer([], None, STUDY, "x") == [
        "no trial was trained to its end, so there is no answer"
    ]


def test_a_seed_that_is_not_finite_is_said() -> None:
    broken = confirmed("trial 1", 0.99, math.nan, 0.99, accuracy=0.9)
    lines = answer([broken, GOOD], BASELINE, STUDY, "x")
    assert lines[2].split() == ["trial", "1", "not", "finite", "-", "90.00", "%"]
    assert lines[5].startswith("trial 17 is better")
    assert verdict(broken, baseline=BASELINE).startswith("no trial was finite")
    assert "baseline was not finite" in verdict(GOOD, baseline=broken)


def test_importances_are_bars() -> None:
    assert importances({}) == []
    assert importances({"lr": 0.995, "a.long.key": 0.005}) == [
        "importance for being among the best (of keys that at least 10 trials have)",
        f"  lr          0.99  {'#' * 40}",
        "  a.long.key  0.01",
    ]


def test_correlations_are_one_line() -> None:
    assert correlations({}) == []
    assert correlations({20: (math.nan, 25), 40: (0.616, 20)}) == [
        "rank correlation of early values with final ones: at 20 % of the run not defined (n 25), "
        "40 % 0.62 (n 20)"
    ]


def test_values_are_shown_as_people_read_them() -> None:
    assert [shown(value) for value in (64, 0.00031234, ["30%", "60%"], (0.5, None), False)] == [
        "64",
        "0.0003123",
        "[30%, 60%]",
        "[0.5, null]",
        "false",
    ]
