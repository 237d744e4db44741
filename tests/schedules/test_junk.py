"""Random arguments give a valid schedule, or an error that begins with an argument's name."""

import re
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedules import (
    Clamp,
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    Expression,
    FromFunction,
    FromTorch,
    GreedyPlateau,
    Horizon,
    InverseSquareRoot,
    InverseTime,
    Join,
    LinearCosine,
    MultiStep,
    Noam,
    NoisyLinearCosine,
    Offset,
    OneCycle,
    PiecewiseConstant,
    PiecewiseInterpolation,
    Polynomial,
    Product,
    ReduceOnPlateau,
    Repeat,
    Scale,
    Step,
    Tanh,
    Warmup,
    WarmupStableDecay,
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
STEPS = np.array([0, 1, 2, 3, 9, 10, 49, 99, 100, 101, 10**6, 2**53])


def attempt(family, arguments):
    """The bound schedule, or why there is none."""
    try:
        return family(**arguments).bind(HORIZON)
    except (ValueError, TypeError) as error:
        return error


def allowed(schedule):
    """The steps that it does not refuse for lying beyond its end."""
    return STEPS if schedule.after != "error" else np.minimum(STEPS, schedule._end_step())


@pytest.mark.parametrize(
    ("family", "start"),
    [
        (Constant, {"lr": 0.1}),
        (Exponential, {"lr": 0.1, "decay_rate": 0.9}),
        (Polynomial, {"lr": 0.1}),
        (PiecewiseConstant, {"lr": 0.1}),
        (PiecewiseConstant, {"values": (1.0, 0.5), "boundaries": (5,)}),
        (PiecewiseInterpolation, {"lr": 0.1}),
        (PiecewiseInterpolation, {"values": (0.1, 1.0, 0.5), "boundaries": (0, 5, 20)}),
        (InverseTime, {"lr": 0.1}),
        (InverseSquareRoot, {"lr": 0.1}),
        (Noam, {"lr": 0.1}),
        (Step, {"lr": 0.1}),
        (MultiStep, {"lr": 0.1}),
        (Cosine, {"lr": 0.1}),
        (CosineRestarts, {"lr": 0.1}),
        (CosineRestarts, {"lr": 0.1, "boundaries": ("20%", "50%")}),
        (CosineRestarts, {"lr": 0.1, "cycle_limit": 2}),
        (LinearCosine, {"lr": 0.1}),
        (NoisyLinearCosine, {"lr": 0.1}),
        (Tanh, {"lr": 0.1}),
        (WarmupStableDecay, {"lr": 0.1}),
        (Cyclic, {"lr": 0.1}),
        (Cyclic, {"lr": 0.1, "mode": "exp_range"}),
        (OneCycle, {"lr": 0.1}),
        (OneCycle, {"lr": 0.1, "phases": 3}),
        (ReduceOnPlateau, {"lr": 0.1}),
        (ReduceOnPlateau, {"lr": 0.1, "counting": "torch"}),
        (GreedyPlateau, {"lr": 0.1}),
        (Expression, {"expression": "0.1 / (1 + t / total_steps)"}),
        (FromFunction, {"function": "schedules.from_function.linear", "arguments": {"lr": 0.1}}),
        (FromTorch, {"lr": 0.1, "scheduler": "torch.optim.lr_scheduler.PolynomialLR"}),
        (Warmup, {"schedule": Cosine(lr=0.1), "steps": 5}),
        (Warmup, {"schedule": Cosine(lr=0.1), "fraction": 0.1}),
        (Warmup, {"schedule": Cosine(lr=0.1), "shape": "exponential", "start_factor": 0.1}),
        (Warmup, {"schedule": Cosine(lr=0.1), "shape": "sqrt", "start": 0.01}),
        (Join, {"schedules": (Cosine(lr=0.1), Constant(lr=0.1))}),
        (Join, {"schedules": (Cosine(lr=0.1),) * 3, "boundaries": (20, "50%")}),
        (Product, {"schedules": (Cosine(lr=0.1), Constant(lr=0.1))}),
        (Scale, {"schedule": Cosine(lr=0.1), "factor": 0.5}),
        (Clamp, {"schedule": Cosine(lr=0.1), "floor": 0.01, "ceiling": 0.05}),
        (Offset, {"schedule": Cosine(lr=0.1), "start": "10%"}),
        (Repeat, {"schedule": Cosine(lr=0.1)}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "-".join(value),
)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_junk_is_a_valid_schedule_or_refused_by_name(family, start, data):
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
        assert path[1] in {*names, "decay_steps", "cycle_steps"}, str(schedule)
        return
    rates = schedule.rates(schedule.begin(), allowed(schedule))
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()
    assert hash(schedule) == hash(schedule.bind(HORIZON))
