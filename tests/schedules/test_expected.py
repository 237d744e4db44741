"""Rates worked out by hand, family by family; the articles' numbers among them."""

from dataclasses import replace
from math import sqrt

import numpy as np
import pytest
from families import BY_HAND, FAMILIES, H100, VARIANTS
from hypothesis import given
from hypothesis import strategies as st

import schedules
from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    InverseTime,
    Noam,
    OneCycle,
    PiecewiseInterpolation,
    Polynomial,
    Scale,
    Schedule,
    Step,
    Warmup,
    WarmupStableDecay,
)

LINE = Polynomial(lr=1.0)
HALF = sqrt(0.5)


@pytest.mark.parametrize("name", BY_HAND)
def test_rates_by_hand(name):
    worked = BY_HAND[name]
    bound = worked.schedule.bind(H100)
    memory = bound.begin()
    for step, value in worked.hears:
        memory = bound.observe(memory, step, value)
    for t, rate in worked.rates.items():
        found = bound.rates(memory, np.array([t]))[0]
        assert found == pytest.approx(rate, rel=1e-12, abs=1e-17), f"t = {t}"
        assert bound.listens or bound(t) == found


def test_every_family_has_rates_worked_out_by_hand():
    exported = [getattr(schedules, name) for name in schedules.__all__]
    kinds = {kind for kind in exported if isinstance(kind, type) and issubclass(kind, Schedule)}
    assert set(FAMILIES) == kinds - {Schedule}
    worked = {
        kind: {t for one in BY_HAND.values() if type(one.schedule) is kind for t in one.rates}
        for kind in FAMILIES
    }
    assert [kind.__name__ for kind, steps in worked.items() if len(steps) < 3] == []
    assert {type(variant.schedule) for variant in VARIANTS} == set(FAMILIES)


def test_the_parabola_s_rate_after_forty_updates():
    schedule = Exponential(lr=0.1, decay_rate=0.99, decay_steps=1)
    assert schedule(40) == pytest.approx(0.066897, abs=5e-7)


