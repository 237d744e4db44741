"""What made trials good."""

import math

from runner.report.tables import correlations, importances


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
