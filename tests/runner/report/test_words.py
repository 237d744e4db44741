"""Numbers and texts as people read them."""

import math

from runner.report.words import difference, figure, number, shown, spread
from runner.results.answer import Difference
from runner.results.metrics import METRICS, Metric, describe


def test_values_are_shown_as_people_read_them() -> None:
    assert [shown(value) for value in (64, 0.00031234, ["30%", "60%"], (0.5, None), False)] == [
        "64",
        "0.0003123",
        "[30%, 60%]",
        "[0.5, null]",
        "false",
    ]


def test_a_metric_of_ones_own_is_shown_as_it_is_described(monkeypatch) -> None:
    monkeypatch.setattr("runner.results.metrics.METRICS", {**METRICS})
    assert number("val/recall", 0.25) == "0.25"
    describe(Metric("recall", "maximize", percent=True))
    assert figure("test/recall", 0.25) == "test recall 25.00 %"
    assert spread("val/recall", [0.2, 0.3]) == "25.00 ± 7.07 %"
    assert difference("val/recall", Difference(0.5, math.nan, math.nan, 1)) == "+50.00 points"


def test_a_mean_that_is_not_finite_has_no_difference() -> None:
    assert difference("val/loss", Difference(math.nan, math.nan, math.nan, 3)) == "-"
