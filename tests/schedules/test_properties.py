"""What is true of every family."""

import json
import pickle
from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import schedules
from schedules import Horizon


def rates(schedule, t):
    return schedule.rates(schedule.begin(), np.asarray(t))


def test_rates_are_finite_and_never_negative(family):
    t = np.concatenate([np.arange(3000), [10**6, 10**9, 2**53]])
    trace = rates(family.bound, t)
    assert trace.dtype == np.float64
    assert np.isfinite(trace).all()
    assert (trace >= 0).all()


def test_no_rate_is_above_the_highest_of_the_first_run(family):
    bound = family.bound
    highest = rates(bound, np.arange(1001)).max()
    assert rates(bound, [1001, 2500, 10**9]).max() <= highest


def test_an_int_gives_the_array_s_bits(family):
    bound = family.bound
    around = [step + by for step in family.jumps for by in (-1, 0)]
    t = np.array([*range(0, 1100, 7), *around, 12_345, 10**9])
    trace = rates(bound, t)
    one_by_one = [rates(bound, [step])[0] for step in t]
    assert trace.tolist() == one_by_one
    if not bound.listens:
        assert [bound(int(step)) for step in t] == one_by_one
        assert bound(t).tolist() == one_by_one


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_slice_of_the_steps_gives_the_same_bits(family, data):
    start = data.draw(st.integers(0, 2000))
    stride = data.draw(st.integers(1, 7))
    count = data.draw(st.integers(0, 70))
    t = np.arange(start, start + 7 * 70)[::stride][:count]
    whole = rates(family.bound, np.arange(3000))
    assert rates(family.bound, t).tolist() == whole[t].tolist()


def test_an_array_keeps_its_shape(family):
    bound = family.bound
    for shape in [(), (0,), (6,), (2, 3), (3, 1, 2)]:
        t = np.arange(int(np.prod(shape))).reshape(shape)
        assert rates(bound, t).shape == shape
    transposed = np.arange(6).reshape(2, 3).T
    assert rates(bound, transposed).tolist() == rates(bound, transposed.copy()).tolist()


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64])
def test_every_integer_dtype_counts_the_same(family, dtype):
    t = np.arange(100)
    assert rates(family.bound, t.astype(dtype)).tolist() == rates(family.bound, t).tolist()


def test_it_compares_hashes_pickles_and_prints_by_value(family):
    for schedule in (family.schedule, family.bound):
        copies = [
            type(schedule)(**{f.name: getattr(schedule, f.name) for f in fields(schedule)}),
            pickle.loads(pickle.dumps(schedule)),
            eval(repr(schedule), vars(schedules)),
        ]
        for copy in copies:
            assert copy == schedule
            assert hash(copy) == hash(schedule)
            assert repr(copy) == repr(schedule)


def test_it_is_frozen(family):
    with pytest.raises(FrozenInstanceError, match=r"cannot assign to field"):
        setattr(family.schedule, fields(family.schedule)[0].name, 1.0)


def test_binding_gives_whole_steps_once(family, horizon):
    bound = family.schedule.bind(horizon)
    assert type(bound) is type(family.schedule)
    assert bound.bound
    assert bound.bind(horizon) == bound
    assert bound.bind(Horizon(7000, 35)) == bound


def test_it_holds_its_last_value_after_the_end(holding):
    t = np.array([0, 1, 17, 10**6, 10**9]) + holding.end
    assert len(set(rates(holding.bound, t))) == 1


def test_the_shape_does_not_depend_on_the_horizon(family):
    short = family.schedule.bind(Horizon(1000, 100))
    long = family.schedule.bind(Horizon(20_000, 2000))
    t = np.arange(1001)
    np.testing.assert_allclose(rates(long, 20 * t), rates(short, t), rtol=1e-12, atol=family.drift)


@settings(deadline=None, max_examples=25)
@given(total=st.integers(300, 5000), epochs=st.integers(2, 11))
def test_any_horizon_gives_the_same_rates_up_to_the_rounding(family, total, epochs):
    horizon = Horizon(total, max(1, total // epochs))
    bound = family.schedule.bind(horizon)
    trace = rates(bound, np.arange(total + 1))
    assert np.isfinite(trace).all()
    assert trace.min() >= 0
    assert trace.max() <= 0.3


def test_the_rate_jumps_at_the_boundaries_and_nowhere_else(family):
    trace = rates(family.bound, np.arange(1000))
    jumps = np.flatnonzero(np.abs(np.diff(trace)) > 0.022) + 1
    assert jumps.tolist() == list(family.jumps)


def test_a_memory_survives_as_plain_numbers(family):
    memory = family.bound.begin()
    for step, value in [(150, 1.0), (250, 2.0), (350, 2.0), (650, 2.0), (750, 2.0), (850, 2.0)]:
        memory = family.bound.observe(memory, step, value)
    state = memory.as_dict()
    assert family.bound.recall(state) == memory
    assert family.schedule.recall(json.loads(json.dumps(state))) == memory
    assert pickle.loads(pickle.dumps(memory)) == memory
    assert hash(memory) == hash(pickle.loads(pickle.dumps(memory)))
    with pytest.raises(ValueError, match=r"state must be that of a"):
        family.schedule.recall({"nonsense": 1})


def test_it_listens_to_its_metric_or_to_none(family):
    assert family.schedule.listens == bool(family.monitor)
    assert family.schedule.monitor == family.monitor
    if family.monitor:
        with pytest.raises(ValueError, match=rf"t alone does not decide .* '{family.monitor}'"):
            family.bound(0)


def test_one_that_listens_reacts_to_bad_news_within_a_run(family):
    bound = family.bound
    memory = bound.begin()
    trace = rates(bound, np.arange(1000))
    for step in range(20, 1000, 20):
        memory = bound.observe(memory, step, 1.0)
    changed = bound.rates(memory, np.arange(1000)) != trace
    assert changed.any() == bool(family.monitor)


@pytest.mark.parametrize(
    ("t", "error", "message"),
    [
        (-1, ValueError, "t must be at least 0, got -1"),
        (np.array([3, -2]), ValueError, "t must be at least 0, got -2"),
        (2**53 + 1, ValueError, r"t must be at most 2\*\*53, got 9007199254740993"),
        (np.uint64(2**64 - 1), ValueError, r"t must be at most 2\*\*53"),
        (True, TypeError, "t must be an int or an integer array, got True"),
        (np.bool_(True), TypeError, "t must be an int or an integer array"),
        (1.0, TypeError, "t must be an int or an integer array, got 1.0"),
        ("1", TypeError, "t must be an int or an integer array, got '1'"),
        ([1, 2], TypeError, "t must be an int or an integer array"),
        (None, TypeError, "t must be an int or an integer array, got None"),
        (np.array([1.0]), TypeError, "t must be .* got an array of float64"),
        (np.array([True]), TypeError, "t must be .* got an array of bool"),
    ],
)
def test_a_step_that_is_none_is_refused(family, t, error, message):
    with pytest.raises(error, match=message):
        family.bound.rates(family.bound.begin(), t)
    if not family.schedule.listens:
        with pytest.raises(error, match=message):
            family.bound(t)


def test_a_long_trace_has_the_bits_of_its_pieces(family):
    bound = family.bound
    t = np.arange(150_000)
    whole = rates(bound, t)
    pieces = [rates(bound, piece) for piece in np.array_split(t, 11)]
    assert whole.tolist() == np.concatenate(pieces).tolist()
    assert rates(bound, t.reshape(300, 500)).tolist() == whole.reshape(300, 500).tolist()
