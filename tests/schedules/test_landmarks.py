"""Landmarks of long runs: at most a thousand, found at once, the important ones among them."""

from time import perf_counter

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
    MultiStep,
    Offset,
    PiecewiseConstant,
    Polynomial,
    Product,
    Repeat,
    Scale,
    Step,
    Warmup,
)
from schedules.schedule import MOST_LANDMARKS

FAR = 2**53
STAIRS = Step(lr=0.1, decay_steps=2)
CYCLES = Cyclic(lr=0.1, cycle_steps=3)
SHORT = Polynomial(lr=0.1, decay_steps=1)


def in_a_moment(schedule, total_steps):
    start = perf_counter()
    landmarks = schedule.landmarks(total_steps)
    assert perf_counter() - start < 1
    steps = [step for step, _ in landmarks]
    assert steps == sorted(set(steps))
    assert len(landmarks) <= MOST_LANDMARKS
    return landmarks


@pytest.mark.parametrize(
    ("schedule", "first", "last"),
    [
        (STAIRS, (2, "stair 1"), (2000, "stair 1000")),
        (CYCLES, (3, "cycle 2"), (3000, "cycle 1001")),
        (
            Exponential(lr=0.1, decay_rate=0.9, decay_steps=5, staircase=True),
            (5, "stair 1"),
            (5000, "stair 1000"),
        ),
        (InverseTime(lr=0.1, decay_steps=5, staircase=True), (5, "stair 1"), (5000, "stair 1000")),
        (Polynomial(lr=0.1, decay_steps=2, cycle=True), (3, "cycle 2"), (2001, "cycle 1001")),
        (CosineRestarts(lr=0.1, cycle_steps=4), (4, "cycle 2"), (4000, "cycle 1001")),
        (
            CosineRestarts(lr=0.1, cycle_steps=4, cycle_limit=10),
            (4, "cycle 2"),
            (40, "end of the decay"),
        ),
        (Repeat(schedule=Constant(lr=0.1), cycle_steps=1), (1, "cycle 2"), (1000, "cycle 1001")),
        (Repeat(schedule=SHORT, cycle_steps=2), (1, "end of the decay"), (1000, "cycle 501")),
        (Scale(schedule=STAIRS, factor=2), (2, "stair 1"), (2000, "stair 1000")),
        (Product(schedules=(STAIRS, CYCLES)), (2, "stair 1"), (1500, "stair 750")),
        (
            MultiStep(lr=0.1, boundaries=range(1, 5001)),
            (1, "boundary 1"),
            (1000, "boundary 1000"),
        ),
        (
            Repeat(schedule=Repeat(schedule=STAIRS, cycle_steps=5), cycle_steps=10),
            (2, "stair 1"),
            (1667, "stair 1"),
        ),
        (
            Repeat(schedule=Offset(schedule=STAIRS, start=10**9), cycle_steps=4),
            (2, "stair 500000001"),
            (2000, "cycle 501"),
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, tuple) else value[1],
)
def test_a_thousand_are_found_at_once(schedule, first, last):
    for total_steps in (30_000_000, FAR):
        landmarks = in_a_moment(schedule, total_steps)
        assert landmarks[0] == first
        assert landmarks[-1] == last


def test_cycles_that_grow_slowly():
    growing = CosineRestarts(lr=0.1, cycle_steps=1000, cycle_multiplier=1.001)
    growing(0)  # makes the table of its cycles, which rates need too
    assert in_a_moment(growing, FAR)[:2] == [(1000, "cycle 2"), (2001, "cycle 3")]
    assert len(growing.landmarks(FAR)) == MOST_LANDMARKS
    later = Offset(schedule=growing, start=2000)
    assert in_a_moment(later, FAR)[:2] == [(1, "cycle 3"), (1003, "cycle 4")]


def test_the_end_of_a_ramp_over_a_repeat_stands_among_its_cycles():
    repeat = Repeat(schedule=SHORT, cycle_steps=2)
    landmarks = in_a_moment(Warmup(schedule=repeat, steps=10**7), FAR)
    assert landmarks[:3] == [
        (10**7, "end of the warm-up"),
        (10**7 + 1, "end of the decay"),
        (10**7 + 2, "cycle 2"),
    ]
    overlay = Warmup(schedule=repeat, steps=10**9, placement="overlay")
    assert in_a_moment(overlay, FAR)[:2] == [
        (10**9, "end of the warm-up"),
        (10**9 + 1, "end of the decay"),
    ]


def test_the_boundaries_of_a_join_are_not_lost_among_the_stairs():
    join = Join(schedules=(STAIRS, STAIRS, CYCLES), boundaries=(10**7, 2 * 10**7))
    landmarks = in_a_moment(join, FAR)
    assert len(landmarks) == MOST_LANDMARKS
    assert landmarks[-3:] == [
        (1996, "stair 998"),
        (10**7, "boundary 1"),
        (2 * 10**7, "boundary 2"),
    ]
    overlay = Join(schedules=(Constant(lr=0.1), STAIRS), boundaries=(10**9,), placement="overlay")
    assert in_a_moment(overlay, FAR)[:2] == [
        (10**9, "boundary 1"),
        (10**9 + 2, "stair 500000001"),
    ]


def test_an_end_is_not_lost_among_the_cycles():
    ending = Cyclic(lr=0.1, cycle_steps=2, after="hold", end_steps=10**7)
    assert in_a_moment(ending, FAR)[-1] == (10**7, "end of the decay")
    product = Product(schedules=(CYCLES, Cosine(lr=1.0, decay_steps=10**7)))
    assert in_a_moment(product, FAR)[-1] == (10**7, "end of the decay")


def test_an_offset_finds_its_first_landmark_without_counting():
    for schedule, first in [
        (STAIRS, (1, "stair 500000001")),
        (CYCLES, (1, "cycle 333333335")),
        (CosineRestarts(lr=0.1, cycle_steps=4), (3, "cycle 250000002")),
        (Polynomial(lr=0.1, decay_steps=2, cycle=True), (2, "cycle 500000002")),
        (Repeat(schedule=SHORT, cycle_steps=2), (1, "cycle 500000002")),
        (Join(schedules=(SHORT, STAIRS), boundaries=(5,)), (2, "stair 499999999")),
        (Product(schedules=(Constant(lr=1.0), STAIRS)), (1, "stair 500000001")),
    ]:
        offset = Offset(schedule=schedule, start=10**9 + 1)
        assert in_a_moment(offset, FAR)[0] == first


def test_a_join_of_many_parts():
    join = Join(schedules=(STAIRS,) * 3000, boundaries=range(10, 30_000, 10))
    assert len(in_a_moment(join, 30_000)) == MOST_LANDMARKS


def test_an_offset_within_a_ramp_within_a_join():
    inner = Offset(schedule=PiecewiseConstant(lr=0.1, boundaries=(5, 30), factors=(1, 1, 1)))
    part = Warmup(schedule=Offset(schedule=inner, start=10), steps=20)
    join = Join(schedules=(Constant(lr=0.1), part), boundaries=("50%",))
    assert join.bind(Horizon(200, 10)).landmarks(200) == [
        (100, "boundary 1"),
        (120, "end of the warm-up"),
        (140, "boundary 2"),
    ]
