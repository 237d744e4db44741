"""Reduce on plateau against traces worked out by hand from Keras's rules."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules import (
    Constant,
    Horizon,
    Join,
    PlateauMemory,
    Polynomial,
    ReduceOnPlateau,
    Warmup,
)


def rates_after(schedule, values, every=10):
    """The rate that follows each of some evaluations, made every so many steps."""
    memory, rates = schedule.begin(), []
    for i, value in enumerate(values, start=1):
        step = i * every
        memory = schedule.observe(memory, step, value)
        rates.append(float(schedule.rates(memory, np.array([step]))[0]))
    return rates


@pytest.mark.parametrize(
    ("arguments", "values", "expected"),
    [
        pytest.param(
            {"patience": 2},
            # best 1.0; waits 1, 2: cut; 1, 2: cut; 0.5 improves; waits 1
            [1.0, 1.0, 1.1, 1.2, 1.3, 0.5, 0.6],
            [0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.2],
            id="patience 2",
        ),
        pytest.param({"patience": 1}, [1.0, 2.0, 2.0], [0.8, 0.4, 0.2], id="patience 1"),
        pytest.param({"patience": 0}, [1.0, 2.0, 2.0], [0.8, 0.4, 0.2], id="patience 0 acts as 1"),
        pytest.param(
            {"patience": 1, "min_delta": 0.125},
            # 0.875 is not less than 1.0 - 0.125; 0.8 is
            [1.0, 0.875, 0.8, 0.7],
            [0.8, 0.4, 0.4, 0.2],
            id="absolute margin",
        ),
        pytest.param(
            {"patience": 1, "min_delta": 0.125, "min_delta_mode": "relative"},
            # 8 - 0.125 * 8 = 7
            [8.0, 7.0, 6.9],
            [0.8, 0.4, 0.4],
            id="relative margin",
        ),
        pytest.param(
            {"patience": 1, "min_delta": 0.5, "min_delta_mode": "relative"},
            # a margin of |best|: -2 - 1 = -3
            [-2.0, -2.5, -3.5],
            [0.8, 0.4, 0.4],
            id="relative margin of a negative best",
        ),
        pytest.param(
            {"patience": 1, "mode": "max", "min_delta": 0.0},
            [0.5, 0.6, 0.6, 0.7, 0.1],
            [0.8, 0.8, 0.4, 0.4, 0.2],
            id="higher is better",
        ),
        pytest.param(
            {"patience": 2, "cooldown": 3},
            # cut at the 3rd; rest 2, 1, then 0: the 6th counts as wait 1, the 7th cuts
            [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0],
            [0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.2, 0.2],
            id="cooldown",
        ),
        pytest.param(
            {"patience": 1, "cooldown": 2},
            # cut at the 2nd; 3rd rests; the 4th improves; the 5th cuts
            [1.0, 2.0, 2.0, 0.5, 2.0, 2.0, 2.0],
            [0.8, 0.4, 0.4, 0.4, 0.2, 0.2, 0.1],
            id="an improvement in a cooldown",
        ),
        pytest.param(
            {"patience": 1, "floor": 0.3},
            [1.0, 2.0, 2.0, 2.0],
            [0.8, 0.4, 0.3, 0.3],
            id="floor",
        ),
        pytest.param(
            {"patience": 2},
            [math.inf, math.inf, 1.0, math.inf, math.inf],
            [0.8, 0.4, 0.4, 0.4, 0.2],
            id="infinite values improve on nothing",
        ),
        pytest.param({"patience": 2, "factor": 0.1}, [1, 1, 1], [0.8, 0.8, 0.08], id="factor"),
        pytest.param(
            {"counting": "torch", "patience": 2},
            # best 1.0; waits 1, 2, 3: cut; 1; 0.5 improves; 1, 2, 3: cut
            [1.0, 1.0, 1.1, 1.2, 1.3, 0.5, 0.6, 0.6, 0.6],
            [0.8, 0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.4, 0.2],
            id="torch, patience 2",
        ),
        pytest.param(
            {"counting": "torch", "patience": 0},
            [1.0, 2.0, 0.5, 0.5],
            [0.8, 0.4, 0.4, 0.2],
            id="torch, patience 0 cuts at the first bad evaluation",
        ),
        pytest.param(
            {"counting": "torch", "patience": 1, "cooldown": 2},
            # cut at the 3rd; the 4th and 5th rest; waits 1, 2: cut
            [1.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0],
            [0.8, 0.8, 0.4, 0.4, 0.4, 0.4, 0.2, 0.2],
            id="torch, none of the cooldown counts",
        ),
        pytest.param(
            {"counting": "torch", "patience": 0, "floor": 0.3},
            [1.0, 2.0, 2.0, 2.0],
            [0.8, 0.4, 0.3, 0.3],
            id="torch, floor",
        ),
    ],
)
def test_by_hand(arguments, values, expected):
    schedule = ReduceOnPlateau(lr=0.8, **arguments)
    assert rates_after(schedule, values) == pytest.approx(expected, rel=1e-12)


def as_keras_documents(values, lr, patience, cooldown, factor, floor, min_delta):
    """The rate after each evaluation, by the order of Keras's callback in mode "min"."""
    rates, wait, rest, best = [], 0, 0, math.inf
    for value in values:
        if rest > 0:
            rest, wait = rest - 1, 0
        if value < best - min_delta:
            best, wait = value, 0
        elif rest <= 0:
            wait += 1
            if wait >= patience and lr > floor:
                lr = max(lr * factor, floor)
                rest, wait = cooldown, 0
        rates.append(lr)
    return rates


