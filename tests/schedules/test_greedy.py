"""Greedy plateau against traces worked out by hand, and against its published order of events."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules import GreedyMemory, GreedyPlateau, Polynomial


def rates_after(schedule, values):
    memory, rates = schedule.begin(), []
    for step, value in enumerate(values, start=1):
        memory = schedule.observe(memory, step, value)
        rates.append(float(schedule.rates(memory, np.array([step]))[0]))
    return rates


@pytest.mark.parametrize(
    ("arguments", "values", "expected"),
    [
        pytest.param(
            {"patience": 1},
            # good 1, 2: raise; bad 1, 2: cut; bad 1, 2: cut; good 1, 2: raise
            [5, 4, 4, 4, 4, 4, 3, 2],
            [0.8, 1.6, 1.6, 0.8, 0.8, 0.4, 0.4, 0.8],
            id="raises and cuts",
        ),
        pytest.param(
            {"patience": 0}, [5, 4, 4, 3], [1.6, 3.2, 1.6, 3.2], id="patience 0 acts each time"
        ),
        pytest.param(
            {"patience": 1},
            # only counts in a row: good 1, bad 1, good 1, bad 1, good 1
            [5, 6, 4, 6, 3],
            [0.8] * 5,
            id="counts are in a row",
        ),
        pytest.param(
            {"patience": 0, "ceiling": 2.0}, [5, 4, 3], [1.6, 2.0, 2.0], id="a ceiling of its own"
        ),
        pytest.param(
            {"patience": 0, "factor": 0.25}, [5, 4, 3], [3.2, 8.0, 8.0], id="the usual ceiling"
        ),
        pytest.param(
            {"patience": 0, "ceiling": 0.8, "floor": 0.3},
            [5, 6, 6, 6, 4],
            [0.8, 0.4, 0.3, 0.3, 0.6],
            id="floor",
        ),
        pytest.param(
            {"patience": 0, "cooldown": 2, "ceiling": 0.8},
            # raise; cut; two of rest, in which 1 is not even the best; then bad
            [5, 6, 1, 7, 7],
            [0.8, 0.4, 0.4, 0.4, 0.2],
            id="rest after a cut",
        ),
        pytest.param(
            {"patience": 0, "raise_rest": 1},
            # raise; a rest, in which 4 is not even the best; raise; a rest
            [5, 4, 4, 3],
            [1.6, 1.6, 3.2, 3.2],
            id="rest after a raise",
        ),
        pytest.param(
            {"patience": 0, "window": 2},
            # means 4, 5, 4.5, 3: raise, cut, cut, raise
            [4, 6, 3, 3],
            [1.6, 0.8, 0.4, 0.8],
            id="means of two",
        ),
        pytest.param(
            {"patience": 0, "min_delta": 0.5, "ceiling": 100.0},
            [5, 4.5, 4.25],
            [1.6, 0.8, 1.6],
            id="absolute margin",
        ),
        pytest.param(
            {"patience": 0, "min_delta": 0.5, "min_delta_mode": "relative"},
            [-2, -3, -3.5],
            [1.6, 0.8, 1.6],
            id="relative margin of a negative best",
        ),
        pytest.param(
            {"patience": 0, "mode": "max"}, [1, 2, 2], [1.6, 3.2, 1.6], id="higher is better"
        ),
        pytest.param(
            {"patience": 0, "floor": 0.4, "reset_after": 2},
            # raise to 1.6; cuts to 0.8, 0.4 (first at the floor), and the second starts again:
            # 9 is then the best again
            [5, 6, 6, 6, 9, 8],
            [1.6, 0.8, 0.4, 0.8, 1.6, 3.2],
            id="a reset",
        ),
        pytest.param(
            {"patience": 0, "floor": 0.4, "reset_after": 2},
            # a raise between the two cuts at the floor
            [5, 6, 6, 4, 6, 6],
            [1.6, 0.8, 0.4, 0.8, 0.4, 0.8],
            id="a raise counts anew",
        ),
        pytest.param(
            {"patience": 0, "window": 2},
            # inf - inf is no number, and no improvement
            [math.inf, -math.inf, 1, 1],
            [0.4, 0.2, 0.4, 0.2],
            id="infinite values",
        ),
    ],
)
def test_by_hand(arguments, values, expected):
    schedule = GreedyPlateau(lr=0.8, **({"factor": 0.5} | arguments))
    assert rates_after(schedule, values) == pytest.approx(expected, rel=1e-12)


class Published:
    """The order of events of the paper's implementation, for one parameter group."""

    def __init__(self, s):
        self.s, self.rate, self.values = s, s.lr, []
        self.start()

    def start(self):
        self.best, self.good, self.bad = math.inf, 0, 0
        self.cooldown = self.warmup = self.at_floor = 0

    def step(self, value):
        s = self.s
        self.values = [*self.values, value][-s.window :]
        value = sum(self.values) / len(self.values)
        if self.cooldown or self.warmup:
            if self.cooldown:
                self.cooldown -= 1
            else:
                self.warmup -= 1
            self.good = self.bad = 0
            return
        if value < self.best - s.min_delta:
            self.best, self.bad, self.good = value, 0, self.good + 1
        else:
            self.bad, self.good = self.bad + 1, 0
        if self.good > s.patience:
            self.rate = min(self.rate / s.factor, s.ceiling)
            self.warmup, self.good, self.at_floor = s.raise_rest, 0, 0
        elif self.bad > s.patience:
            self.rate = max(self.rate * s.factor, s.floor)
            self.cooldown, self.bad = s.cooldown, 0
            self.at_floor += self.rate <= s.floor
            if self.at_floor == s.reset_after:
                self.rate, self.values = s.lr, []
                self.start()


