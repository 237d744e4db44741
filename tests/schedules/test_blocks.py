"""Schedules made of others: where evaluations go, what is remembered, where things change."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules import (
    Clamp,
    Constant,
    Cosine,
    Exponential,
    Horizon,
    Join,
    Memory,
    Offset,
    PartsMemory,
    PlateauMemory,
    Polynomial,
    Product,
    ReduceOnPlateau,
    Repeat,
    Scale,
    Warmup,
)

HASTY = ReduceOnPlateau(lr=0.8, patience=1)  # each evaluation after the first is a cut
LINE = Polynomial(lr=1.0, decay_steps=10)
T = np.arange(100)


def after(schedule, *steps):
    """The memory after evaluations of 1.0 at some steps."""
    memory = schedule.begin()
    for step in steps:
        memory = schedule.observe(memory, step, 1.0)
    return memory


def cuts(memory):
    """How often each part was cut; None for one that does not listen."""
    return [
        round(np.log2(0.8 / part.rate)) if isinstance(part, PlateauMemory) else None
        for part in memory.parts
    ]


@pytest.mark.parametrize("placement", ["shift", "overlay"])
def test_an_evaluation_goes_to_the_part_of_the_update_before_it(placement):
    join = Join(schedules=(HASTY, HASTY), boundaries=(50,), placement=placement)
    assert cuts(after(join, 0, 10, 49)) == [2, 0]
    assert cuts(after(join, 10, 50)) == [1, 0]
    assert cuts(after(join, 10, 50, 51)) == [1, 0]
    assert cuts(after(join, 10, 50, 51, 52, 1000)) == [1, 2]


def test_the_evaluation_at_the_end_of_a_part_changes_no_rate():
    join = Join(schedules=(HASTY, HASTY), boundaries=(50,))
    memory = after(join, 10)
    later = join.observe(memory, 50, 1.0)
    assert join.rates(memory, T[50:]).tolist() == join.rates(later, T[50:]).tolist()


def test_a_part_that_does_not_listen_lets_evaluations_pass():
    join = Join(schedules=(Constant(lr=0.5), HASTY, Constant(lr=0.1)), boundaries=(20, 60))
    memory = after(join, 5, 20, 30, 40, 60, 70, 80)
    assert cuts(memory) == [None, 2, None]
    assert join.rates(memory, T[[0, 19, 20, 59, 60]]).tolist() == [0.5, 0.5, 0.2, 0.2, 0.1]


@pytest.mark.parametrize(("placement", "expected"), [("shift", 1), ("overlay", 2)])
def test_the_step_of_an_evaluation_is_counted_as_the_part_s_updates_are(placement, expected):
    # The ramp of the second part ignores what is made before its own 6th update.
    part = Warmup(schedule=HASTY, steps=5)
    join = Join(schedules=(Constant(lr=0.8), part), boundaries=(50,), placement=placement)
    assert cuts(after(join, 52, 56, 58)) == [None, expected]


def test_in_a_product_every_part_hears_every_evaluation():
    product = Product(schedules=(HASTY, LINE, ReduceOnPlateau(lr=1.0, patience=2)))
    memory = after(product, 1, 2, 3)
    # After a first, two more: cut twice at patience 1, once at patience 2.
    assert product.rates(memory, np.array([5])).tolist() == [0.2 * 0.5 * 0.5]


def test_an_offset_counts_evaluations_from_the_later_step_too():
    join = Join(schedules=(Constant(lr=0.8), HASTY), boundaries=(50,))
    offset = Offset(schedule=join, start=40)
    assert cuts(after(offset, 5, 10)) == [None, 0]
    assert cuts(after(offset, 10, 11, 12)) == [None, 1]
    with pytest.raises(ValueError, match=r"^step must be at least 0, got -1$"):
        offset.observe(offset.begin(), -1, 1.0)


def test_a_block_around_one_that_listens_listens():
    for block in (
        Scale(schedule=HASTY, factor=0.5),
        Clamp(schedule=HASTY, ceiling=0.4),
        Offset(schedule=HASTY, start=3),
    ):
        assert block.monitor == "val/loss"
        assert block.rates(after(block, 1, 2, 3), T[:1]).tolist() in ([0.1], [0.2])


def test_the_memory_is_plain_and_comes_back():
    join = Join(schedules=(Constant(lr=0.1), Product(schedules=(LINE, HASTY))), boundaries=(50,))
    memory = after(join, 60, 70)
    state = memory.as_dict()
    assert state == {
        "parts": [
            {},
            {"parts": [{}, {"rate": 0.4, "best": 1.0, "wait": 0, "rest": 0}]},
        ]
    }
    assert join.recall(state) == memory
    assert join.recall(json.loads(json.dumps(state))) == memory
    assert join.recall({"parts": tuple(state["parts"])}) == memory


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"parts": None},
        {"parts": [{}]},
        {"parts": [{}, {}, {}]},
        {"parts": "ab"},
        {"parts": [{}, {}], "rate": 0.1},
        {"rate": 0.1},
        None,
        3,
        [{}, {}],
    ],
)
def test_another_kind_s_state_is_refused(state):
    join = Join(schedules=(LINE, LINE))
    with pytest.raises(ValueError, match=r"^state must be that of a PartsMemory of 2 parts, got"):
        join.recall(state)


def test_a_part_s_state_is_refused_by_its_own_kind():
    join = Join(schedules=(HASTY, LINE))
    with pytest.raises(ValueError, match=r"^state must be that of a PlateauMemory, got"):
        join.recall({"parts": [{}, {}]})


def test_another_schedule_s_memory_is_refused():
    join = Join(schedules=(LINE, LINE), boundaries=(5,))
    for memory in (Memory(), PartsMemory(parts=(Memory(),))):
        with pytest.raises(TypeError, match=r"^memory must be a PartsMemory, from begin\(\), got"):
            join.rates(memory, T)


def test_each_part_of_a_join_is_asked_for_its_own_steps_only():
    # A schedule that refuses steps after its end does not hear of them.
    strict = Cosine(lr=0.5, after="error")
    join = Join(schedules=(strict, strict)).bind(Horizon(100, 10))
    assert join(T).max() == 0.5
    with pytest.raises(
        ValueError,
        match=r"^schedules\[1\]\.after must be 'hold' or 'continue' for steps beyond 50, "
        r"the end of Cosine, got 'error' and step 51 of its own$",
    ):
        join(101)


@settings(deadline=None)
@given(
    boundaries=st.lists(st.integers(1, 99), max_size=4, unique=True).map(sorted),
    placement=st.sampled_from(["shift", "overlay"]),
)
def test_a_join_is_its_parts_one_after_another(boundaries, placement):
    parts = [Cosine(lr=0.1 * (i + 1)) for i in range(len(boundaries) + 1)]
    join = Join(schedules=parts, boundaries=boundaries, placement=placement)
    trace = join.bind(Horizon(100, 10))(T)
    edges = [0, *boundaries, 100]
    expected = []
    for part, start, end in zip(parts, edges[:-1], edges[1:], strict=True):
        if placement == "shift":
            expected += part.bind(Horizon(end - start, 10))(np.arange(end - start)).tolist()
        else:
            expected += part.bind(Horizon(100, 10))(np.arange(start, end)).tolist()
    assert trace.tolist() == expected


def test_an_offset_run_goes_on_with_the_bits_of_the_whole_one():
    whole = Cosine(lr=0.1).bind(Horizon(130, 10))
    rest = Offset(schedule=Cosine(lr=0.1), start=30).bind(Horizon(100, 10))
    assert rest(T).tolist() == whole(T + 30).tolist()


def test_a_repeat_has_the_bits_of_its_first_cycle():
    repeat = Repeat(schedule=Cosine(lr=0.1), cycle_steps=7)
    repeat = repeat.bind(Horizon(100, 10))
    far = 7 * (2**53 // 7)
    assert repeat(np.array([far - 7, far - 4, far])).tolist() == [repeat(0), repeat(3), repeat(0)]


def test_the_farthest_steps_have_rates():
    offset = Offset(schedule=Exponential(lr=0.1, decay_rate=0.5, decay_steps=2**50), start=2**53)
    assert offset(2**53) == offset(0) == 0.1 / 256
