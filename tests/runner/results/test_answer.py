"""The numbers of a study's answer, by hand and against scipy."""

import math
from dataclasses import replace
from typing import Any

import pytest
from scipy.stats import ttest_rel

from runner.results.answer import (
    Confirmed,
    candidates,
    changes,
    front,
    leader,
    paired,
    winner,
)
from runner.results.definition import Definition, Goal
from runner.results.rows import Row

ACCURACY, LOSS = Goal("val/accuracy", "maximize"), Goal("val/loss", "minimize")


def study_of(*goals: Goal) -> Definition:
    return Definition("schedule", {}, (), {}, goals or (ACCURACY,))


def confirmed(label: str, *per_seed: float) -> Confirmed:
    return Confirmed(label, {}, 0, per_seed)


def row(number: int, *objective: float, **more: Any) -> Row:
    return Row(number, "COMPLETE", objective=objective, **more)


BASELINE = confirmed("baseline", 0.90, 0.91, 0.92, 0.90, 0.91)


def test_a_paired_interval_is_that_of_the_paired_t_test() -> None:
    one = confirmed("trial 1", 0.93, 0.92, 0.95, 0.90, 0.94)
    found = paired(one, BASELINE)
    expected = ttest_rel(one.per_seed, BASELINE.per_seed).confidence_interval(0.95)
    assert found.n == 5
    assert found.mean == pytest.approx(0.02)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_one_seed_gives_a_difference_without_an_interval() -> None:
    found = paired(confirmed("trial 1", 0.75), confirmed("baseline", 0.5))
    assert (found.mean, found.n) == (0.25, 1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert not found.better(ACCURACY)


def test_equal_seeds_differ_by_exactly_nothing() -> None:
    found = paired(BASELINE, BASELINE)
    assert (found.mean, found.low, found.high) == (0.0, 0.0, 0.0)
    assert not found.better(ACCURACY)
    assert not found.better(LOSS)


def test_a_seed_that_is_not_finite_leaves_nothing_to_say() -> None:
    found = paired(confirmed("trial 1", 0.9, math.nan), confirmed("baseline", 0.9, 0.9))
    assert math.isnan(found.mean)
    assert not found.better(ACCURACY)


def test_both_must_have_the_same_seeds() -> None:
    with pytest.raises(ValueError, match="is longer than argument 1"):
        paired(confirmed("trial 1", 0.9), BASELINE)


def test_the_winner_is_the_best_of_those_shown_to_be_better() -> None:
    wild = confirmed("trial 1", 0.80, 0.99, 0.99, 0.99, 0.99)  # 0.952, but 0.80 once
    sure = confirmed("trial 2", 0.93, 0.94, 0.95, 0.93, 0.94)
    assert leader([wild, sure], ACCURACY) is wild
    assert winner([wild, sure], BASELINE, ACCURACY) is sure
    assert winner([wild], BASELINE, ACCURACY) is BASELINE
    assert winner([wild, sure], BASELINE, LOSS) is BASELINE
    assert winner([wild, sure], None, ACCURACY) is wild
    assert winner([], BASELINE, ACCURACY) is BASELINE
    assert winner([], None, ACCURACY) is None


def test_a_nan_never_leads() -> None:
    broken, fine = confirmed("trial 1", math.nan, 0.9), confirmed("trial 2", 0.1, 0.1)
    assert leader([broken, fine], ACCURACY) is fine
    assert leader([broken], LOSS) is None


def test_candidates_leave_out_the_baseline_copies_and_what_does_not_count() -> None:
    rows = [
        row(0, 0.99, baseline=True),
        row(1, 0.90),
        row(2, 0.98, copy_of=0),
        row(3, 0.97, diverged="step 3"),
        row(4, math.nan),
        Row(5, "PRUNED", rungs={20: 0.99}),
        row(6, 0.95),
        row(7, 0.80),
        row(8, 0.92),
    ]
    assert [found.number for found in candidates(rows, study_of())] == [6, 8, 1]
    assert [found.number for found in candidates(rows, study_of(LOSS), n=2)] == [7, 1]
    assert candidates([], study_of()) == []


def test_changes_name_keys_that_one_side_does_not_have() -> None:
    old = {"schedule": "exponential", "schedule.decay_rate": 0.9, "lr": 0.1}
    new = {"schedule": "piecewise", "lr": 0.1, "schedule.boundaries": ["30%", "60%"]}
    assert changes(new, old) == {
        "schedule": ("exponential", "piecewise"),
        "schedule.boundaries": ("-", ["30%", "60%"]),
        "schedule.decay_rate": (0.9, "-"),
    }
    assert changes(old, old) == {}


def test_the_front_holds_what_nothing_beats_in_every_goal() -> None:
    rows = [
        row(0, 0.90, 0.50),
        row(1, 0.95, 0.60),
        row(2, 0.80, 0.55),  # beaten by 0
        row(3, 0.90, 0.50),  # as good as 0
        row(4, 0.95, 0.70),  # beaten by 1
        row(5, 0.99, 0.10, diverged="step 3"),
    ]
    found = front(rows, study_of(ACCURACY, LOSS))
    assert [one.number for one in found] == [1, 0, 3]
    assert front([], study_of(ACCURACY, LOSS)) == []


def test_seeds_that_agree_by_chance_leave_what_rounding_makes() -> None:
    """4.44 points twice, of 450 images: s = 1 / 450 / sqrt(6), t = 12.706 at one degree."""
    one = replace(confirmed("trial 1", 0.9556, 0.9556), step=1 / 450)
    found = paired(one, replace(confirmed("baseline", 0.9112, 0.9112), step=1 / 450))
    half = 12.7062 * (1 / 450 / math.sqrt(6)) / math.sqrt(2)
    assert (found.low, found.high) == pytest.approx((0.0444 - half, 0.0444 + half), rel=1e-5)
    exact = paired(confirmed("trial 1", 3.0, 3.0), confirmed("baseline", 1.0, 1.0))
    assert (exact.low, exact.high) == (2.0, 2.0)