@given(
    values=st.lists(st.integers(0, 16).map(lambda n: n / 4), max_size=100),
    patience=st.integers(0, 3),
    cooldown=st.integers(0, 2),
    raise_rest=st.integers(0, 2),
    window=st.sampled_from([1, 2, 4]),
    reset_after=st.sampled_from([None, 1, 2]),
    min_delta=st.sampled_from([0.0, 0.3]),
)
def test_the_published_order_over_any_values(
    values, patience, cooldown, raise_rest, window, reset_after, min_delta
):
    schedule = GreedyPlateau(
        lr=0.8,
        factor=0.5,
        patience=patience,
        cooldown=cooldown,
        raise_rest=raise_rest,
        window=window,
        reset_after=reset_after,
        min_delta=min_delta,
        floor=0.2,
        ceiling=3.0,
    )
    published, expected = Published(schedule), []
    for value in values:
        published.step(value)
        expected.append(published.rate)
    assert rates_after(schedule, values) == expected


@given(st.lists(st.floats(allow_nan=False), max_size=40), st.integers(1, 3))
def test_rates_stay_between_floor_and_ceiling_whatever_comes(values, window):
    schedule = GreedyPlateau(lr=0.1, factor=1e-200, patience=0, floor=0.01, window=window)
    assert all(0.01 <= rate <= 1.0 for rate in rates_after(schedule, values))


def test_the_usual_ceiling_of_a_huge_rate_is_finite():
    schedule = GreedyPlateau(lr=1e308, factor=0.5, patience=0)
    assert rates_after(schedule, [3, 2, 1])[-1] < math.inf


def test_a_memory_keeps_the_values_of_its_window_and_survives_as_json():
    schedule = GreedyPlateau(lr=0.1, window=3)
    memory = schedule.begin()
    for step, value in enumerate([1.0, 2.0, 3.0, 4.0]):
        memory = schedule.observe(memory, step, value)
    assert memory.recent == (3.0, 4.0)
    state = json.loads(json.dumps(memory.as_dict()))
    assert state["recent"] == [3.0, 4.0]
    assert schedule.recall(state) == memory
    assert hash(schedule.recall(state)) == hash(memory)


def test_a_schedule_without_a_window_keeps_no_values():
    schedule = GreedyPlateau(lr=0.1)
    assert schedule.observe(schedule.begin(), 1, 0.5) == GreedyMemory(rate=0.1, best=0.5, good=1)


def test_what_is_no_evaluation_or_memory_is_refused():
    schedule = GreedyPlateau(lr=0.1)
    with pytest.raises(ValueError, match=r"^value must not be NaN, got nan for 'val/loss'$"):
        schedule.observe(schedule.begin(), 1, math.nan)
    with pytest.raises(ValueError, match=r"^step must be at least 0, got -1$"):
        schedule.observe(schedule.begin(), -1, 1.0)
    with pytest.raises(TypeError, match=r"^memory must be a GreedyMemory, from begin\(\), got"):
        schedule.observe(Polynomial(lr=0.1).begin(), 1, 1.0)
    with pytest.raises(ValueError, match=r"^state must be that of a GreedyMemory, got"):
        schedule.recall({"rate": 0.1, "recent": 5})