@given(
    values=st.lists(st.integers(0, 12).map(lambda n: n / 4), max_size=60),
    patience=st.integers(0, 4),
    cooldown=st.integers(0, 3),
    min_delta=st.sampled_from([0.0, 0.25, 0.3]),
)
def test_keras_s_order_over_any_values(values, patience, cooldown, min_delta):
    arguments = {"patience": patience, "cooldown": cooldown, "min_delta": min_delta, "floor": 0.01}
    schedule = ReduceOnPlateau(lr=0.8, factor=0.5, **arguments)
    assert rates_after(schedule, values) == as_keras_documents(
        values, lr=0.8, factor=0.5, **arguments
    )


@pytest.mark.parametrize("counting", ["keras", "torch"])
def test_a_saved_memory_of_either_counting_is_four_numbers(counting):
    schedule = ReduceOnPlateau(lr=0.1, counting=counting)
    state = {"rate": 0.05, "best": 1.5, "wait": 1, "rest": 0}
    assert schedule.recall(state) == PlateauMemory(rate=0.05, best=1.5, wait=1)
    assert schedule.recall(state).as_dict() == state


BAD_STATES = [
    ({"rate": math.nan}, "rate must be finite, got nan"),
    ({"rate": math.inf}, "rate must be finite, got inf"),
    ({"rate": -0.1}, "rate must be at least 0, got -0.1"),
    ({"rate": "x"}, "rate must be a number, got 'x'"),
    ({"rate": None}, "rate must be a number, got None"),
    ({"rate": True}, "rate must be a number, got True"),
    ({"best": math.nan}, "best must not be NaN, got nan"),
    ({"best": "1"}, "best must be a number, got '1'"),
    ({"wait": -1}, "wait must be at least 0, got -1"),
    ({"wait": 1.0}, "wait must be a whole number, got 1.0"),
    ({"rest": None}, "rest must be a whole number, got None"),
]


@pytest.mark.parametrize(("change", "message"), BAD_STATES)
def test_a_memory_holds_numbers_in_their_ranges_only(change, message):
    state = {"rate": 0.05, "best": 1.5, "wait": 1, "rest": 0} | change
    with pytest.raises((ValueError, TypeError), match=f"^{message}$"):
        PlateauMemory(**state)
    with pytest.raises(
        ValueError, match=rf"^state must be that of a PlateauMemory, got .*: {message}$"
    ):
        ReduceOnPlateau(lr=0.1).recall(state)


@pytest.mark.parametrize(
    "state", [None, 3, "rate", [], {}, {"rate": 0.1, "more": 1}, {1: 2}, [("rate", 0.1)]]
)
def test_what_is_no_state_is_refused(state):
    for schedule in (ReduceOnPlateau(lr=0.1), Warmup(schedule=ReduceOnPlateau(lr=0.1))):
        with pytest.raises(ValueError, match=r"^state must be that of a PlateauMemory, got"):
            schedule.recall(state)


def test_a_memory_keeps_python_s_numbers_and_infinite_values():
    memory = PlateauMemory(rate=np.float32(0.5), best=-math.inf, wait=np.int64(2))
    assert repr(memory) == "PlateauMemory(rate=0.5, best=-inf, wait=2, rest=0)"


