"""What is known of a metric, and how it is shown."""

import math

from runner.report.tables._findings import difference
from runner.results.answer import Difference
from runner.results.metrics import METRICS, Metric, describe, merit, number, spread


def test_a_metric_of_ones_own_is_shown_as_it_is_described(monkeypatch) -> None:
    monkeypatch.setattr("runner.results.metrics.METRICS", {**METRICS})
    assert number("val/recall", 0.25) == "0.25"
    describe(Metric("recall", direction="maximize", percent=True))
    assert number("test/recall", 0.25, named=True) == "test recall 25.00 %"
    assert spread("val/recall", [0.2, 0.3]) == "25.00 ± 7.07 %"
    assert difference("val/recall", Difference(0.5, math.nan, math.nan, 1)) == "+50.00 points"
    assert number("ema/val/recall", 0.25, named=True) == "ema val recall 25.00 %"


def test_a_run_is_better_by_what_decides_then_by_the_loss_of_the_same_weights(monkeypatch) -> None:
    monkeypatch.setattr("runner.results.metrics.METRICS", {**METRICS})
    describe(Metric("recall", direction="maximize"))
    one = {"val/recall": 0.9, "val/accuracy": 0.5, "val/loss": 0.1}
    for key, better in (
        ("val/accuracy", {"val/accuracy": 0.6, "val/recall": 0.0}),
        ("val/recall", {"val/recall": 0.95, "val/accuracy": 0.0}),
        ("val/loss", {"val/loss": 0.05, "val/accuracy": 0.0}),
        ("val/recall", {"val/loss": 0.05}),
    ):
        assert merit({**one, **better}, key) < merit(one, key)
    assert merit({**one, "val/recall": math.nan}, "val/recall") > merit(one, "val/recall")
    averages = {"ema/val/accuracy": 0.5, "ema/val/loss": 0.2, "val/loss": 9.0}
    assert merit(averages, "ema/val/accuracy") < merit(
        {**averages, "ema/val/loss": 0.3}, "ema/val/accuracy"
    )
