"""Where a trace changes its shape, in words: against numbers worked out by hand."""

from itertools import pairwise

import numpy as np
import pytest

from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    Horizon,
    InverseTime,
    Join,
    LinearCosine,
    MultiStep,
    Noam,
    NoisyLinearCosine,
    OneCycle,
    PiecewiseConstant,
    PiecewiseInterpolation,
    Polynomial,
    ReduceOnPlateau,
    Step,
    Tanh,
    Warmup,
    WarmupStableDecay,
)
from schedules.landmarks import landmarks

COSINE = Cosine(lr=0.1)


def of(schedule, steps=100):
    bound = schedule.bind(Horizon(steps, max(1, steps // 10)))
    return landmarks(bound.rates(bound.begin(), np.arange(steps)))


BY_HAND = {
    "constant": (Constant(lr=0.1), []),
    "one that listens, before it hears": (ReduceOnPlateau(lr=0.1), []),
    "smooth from its start to its end": (COSINE, []),
    "without an end": (InverseTime(lr=0.1), []),
    "an end before the run's": (Cosine(lr=0.1, decay_steps=70), [(70, "holds")]),
    "another end": (Polynomial(lr=0.1, decay_steps=50), [(50, "holds")]),
    "a ramp from 0": (Warmup(schedule=COSINE, steps=10, start=0.0), [(10, "peak")]),
    # counted from the first update on, so that steps 9 and 10 have the same rate
    "a ramp": (Warmup(schedule=COSINE, steps=10), [(10, "peak")]),
    "a ramp and a hold": (
        Warmup(schedule=COSINE, steps=10, start=0.0, hold_steps=20),
        [(10, "holds"), (30, "begins to fall")],
    ),
    "a lower rate first": (
        Warmup(schedule=Constant(lr=0.1), steps=10, start=0.01, shape="constant"),
        [(10, "jumps up")],
    ),
    "a ramp over the decay": (
        Warmup(schedule=Polynomial(lr=0.1), steps=10, start=0.0, placement="overlay"),
        [(10, "peak")],  # 0.09, as at step 9
    ),
    "the peak of a formula's own": (Noam(lr=0.1), [(9, "peak")]),
    "three parts": (WarmupStableDecay(lr=0.1), [(4, "holds"), (80, "begins to fall")]),
    "boundaries": (
        PiecewiseConstant(boundaries=(5, 10, 15), values=(0.1, 0.05, 0.2, 0.001)),
        [(5, "drops"), (10, "jumps up"), (15, "drops")],
    ),
    "boundaries, the old value on each": (
        PiecewiseConstant(boundaries=(5, 10, 15), values=(0.1, 0.05, 0.2, 0.001), closed="right"),
        [(6, "drops"), (11, "jumps up"), (16, "drops")],
    ),
    "a boundary that changes nothing": (
        PiecewiseConstant(boundaries=(5, 10), values=(0.1, 0.1, 0.2)),
        [(10, "jumps up")],
    ),
    "five stairs": (Step(lr=0.1, decay_steps=18), [(18 * i, "drops") for i in range(1, 6)]),
    "six stairs": (
        Step(lr=0.1, decay_steps=15),
        [(15, "drops, the first of 6"), (90, "drops, the last of 6")],
    ),
    "stairs too low to see": (
        Step(lr=0.1, factor=1e-3, decay_steps=2),
        [(2, "drops, the first of 49"), (98, "drops, the last of 49")],
    ),
    "a stair a step is none": (Exponential(lr=0.1, decay_rate=0.9, decay_steps=1), []),
    "stairs down to a floor": (
        Exponential(lr=0.1, decay_rate=0.5, decay_steps=20, staircase=True, floor="30%"),
        [(20, "drops"), (40, "drops")],  # 0.1, 0.05, 0.03 and on
    ),
    "boundaries at no equal distances": (
        MultiStep(lr=0.1, boundaries=(3, 10, 20, 33, 50, 70, 99), factor=0.5),
        [(step, "drops") for step in (3, 10, 20, 33, 50, 70, 99)],
    ),
    "restarts": (CosineRestarts(lr=0.1), [(step, "jumps up") for step in (25, 50, 75)]),
    "growing restarts and an end": (
        CosineRestarts(lr=0.1, cycle_steps=10, cycle_multiplier=2, cycle_limit=3),
        [(10, "jumps up"), (30, "jumps up"), (70, "holds")],
    ),
    "restarts with a ramp": (
        CosineRestarts(lr=0.1, cycle_steps=50, warmup_fraction=0.2),
        [(10, "peak"), (50, "valley"), (60, "peak")],
    ),
    "ten cycles": (
        CosineRestarts(lr=0.1, cycle_steps=10),
        [(10, "jumps up, the first of 9"), (90, "jumps up, the last of 9")],
    ),
    "triangles": (
        Cyclic(lr=0.1, cycle_steps=40, after="hold", end_steps=90),
        [(20, "peak"), (40, "valley"), (60, "peak"), (80, "valley"), (90, "holds")],
    ),
    "ten triangles": (
        Cyclic(lr=0.1, cycle_steps=10),
        [
            (5, "peak, the first of 10"),
            (10, "valley, the first of 9"),
            (90, "valley, the last of 9"),
            (95, "peak, the last of 10"),
        ],
    ),
    "one cycle": (OneCycle(lr=0.1), [(30, "peak")]),
    "one cycle of three phases": (
        OneCycle(lr=0.1, total_steps=90, rise_steps=30, phases=3),
        [(30, "peak"), (90, "holds")],  # at 60 it only falls less steeply
    ),
    "points": (
        PiecewiseInterpolation(boundaries=(10, 40, 80), values=(0.2, 0.1, 0.3)),
        [(10, "begins to fall"), (40, "valley"), (80, "holds")],
    ),
    "one after another": (
        Join(schedules=(Constant(lr=0.2), COSINE), boundaries=(60,)),
        [(60, "drops, begins to fall")],
    ),
    "falls twice": (LinearCosine(lr=0.1, half_cycles=2), [(50, "valley"), (79, "peak")]),
    "noise": (NoisyLinearCosine(lr=0.1, initial_variance=0.1), [(1, "wavers")]),
    "noise that ends": (
        NoisyLinearCosine(lr=0.1, decay_steps=80, initial_variance=0.1),
        [(1, "wavers"), (80, "holds")],
    ),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name):
    schedule, expected = BY_HAND[name]
    assert of(schedule) == expected


def test_a_trace_of_one_step_or_of_none_has_none():
    assert landmarks(np.array([0.1])) == landmarks(np.array([])) == []


def test_two_steps():
    assert landmarks(np.array([0.1, 0.3])) == [(1, "jumps up")]
    assert landmarks(np.array([0.3, 0.3])) == []


def test_a_single_high_rate_is_a_peak():
    trace = np.repeat([0.1, 0.3, 0.1], [4, 1, 4])
    assert landmarks(trace) == [(3, "begins to rise"), (4, "peak"), (5, "holds")]


def test_a_drop_from_a_rise_to_a_fall_is_no_peak():
    trace = np.array([0.100, 0.101, 0.102, 0.103, 0.050, 0.049, 0.048])
    assert landmarks(trace) == [(4, "drops, begins to fall")]


@pytest.mark.parametrize("bits", [1, -1, 4])
def test_the_last_bits_of_a_rate_are_no_change(bits):
    t = np.arange(1000)
    flat = np.where(t % 3 == 0, 0.1, 0.1 * (1 + bits * np.finfo(float).eps))
    assert landmarks(flat) == []
    assert landmarks(np.where(t < 500, flat, 0.5 * flat)) == [(500, "drops")]


@pytest.mark.parametrize("steps", [1000, 30_000, 1_000_000])
def test_a_long_run_has_the_landmarks_of_a_short_one(steps):
    # Around a cosine's peak its moves are smaller than the bits of its rates.
    warmed = Warmup(schedule=Cosine(lr=0.1, decay_steps="50%"), fraction=0.2)
    assert of(warmed, steps) == [(steps // 5, "peak"), (steps * 3 // 5, "holds")]
    assert of(Tanh(lr=0.1), steps) == []


def test_a_million_stairs_and_a_million_noisy_steps_are_told_in_a_few_words():
    stairs = of(Step(lr=0.1, factor=0.999999, decay_steps=2), 10**6)
    assert stairs == [(2, "drops, the first of 499999"), (999_998, "drops, the last of 499999")]
    assert len(of(NoisyLinearCosine(lr=0.1), 10**6)) < 10


def test_the_steps_lie_within_the_run_and_are_in_order(family):
    trace = family.bound.rates(family.bound.begin(), np.arange(1000))
    found = landmarks(trace)
    assert all(type(step) is int and 0 < step < 1000 and name for step, name in found)
    assert all(a < b for (a, _), (b, _) in pairwise(found))


def test_every_jump_is_a_landmark(family):
    trace = family.bound.rates(family.bound.begin(), np.arange(1000))
    found = dict(landmarks(trace))
    told = [step for step, name in found.items() if "drops" in name or "jumps up" in name]
    assert set(family.jumps) <= set(told) or "the first of" in found[told[0]]