@pytest.mark.parametrize("memory", [PlateauMemory(rate=0.1), PlateauMemory(rate=0.1, best=1.0)])
def test_a_metric_that_is_nan_is_an_error_and_not_a_cut(memory):
    schedule = ReduceOnPlateau(lr=0.1)
    with pytest.raises(ValueError, match=r"value must not be NaN, got nan for 'val/loss'"):
        schedule.observe(memory, 10, math.nan)


@pytest.mark.parametrize("value", [True, "1.0", None])
def test_a_metric_that_is_no_number_is_refused(value):
    schedule = ReduceOnPlateau(lr=0.1)
    with pytest.raises(TypeError, match=r"value must be a number"):
        schedule.observe(schedule.begin(), 10, value)


def test_numpy_s_numbers_are_numbers():
    schedule = ReduceOnPlateau(lr=0.1, patience=1)
    memory = schedule.observe(schedule.begin(), np.int64(1), np.float32(0.5))
    assert memory == PlateauMemory(rate=0.1, best=0.5)


def test_a_step_must_be_a_step():
    for schedule in (
        ReduceOnPlateau(lr=0.1),
        Warmup(schedule=ReduceOnPlateau(lr=0.1), steps=5),
    ):
        with pytest.raises(ValueError, match=r"step must be at least 0, got -1"):
            schedule.observe(schedule.begin(), -1, 1.0)


def test_another_schedule_s_memory_is_refused():
    schedule = ReduceOnPlateau(lr=0.1)
    foreign = Polynomial(lr=0.1).begin()
    with pytest.raises(TypeError, match=r"memory must be a PlateauMemory"):
        schedule.observe(foreign, 1, 1.0)


BAD = [1.0, 2.0, 2.0, 2.0, 2.0]


def test_a_ramp_before_it_ignores_the_evaluations_made_during_the_ramp():
    plateau = ReduceOnPlateau(lr=0.8, patience=1)
    # Evaluations at 10, 20, 30, 40, 50. The first to count is the one after 20.
    schedule = Warmup(schedule=plateau, steps=20, start=0.0)
    assert rates_after(schedule, BAD) == pytest.approx([0.4, 0.8, 0.8, 0.4, 0.2])
    held = Warmup(schedule=plateau, steps=10, start=0.0, hold_steps=10)
    assert rates_after(held, BAD) == pytest.approx([0.8, 0.8, 0.8, 0.4, 0.2])


@pytest.mark.parametrize("evaluated", [29, 30, 31])
def test_an_evaluation_at_the_end_of_a_ramp_judges_the_ramp_as_in_a_join(evaluated):
    # The one after 30 updates was made before any update of the plateau.
    plateau = ReduceOnPlateau(lr=0.8, patience=1)
    warmup = Warmup(schedule=plateau, steps=30, start=0.0)
    held = Warmup(schedule=plateau, steps=10, start=0.0, hold_steps=20)
    join = Join(schedules=(Constant(lr=0.1), plateau), boundaries=(30,))
    for schedule in (warmup, held, join):
        memory = schedule.begin()
        for step in (evaluated, 40):
            memory = schedule.observe(memory, step, 1.0)
        rate = 0.8 if evaluated <= 30 else 0.4
        assert schedule.rates(memory, np.array([50])).tolist() == [rate]


def test_without_a_ramp_an_evaluation_before_the_first_update_counts():
    schedule = Warmup(schedule=ReduceOnPlateau(lr=0.8, patience=1), steps=0)
    memory = schedule.observe(schedule.observe(schedule.begin(), 0, 1.0), 1, 1.0)
    assert memory.rate == 0.4


def test_a_ramp_over_it_counts_them_and_leads_to_the_first_rate():
    plateau = ReduceOnPlateau(lr=0.8, patience=1)
    schedule = Warmup(schedule=plateau, steps=30, start=0.0, placement="overlay")
    assert rates_after(schedule, BAD) == pytest.approx([0.8 / 3, 1.6 / 3, 0.2, 0.1, 0.05])


def test_it_needs_no_binding_and_rates_are_those_until_the_next_evaluation():
    schedule = Warmup(schedule=ReduceOnPlateau(lr=0.8), fraction=0.5, start=0.0)
    schedule = schedule.bind(Horizon(8, 2))
    t = np.arange(8).reshape(2, 4)
    assert schedule.rates(schedule.begin(), t).tolist() == [
        [0, 0.2, 0.4, 0.6000000000000001],
        [0.8] * 4,
    ]
