"""What was searched, as axes have it."""

import math
from typing import Any

import numpy as np
import pytest

from runner.report.pictures.columns import column
from runner.results.rows import Row
from runner.space import Choice, Interval, Ordered


def test_a_line_passes_below_the_values_where_a_key_does_not_exist(study) -> None:
    rows = [Row(i, "COMPLETE", {"x": 1.0 * i} if i else {}, (1 - i,)) for i in range(3)]
    [(_, [found])] = study(rows).columns.items()
    assert found.heights(np.zeros(3)) == pytest.approx([0.02, 0.12, 1.0])
    [(_, [found])] = study(rows[1:]).columns.items()
    assert found.heights(np.zeros(2)) == pytest.approx([0.0, 1.0])


def test_elements_of_lists_are_columns_of_their_own_in_the_order_of_the_space(study) -> None:
    rows = [
        Row(0, "COMPLETE", {"extra": 1, "schedule.boundaries": ["30%", "60%"], "lr": 0.1}, (1,)),
        Row(1, "COMPLETE", {"lr": 0.01}, (1,)),
    ]
    found = list(study(rows).columns.items())
    assert [key for key, _ in found] == ["lr", "schedule.boundaries", "extra"]
    first, second = found[1][1]
    assert (first.label, second.label) == ("schedule.boundaries 1", "schedule.boundaries 2")
    assert (first.places[0], second.places[0], second.unit) == (30, 60, "%")
    assert math.isnan(first.places[1])


@pytest.mark.parametrize(
    ("spec", "values", "log"),
    [
        (Interval(0.01, 0.1, log=True), [0.01, 0.1], True),
        (Interval(0.0, 0.1), [0.0001, 0.1], False),  # drawn evenly, also where near 0
        (Interval(0.0001, 0.1), [0.05, 0.1], True),
        (Ordered(2, Interval(1, 90, log=True, unit="%")), ["1%", "5%"], True),
        (Interval(0, 20, unit="%"), ["0.01%", "20%"], False),
        (Choice([*range(1, 14), 1000]), [1, *range(2, 14), 1000], True),
    ],
)
def test_an_axis_is_log_by_the_space(spec: Any, values: list[Any], log: bool) -> None:
    assert column("key", values, [spec]).scale.log is log


def test_an_axis_without_a_space_is_log_over_more_than_two_decades() -> None:
    assert column("key", [0.001, 1], []).scale.log
    assert not column("key", [0.01, 1], []).scale.log
    assert not column("key", [-1, 1000], []).scale.log


def test_few_choices_are_strips_in_order_of_their_numbers() -> None:
    found = column("key", [128, 32, 64], [Choice([128, 32, 64])])
    assert found.categories == ("32", "64", "128")
    assert found.places.tolist() == [2, 0, 1]


def test_values_of_several_kinds_are_categories() -> None:
    found = column("key", ["word", None, True, 3, "10%", "3ep"], [])
    assert found.categories == ("3", "3ep", "10%", "null", "true", "word")
    assert column("key", ["3ep", "0.5ep"], []).places.tolist() == [3, 0.5]
