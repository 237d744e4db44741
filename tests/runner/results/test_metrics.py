"""What is known of a metric, and how it is shown."""

import math

from runner.report.tables._findings import difference
from runner.results.answer import Difference
from runner.results.metrics import METRICS, Metric, describe, number, spread


def test_a_metric_of_ones_own_is_shown_as_it_is_described(monkeypatch) -> None:
    monkeypatch.setattr("runner.results.metrics.METRICS", {**METRICS})
    assert number("val/recall", 0.25) == "0.25"
    describe(Metric("recall", "maximize", percent=True))
    assert number("test/recall", 0.25, named=True) == "test recall 25.00 %"
    assert spread("val/recall", [0.2, 0.3]) == "25.00 ± 7.07 %"
    assert difference("val/recall", Difference(0.5, math.nan, math.nan, 1)) == "+50.00 points"
