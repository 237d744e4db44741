"""What a study found."""

import dataclasses
import math
from typing import Any

from runner.report.tables import answer, correlations, importances
from runner.report.tables._findings import difference
from runner.results.answer import Confirmed, Difference
from runner.results.definition import Definition, Goal

ACCURACY, LOSS = Goal("val/accuracy", "maximize"), Goal("val/loss", "minimize")
STUDY = Definition("schedule", {}, (), {}, (ACCURACY,), trials=40)


def confirmed(label: str, *per_seed: float, values: Any = None, **test: float) -> Confirmed:
    figures = {f"test/{key}": (value,) * len(per_seed) for key, value in test.items()}
    return Confirmed(label, values or {}, 0, per_seed, figures)


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


def test_the_figures_of_the_test_begin_with_what_was_searched() -> None:
    one = confirmed("trial 1", 3.0, 4.0, loss=0.5, mae=1.0, r2=0.9, rmse=2.0)
    study = dataclasses.replace(STUDY, goals=(Goal("val/rmse", "minimize"),))
    heads = answer([one], None, study, "python -m runner")[1]
    assert heads.split("  ")[-4:] == ["test rmse", "test loss", "test mae", "test r2"]


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


def test_a_mean_that_is_not_finite_has_no_difference() -> None:
    assert difference("val/loss", Difference(math.nan, math.nan, math.nan, 3)) == "-"
