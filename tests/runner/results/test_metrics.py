"""What is known of a metric, and how it is shown."""

import math

from runner.report.tables._findings import difference
from runner.results.answer import Difference
from runner.results.metrics import (
    METRICS,
    Metric,
    describe,
    evaluated,
    merit,
    number,
    spread,
)


def test_a_metric_of_ones_own_is_shown_as_it_is_described(monkeypatch) -> None:
    monkeypatch.setattr("runner.results.metrics.METRICS", {**METRICS})
    assert number("val/recall", 0.25) == "0.25"
    before = evaluated(data=True)
    describe(Metric("recall", direction="maximize", percent=True))
    assert number("test/recall", 0.25, named=True) == "test recall 25.00 %"
    assert spread("val/recall", [0.2, 0.3]) == "25.00 ± 7.07 %"
    assert difference("val/recall", Difference(0.5, math.nan, math.nan, 1)) == "+50.00 points"
    assert evaluated(data=True) == ("val/recall", *before)
    one = {"val/recall": 0.9, "val/accuracy": 0.5, "val/loss": 0.1}
    unknown = {**one, "val/accuracy": math.nan}
    assert merit(one) < merit(unknown) > merit({**one, "val/accuracy": 0.0})
    assert merit({**one, "val/accuracy": 0.6}) < merit(one) < merit({**one, "val/recall": 0.8})


def test_a_metric_that_decides_more_comes_before_accuracy(monkeypatch) -> None:
    monkeypatch.setattr("runner.results.metrics.METRICS", {**METRICS})
    describe(Metric("delay", decides=3))
    assert evaluated(data=True)[-1] == "val/delay"
    slow, fast = {"val/delay": 2.0, "val/accuracy": 1.0}, {"val/delay": 1.0, "val/accuracy": 0.0}
    assert merit(fast) < merit(slow)


def test_a_metric_of_ones_own_is_one_description(monkeypatch, command, folder, read_back) -> None:
    monkeypatch.setattr("runner.results.metrics.METRICS", {**METRICS})
    describe(Metric("zeros", lambda outputs, targets: (targets == 0).sum(), percent=True))
    line = "model=linear train.steps=4 schedule=plateau schedule.monitor=val/zeros"
    assert "test zeros 10.00 %" in command(line).out
    [run] = read_back(folder).runs()
    assert run.data.metrics["val/zeros"] == run.data.metrics["test/zeros"] == 0.1