@pytest.mark.parametrize("decay_steps", [41, 49, 55, 82, 97, 98, 103])
def test_stairs_stand_at_exact_multiples(decay_steps):
    schedule = Exponential(lr=1.0, decay_rate=0.5, decay_steps=decay_steps, staircase=True)
    t = np.arange(decay_steps * 40)
    assert np.array_equal(schedule(t), 0.5 ** (t // decay_steps).astype(float))


@pytest.mark.parametrize("decay_steps", [41, 49, 55, 82, 97, 98, 103])
def test_steps_and_inverse_stairs_stand_at_exact_multiples(decay_steps):
    t = np.arange(decay_steps * 40)
    halves = Step(lr=1.0, factor=0.5, decay_steps=decay_steps)
    assert np.array_equal(halves(t), 0.5 ** (t // decay_steps).astype(float))
    inverse = InverseTime(lr=1.0, decay_steps=decay_steps, staircase=True)
    assert np.array_equal(inverse(t), 1.0 / (1 + t // decay_steps))


@pytest.mark.parametrize("warmup_steps", [1, 3, 10, 49, 4000, 10**6 + 1])
def test_noam_peaks_at_the_last_step_of_its_ramp(warmup_steps):
    noam = Noam(lr=0.3, warmup_steps=warmup_steps)
    assert noam(warmup_steps - 1) == 0.3
    around = noam(warmup_steps - 1 + np.arange(1 - min(warmup_steps, 5), 5))
    assert around.max() == 0.3
    assert (around == 0.3).sum() == 1


def test_noam_is_the_paper_s_formula():
    lr = 2 * 512**-0.5 * 4000**-0.5
    noam = Noam(lr=lr, warmup_steps=4000)
    for number in (1, 100, 4000, 4001, 100_000):  # the paper counts its steps from 1
        rate = 2 * 512**-0.5 * min(number**-0.5, number * 4000**-1.5)
        assert noam(number - 1) == pytest.approx(rate, rel=1e-12)


RATES = st.floats(0, 1e300)


@given(lr=RATES, share=st.floats(0, 1), steps=st.integers(1, 10**6), power=st.floats(0.01, 100))
def test_the_peak_and_the_lowest_rate_are_exact_and_nothing_lies_outside(lr, share, steps, power):
    low = min(lr * share, lr)
    for schedule in (
        Cosine(lr=lr, floor=low, decay_steps=steps, power=power),
        Polynomial(lr=lr, end=low, decay_steps=steps, power=power),
    ):
        trace = schedule(np.linspace(0, steps, 50).astype(np.int64))
        assert (trace[0], trace[-1]) == (lr, low)
        assert trace.max() == lr
        assert trace.min() == low
        assert (np.diff(trace) <= 0).all()


@given(
    points=st.dictionaries(st.integers(0, 2**53), RATES, min_size=2, max_size=5),
    shape=st.sampled_from(["linear", "cosine"]),
    data=st.data(),
)
def test_an_interpolation_is_exact_at_its_points_and_stays_between_them(points, shape, data):
    boundaries = sorted(points)
    values = [points[b] for b in boundaries]
    schedule = PiecewiseInterpolation(boundaries=boundaries, values=values, shape=shape)
    assert schedule(np.array(boundaries)).tolist() == values
    i = data.draw(st.integers(0, len(values) - 2))
    t = data.draw(st.integers(boundaries[i], boundaries[i + 1]))
    near = np.array([t, boundaries[i + 1] - 1, boundaries[i] + 1])
    lowest, highest = sorted(values[i : i + 2])
    assert ((lowest <= schedule(near)) & (schedule(near) <= highest)).all()


@pytest.mark.parametrize("multiplier", [2, 3, 5])
def test_restarts_are_found_without_a_logarithm(multiplier):
    schedule = CosineRestarts(lr=1.0, cycle_steps=7, cycle_multiplier=multiplier)
    start, length = 0, 7
    while start + length < 2**53:
        assert schedule(start) == 1.0
        start, length = start + length, length * multiplier
        assert schedule(start - 1) < 1.0


def test_cycles_grow_by_the_decimal_text_of_the_multiplier():
    # 100 * 1.005 is 100.5, which rounds up; in binary floating point it is a little less.
    schedule = CosineRestarts(lr=1.0, cycle_steps=100, cycle_multiplier=1.005)
    assert schedule(100) == 1.0
    assert schedule(200) < 1.0
    assert schedule(201) == 1.0


def test_far_restarts_are_exact():
    schedule = CosineRestarts(lr=1.0, cycle_steps=7)
    far = 7 * (10**9 // 7)
    assert schedule(np.array([far - 7, far, far + 7])).tolist() == [1.0, 1.0, 1.0]


def test_a_warm_up_does_not_fall():
    schedule = Warmup(schedule=Constant(lr=0.3), steps=97, start=0.1)
    assert (np.diff(schedule(np.arange(200))) >= 0).all()


@pytest.mark.parametrize("multiplier", [1, 2, 1.5])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_limited_cycles_are_the_first_ones_and_then_the_floor(multiplier, limit):
    endless = CosineRestarts(lr=0.1, floor=0.03, cycle_steps=7, cycle_multiplier=multiplier)
    limited = replace(endless, cycle_limit=limit)
    restarts = [step for step in range(1, 2000) if endless(step) == 0.1]
    end = restarts[limit - 1]
    t = np.arange(2000)
    assert limited(t[:end]).tolist() == endless(t[:end]).tolist()
    assert set(limited(t[end:])) == {0.03}


def test_a_limit_that_no_run_reaches_changes_nothing():
    t = np.array([0, 1, 10**9, 2**53 - 1, 2**53])
    for multiplier in (1, 1.5):
        endless = CosineRestarts(lr=0.1, cycle_steps=9, cycle_multiplier=multiplier)
        for limit in (2**53, 10**400):
            assert replace(endless, cycle_limit=limit)(t).tolist() == endless(t).tolist()


@pytest.mark.parametrize("length", [7, 41, 49, 100, 103])
def test_triangles_stand_exactly_at_any_distance(length):
    schedule = Cyclic(lr=0.7, floor=0.3, cycle_steps=length)
    rise = (length + 1) // 2
    starts = length * np.array([0, 1, 41, 10**9 // length, 2**53 // length - 1])
    assert set(schedule(starts)) == {0.3}
    assert set(schedule(starts + rise)) == {0.7}


@given(lr=st.floats(0, 1e3), share=st.floats(0, 1), total=st.integers(3, 10**6))
def test_points_are_exact_whatever_the_numbers(lr, share, total):
    floor = lr * share
    one_cycle = OneCycle(lr=lr, total_steps=total, rise_steps=1, start_factor=share)
    assert one_cycle(0) == floor
    assert one_cycle(1) == lr
    assert one_cycle(total) == lr * 4e-6
    stable = WarmupStableDecay(
        lr=lr, floor=floor, warmup_steps=1, decay_steps=total - 1, total_steps=total
    )
    assert [stable(t) for t in (0, 1, total)] == [lr, lr, floor]
    cyclic = Cyclic(lr=lr, floor=floor, cycle_steps=2 * total)
    assert [cyclic(t) for t in (0, total, 2 * total)] == [floor, lr, floor]
    restarts = CosineRestarts(lr=lr, floor=floor, cycle_steps=total, cycle_limit=2)
    assert [restarts(t) for t in (0, total, 2 * total)] == [lr, lr, floor]


def test_known_difference_tensorflow_multiplies_the_height_above_the_floor():
    # alpha 0.1, m_mul 0.5: their peaks are 0.01 + 0.09 * 0.5 ** i, 0.055 at t = 10.
    ours = CosineRestarts(lr=0.1, floor=0.01, cycle_steps=10, peak_multiplier=0.5)
    assert [ours(t) for t in (0, 10, 20)] == pytest.approx([0.1, 0.05, 0.025], rel=1e-12)
    theirs = Scale(schedule=CosineRestarts(lr=0.09, cycle_steps=10, peak_multiplier=0.5), factor=1)
    assert 0.01 + theirs(10) == pytest.approx(0.055, rel=1e-12)
