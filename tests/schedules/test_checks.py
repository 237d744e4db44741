"""What constructors accept beside plain numbers and lists, and what they keep of it."""

import pickle
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import schedules
from schedules import (
    Constant,
    Cosine,
    Cyclic,
    Expression,
    FromFunction,
    FromTorch,
    GreedyMemory,
    GreedyPlateau,
    Horizon,
    Join,
    Memory,
    MultiStep,
    PartsMemory,
    PiecewiseConstant,
    PiecewiseInterpolation,
    Polynomial,
    ReduceOnPlateau,
    Warmup,
)


class Text(str):
    """A text that prints as something else, as numpy's and those of an Enum do."""

    def __str__(self):
        return "no"

    __repr__ = __str__


@pytest.mark.parametrize("kind", [np.str_, Text])
@pytest.mark.parametrize(
    ("family", "arguments"),
    [
        (Cosine, {"lr": 0.1, "decay_steps": "10%", "after": "continue"}),
        (Constant, {"lr": 0.1, "after": "hold", "end_steps": "1ep"}),
        (Cyclic, {"lr": 0.1, "mode": "triangular2"}),
        (MultiStep, {"lr": 0.1, "boundaries": ("10%", "2ep"), "closed": "right"}),
        (PiecewiseInterpolation, {"lr": 0.1, "shape": "cosine"}),
        (Expression, {"expression": "0.1 + t"}),
        (FromFunction, {"function": "schedules.from_function.linear", "lr": 0.1}),
        (
            FromTorch,
            {
                "scheduler": "torch.optim.lr_scheduler.StepLR",
                "lr": 0.1,
                "arguments": {"step_size": "10%"},
            },
        ),
        (ReduceOnPlateau, {"lr": 0.1, "mode": "max", "monitor": "val/accuracy"}),
        (Warmup, {"schedule": Constant(lr=0.1), "steps": "5%", "shape": "sqrt"}),
        (Join, {"schedules": (Constant(lr=1),) * 2, "boundaries": ("5%",), "placement": "overlay"}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_text_of_any_kind_is_kept_as_a_plain_one(family, arguments, kind):
    def texts(value):
        if isinstance(value, str):
            return kind(value)
        if isinstance(value, dict):
            return {key: texts(part) for key, part in value.items()}
        return tuple(map(texts, value)) if isinstance(value, tuple) else value

    plain, given = family(**arguments), family(**texts(arguments))
    assert given == plain
    assert repr(given) == repr(plain)
    assert eval(repr(given), vars(schedules)) == plain
    assert pickle.loads(pickle.dumps(given)) == plain
    for field in fields(given):
        assert not isinstance(getattr(given, field.name), kind)


def test_an_array_of_numbers_is_a_list():
    boundaries, values = np.array([5, 10]), np.array([0.25, 0.5, 1.0], dtype=np.float32)
    piecewise = PiecewiseConstant(boundaries=boundaries, values=values)
    assert piecewise == PiecewiseConstant(boundaries=(5, 10), values=(0.25, 0.5, 1.0))
    assert repr(piecewise).startswith("PiecewiseConstant(boundaries=(5, 10), ")
    factors = PiecewiseConstant(lr=0.1, boundaries=boundaries, factors=np.ones(3))
    assert factors == PiecewiseConstant(lr=0.1, boundaries=(5, 10), factors=(1.0, 1.0, 1.0))
    assert MultiStep(lr=0.1, boundaries=boundaries) == MultiStep(lr=0.1, boundaries=(5, 10))
    durations = np.array(["10%", "20%"])
    assert MultiStep(lr=0.1, boundaries=durations) == MultiStep(lr=0.1, boundaries=("10%", "20%"))
    parts = (Constant(lr=1),) * 3
    assert Join(schedules=parts, boundaries=boundaries).boundaries == (5, 10)


@pytest.mark.parametrize(
    ("boundaries", "message"),
    [
        (np.array(5), r"^boundaries must be a list, got array\(5\)$"),
        (np.ones((2, 1), dtype=int), r"^boundaries must be a list, got array\("),
        (np.array([5.0, 10.0]), r"^boundaries\[0\] must be steps .* got 5.0$"),
        (np.array([True]), r"^boundaries\[0\] must be steps .* got True$"),
    ],
)
def test_another_array_is_none(boundaries, message):
    with pytest.raises(TypeError, match=message):
        MultiStep(lr=0.1, boundaries=boundaries)


@pytest.mark.parametrize(
    ("lr", "share", "floor"),
    [
        (0.1, "10%", 0.01),
        (3e-3, "10%", 3e-4),  # 3e-3 / 10 and 3e-3 * 0.1 are other floats
        (0.3, "10%", 0.03),
        (0.7, "2.5%", 0.0175),
        (0.1, "100%", 0.1),
        (0.1, "0%", 0.0),
        (0.0, "50%", 0.0),
        (1e308, "50%", 5e307),
        (2, ".5%", 0.01),
    ],
)
def test_a_share_of_lr_is_exact_from_the_decimal_texts(lr, share, floor):
    cosine = Cosine(lr=lr, floor=share)
    assert cosine.floor == floor
    assert cosine == Cosine(lr=lr, floor=floor)
    assert Polynomial(lr=lr, end=share).end == floor


@given(lr=st.floats(0, 1e308), share=st.decimals(0, 100, places=3))
@example(lr=5e-324, share=99.999)
def test_a_share_of_lr_is_never_above_it(lr, share):
    assert 0 <= Cosine(lr=lr, floor=f"{share}%").floor <= lr


def test_a_share_gives_the_lowest_rate():
    bound = Cosine(lr=0.4, floor=np.str_("25%")).bind(Horizon(100, 10))
    assert bound(100) == 0.1
    plateau = ReduceOnPlateau(lr=0.4, floor="25%", patience=1)
    memory = plateau.begin()
    for step in range(10):
        memory = plateau.observe(memory, step, 1.0)
    assert memory.rate == 0.1
    greedy = GreedyPlateau(lr=0.4, floor="25%", patience=0, factor=0.1, reset_after=2)
    memory = greedy.observe(greedy.observe(greedy.begin(), 0, 1.0), 1, 1.0)
    assert memory.rate == 0.4
    assert Cyclic(lr=0.4).floor == 0.04


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": float("nan")}, "rate must be finite, got nan"),
        ({"rate": "x"}, "rate must be a number, got 'x'"),
        ({"best": float("nan")}, "best must not be NaN, got nan"),
        ({"good": -1}, "good must be at least 0, got -1"),
        ({"bad": 0.5}, "bad must be a whole number, got 0.5"),
        ({"cut_rest": -1}, "cut_rest must be at least 0, got -1"),
        ({"raise_rest": None}, "raise_rest must be a whole number, got None"),
        ({"floor_cuts": True}, "floor_cuts must be a whole number, got True"),
        ({"recent": 5}, "recent must be a list, got 5"),
        ({"recent": "12"}, "recent must be a list, got '12'"),
        ({"recent": [1.0, "2"]}, r"recent\[1\] must be a number, got '2'"),
        ({"recent": [float("nan")]}, r"recent\[0\] must not be NaN, got nan"),
    ],
)
def test_a_greedy_memory_holds_numbers_in_their_ranges_only(change, message):
    state = GreedyPlateau(lr=0.1).begin().as_dict() | change
    with pytest.raises((ValueError, TypeError), match=f"^{message}$"):
        GreedyMemory(**state)
    with pytest.raises(
        ValueError, match=rf"^state must be that of a GreedyMemory, got .*: {message}$"
    ):
        GreedyPlateau(lr=0.1).recall(state)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (None, "parts must be a list, got None"),
        ((Memory(), None), r"parts\[1\] must be a Memory, got None"),
        (({"rate": 0.1},), r"parts\[0\] must be a Memory, got {'rate': 0.1}"),
    ],
)
def test_a_memory_of_parts_holds_memories_only(parts, message):
    with pytest.raises(TypeError, match=f"^{message}$"):
        PartsMemory(parts=parts)
    assert PartsMemory(parts=[Memory()]).parts == (Memory(),)
