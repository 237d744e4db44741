"""Stretches of numbers."""

import pytest

from runner.report.pictures.scale import Scale


@pytest.mark.parametrize(
    ("low", "high", "log", "found"),
    [
        (1e-4, 1e-1, True, [1e-4, 1e-3, 1e-2, 1e-1]),
        (2e-3, 9e-3, True, [0.002, 0.005]),
        (6e-3, 9e-3, True, [6e-3, 9e-3]),
        (1e-12, 1.0, True, [1e-12, 1e-9, 1e-6, 1e-3, 1]),
        (0.0, 20.0, False, [0, 5, 10, 15, 20]),
        (-0.3, 0.3, False, [-0.2, 0, 0.2]),
        (0.1, 0.7, False, [0.2, 0.4, 0.6]),
        (5.0, 10.0, False, [6, 8, 10]),
        (0.91, 0.92, False, [0.91, 0.9125, 0.915, 0.9175, 0.92]),
        (3.0, 3.0, False, [3]),
    ],
)
def test_ticks_are_few_and_round(low: float, high: float, log: bool, found: list[float]) -> None:
    assert list(Scale(low, high, log).ticks()) == pytest.approx(found)
