"""Made-up trials, and what a figure shows, read back from it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from runner.report.pictures import Trials
from runner.results.definition import Definition, Goal
from runner.results.rows import Row
from runner.space import Choice, Entry, Interval, Ordered, Space

SPACE = Space(
    [
        Entry("schedule", Choice(["cosine", "exponential", "piecewise"])),
        Entry("lr", Interval(0.0001, 0.1, log=True)),
        Entry("batch_size", Choice([32, 64, 128])),
        Entry("warmup.fraction", Interval(0, 20, unit="%")),
        Entry("schedule.decay_rate", Interval(0.5, 0.99)),
        Entry("schedule.boundaries", Ordered(2, Interval(10, 90, step=5, unit="%"))),
        Entry("clip", Choice([None, 1.0, 5.0])),
    ],
    frozenset({"schedule"}),
)


@pytest.fixture
def study() -> Callable[..., Trials]:
    """Makes the trials of a study from rows."""

    def make(rows: list[Row], goal: str = "val/accuracy", answer: int | None = None) -> Trials:
        direction = "maximize" if goal == "val/accuracy" else "minimize"
        definition = Definition("schedule", {}, (), {}, (Goal(goal, direction),))
        return Trials(rows, definition, SPACE, answer)

    return make


@pytest.fixture
def of_values(study: Callable[..., Trials]) -> Callable[..., Trials]:
    """Makes trials of some values; number 0 is the baseline."""

    def make(*found: float, **options: Any) -> Trials:
        rows = [
            Row(i, "COMPLETE", {"lr": 0.1 / 2**i}, (x,), baseline=i == 0)
            for i, x in enumerate(found)
        ]
        return study(rows, **options)

    return make


@pytest.fixture
def of_any_outcome(study: Callable[..., Trials]) -> Callable[..., Trials]:
    """Makes so many trials: pruned, diverged, failed, copied, far off; number 0 is the baseline."""

    def make(count: int, **options: Any) -> Trials:
        rng = np.random.default_rng(0)
        return study([_trial(number, rng) for number in range(count)], **options)

    return make


def _trial(number: int, rng: np.random.Generator) -> Row:
    schedule = "exponential" if number == 0 else str(rng.choice(["cosine", "piecewise"]))
    values: dict[str, Any] = {
        "schedule": schedule,
        "lr": float(10 ** rng.uniform(-4, -1)),
        "batch_size": int(rng.choice([32, 64, 128])),
        "warmup.fraction": f"{rng.uniform(0, 20):.3f}%",
        "clip": [None, 1.0, 5.0][number % 3],
    }
    if schedule == "exponential":
        values["schedule.decay_rate"] = 0.9
    if schedule == "piecewise":
        low, high = sorted(rng.choice(np.arange(10, 95, 5), 2, replace=False).tolist())
        values["schedule.boundaries"] = [f"{low}%", f"{high}%"]
    value = float(rng.uniform(0.9, 0.98) if number % 5 else 0.3) if number else 0.95
    more: dict[str, Any] = {"objective": (value,), "state": "COMPLETE"}
    if number % 10 == 3:
        more = {"rungs": {20: 0.5}, "state": "PRUNED"}
    elif number % 10 == 4:
        more |= {"diverged": "step 3"}
    elif number % 50 == 6:
        more = {"state": "FAIL", "reason": "boom"}
    elif number % 20 == 7:
        more |= {"copy_of": 1}
    return Row(number, values=values, baseline=number == 0, **more)


@pytest.fixture
def falling() -> Callable[[Trials], dict[int, np.ndarray]]:
    """The rates of trials that fall from their lr to 0 in 500 steps."""
    share = 1 - np.arange(500) / 500
    return lambda trials: {row.number: row.values.get("lr", 0.0) * share for row in trials.rows}


@pytest.fixture
def places() -> Callable[[Any], dict[str, list[list[float]]]]:
    """The places of the points on axes, by their label."""
    return lambda axes: {
        points.get_label(): points.get_offsets().tolist() for points in axes.collections
    }


@pytest.fixture
def words() -> Callable[[Any], list[str]]:
    """The words of a figure's legend."""
    return lambda figure: [text.get_text() for text in figure.legends[0].get_texts()]
