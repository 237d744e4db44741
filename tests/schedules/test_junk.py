"""Random arguments give a valid schedule, or an error that begins with an argument's name."""

import re
from dataclasses import fields

import numpy as np
import pytest
from families import FAMILIES, VARIANTS
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Horizon,
    ReduceOnPlateau,
)

DURATIONS = st.one_of(
    st.integers(-3, 50),
    st.builds(
        lambda n, unit: f"{n}{unit}", st.decimals(-1, 110, places=2), st.sampled_from(["ep", "%"])
    ),
)
PLAUSIBLE = st.one_of(st.floats(0, 1), st.integers(0, 5), DURATIONS, st.booleans())
JUNK = st.one_of(
    PLAUSIBLE,
    st.none(),
    st.floats(),
    st.integers(),
    st.text(max_size=5),
    st.sampled_from(["left", "right", "min", "max", "relative", "shift", "overlay", "linear"]),
    st.sampled_from(["hold", "error", "continue", "natural", "cosine"]),
    st.lists(st.one_of(PLAUSIBLE, st.floats(), st.text(max_size=3)), max_size=4),
    st.lists(DURATIONS, max_size=4),
    st.lists(st.floats(0, 1), max_size=4),
    st.binary(max_size=3),
    st.just(10**400),
    st.builds(dict),
)
SCHEDULES = st.sampled_from(
    [Constant(lr=0.1), Cosine(lr=0.1), CosineRestarts(lr=0.1), ReduceOnPlateau(lr=0.1)]
)
OF_SCHEDULES = SCHEDULES | st.lists(SCHEDULES | st.none(), max_size=4) | JUNK
HORIZON = Horizon(100, 10)
ARGUMENTS = {field.name for family in FAMILIES for field in fields(family)}
STEPS = np.array([0, 1, 2, 3, 9, 10, 49, 99, 100, 101, 10**6, 2**53])


def attempt(family, arguments):
    """The bound schedule, or why there is none."""
    try:
        return family(**arguments).bind(HORIZON)
    except (ValueError, TypeError) as error:
        return error


def allowed(schedule):
    """The steps that it does not refuse for lying beyond its end."""
    return STEPS if schedule.after != "error" else np.minimum(STEPS, schedule.end_step())


def arguments(schedule):
    """What a schedule was given."""
    return {field.name: getattr(schedule, field.name) for field in fields(schedule)}


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_junk_is_a_valid_schedule_or_refused_by_name(variant, data):
    family, start = type(variant.schedule), arguments(variant.schedule)
    names = [field.name for field in fields(family)]
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
    junk = {
        name: data.draw(OF_SCHEDULES if name.startswith("schedule") else JUNK, label=name)
        for name in chosen
    }
    schedule = attempt(family, start | junk)
    if isinstance(schedule, Exception):
        path = re.match(r"(?:schedule\.|schedules\[\d+\]\.)*(\w+)", str(schedule))
        assert path is not None, str(schedule)
        assert path[1] in ARGUMENTS, str(schedule)
        return
    rates = schedule.rates(schedule.begin(), allowed(schedule))
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()
    assert hash(schedule) == hash(schedule.bind(HORIZON))
