"""The table of families that every property is tested on."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import pytest

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
    Schedule,
    Step,
    Tanh,
    Warmup,
    WarmupStableDecay,
)

HORIZON = Horizon(total_steps=1000, steps_per_epoch=100)


@dataclass(frozen=True)
class Family:
    """A schedule with shares for durations, and what is true of it at 1000 steps, 10 epochs.

    jumps: the steps whose rate differs from the one before by more than 0.022, and no others do.
    holds: whether it holds a value after `end`.
    monitor: the metric that it listens to, empty for none.
    drift: how much of a rate may differ between a run and one of 20 times its length.
    """

    name: str
    schedule: Schedule
    jumps: tuple[int, ...] = ()
    end: int = 1000
    holds: bool = True
    monitor: str = ""
    drift: float = 1e-17

    @property
    def bound(self) -> Schedule:
        return self.schedule.bind(HORIZON)


COSINE = Cosine(lr=0.1)

FAMILIES = (
    Family("constant", Constant(lr=0.1)),
    Family("exponential", Exponential(lr=0.1, decay_rate=0.9), holds=False),
    Family(
        "exponential_staircase",
        Exponential(lr=0.1, decay_rate=0.5, decay_steps="4.1%", staircase=True),
        jumps=(41, 82),
        holds=False,
    ),
    Family("exponential_floor", Exponential(lr=0.1, decay_rate=0.5, decay_steps="10%", floor=0.01)),
    Family(
        "exponential_natural",
        Exponential(lr=0.1, decay_rate=0.3, decay_steps="10%", form="natural"),
        holds=False,
    ),
    Family(
        "exponential_end",
        Exponential(lr=0.1, decay_rate=0.9, after="hold", end_steps="80%"),
        end=800,
    ),
    Family("inverse_time", InverseTime(lr=0.1), holds=False),
    Family(
        "inverse_time_staircase",
        InverseTime(lr=0.1, decay_rate=0.5, decay_steps="25%", staircase=True, floor=0.05),
        jumps=(250,),
    ),
    Family("inverse_sqrt", InverseSquareRoot(lr=0.1, decay_steps="2ep"), holds=False),
    Family("inverse_sqrt_end", InverseSquareRoot(lr=0.1, after="hold")),
    Family("noam", Noam(lr=0.1), holds=False, drift=0.001),
    Family("step", Step(lr=0.1, factor=0.5), jumps=(300, 600), holds=False),
    Family(
        "step_floor",
        Step(lr=0.1, decay_steps="2ep", floor=0.05, after="hold", end_steps="50%"),
        jumps=(200,),
        end=500,
    ),
    Family("multistep", MultiStep(lr=0.1, factor=0.5), jumps=(300, 600)),
    Family(
        "multistep_right",
        MultiStep(lr=0.1, boundaries=("1ep", "60%"), factor=0.0, closed="right"),
        jumps=(101,),
    ),
    Family("polynomial", Polynomial(lr=0.1, end=0.01, power=2.0)),
    Family("linear", Polynomial(lr=0.1, decay_steps="5ep"), end=500),
    Family(
        "polynomial_cycle",
        Polynomial(lr=0.1, end=0.01, power=0.5, decay_steps="20%", cycle=True),
        jumps=(201, 401, 601, 801),
        holds=False,
    ),
    Family("piecewise", PiecewiseConstant(lr=0.1), jumps=(300, 600)),
    Family(
        "piecewise_right",
        PiecewiseConstant(boundaries=("50%", "8ep"), values=(0.1, 0.0, 0.3), closed="right"),
        jumps=(501, 801),
    ),
    Family("interpolation", PiecewiseInterpolation(lr=0.1)),
    Family(
        "interpolation_cosine",
        PiecewiseInterpolation(
            boundaries=("1ep", "60%", "80%"), values=(0.2, 0.3, 0.1), shape="cosine"
        ),
        end=800,
    ),
    Family("cosine", COSINE),
    Family("cosine_power", Cosine(lr=0.1, power=2.5, half_cycles=0.5)),
    Family("cosine_rises", Cosine(lr=0.1, floor=0.01, half_cycles=4, decay_steps="90%"), end=900),
    Family("cosine_continues", Cosine(lr=0.1, decay_steps="7ep", after="continue"), holds=False),
    Family("cosine_floor", Cosine(lr=0.1, floor=0.01, decay_steps="70%"), end=700),
    Family("restarts", CosineRestarts(lr=0.1, floor=1e-3), jumps=(250, 500, 750), holds=False),
    Family(
        "restarts_growing",
        CosineRestarts(
            lr=0.1,
            cycle_steps="20%",
            cycle_multiplier=1.5,
            peak_multiplier=0.7,
            warmup_fraction=0.2,
            warmup_start=0.05,
        ),
        jumps=(200, 500, 950),
        holds=False,
    ),
    Family(
        "restarts_pieces",
        CosineRestarts(lr=0.1, boundaries=("5%", "15%", "30%", "50%")),
        jumps=(50, 150, 300, 500),
    ),
    Family(
        "restarts_pieces_warmup",
        CosineRestarts(lr=0.1, boundaries=("5%", "15%", "30%", "50%"), warmup_fraction=0.1),
    ),
    Family(
        "restarts_limited",
        CosineRestarts(lr=0.1, floor=0.01, cycle_limit=3),
        jumps=(250, 500),
        end=750,
    ),
    Family(
        "restarts_growing_limited",
        CosineRestarts(
            lr=0.1, cycle_steps="20%", cycle_multiplier=1.5, peak_multiplier=0.7, cycle_limit=2
        ),
        jumps=(200,),
        end=500,
    ),
    Family("linear_cosine", LinearCosine(lr=0.1, half_cycles=3)),
    Family(
        "linear_cosine_offset",
        LinearCosine(lr=0.1, decay_steps="60%", linear_offset=0.5, end_factor=0.01),
        end=600,
    ),
    Family(
        "noisy_linear_cosine",
        NoisyLinearCosine(lr=0.1, decay_steps="80%", seed=7, initial_variance=0.001),
        end=800,
        drift=0.03,
    ),
    Family("tanh", Tanh(lr=0.1, floor=0.01)),
    Family(
        "tanh_continues",
        Tanh(lr=0.1, decay_steps="40%", lower=-3.0, upper=2.0, after="continue"),
        holds=False,
    ),
    Family("warmup_stable_decay", WarmupStableDecay(lr=0.1, floor=0.02), drift=0.02),
    Family(
        "warmup_stable_decay_cosine",
        WarmupStableDecay(lr=0.1, warmup_steps=0, total_steps="8ep", shape="cosine"),
        end=800,
    ),
    Family(
        "warmup_stable_decay_sqrt",
        WarmupStableDecay(lr=0.1, warmup_steps=0, decay_steps="50%", shape="sqrt"),
    ),
    Family("cyclic", Cyclic(lr=0.1), holds=False),
    Family(
        "cyclic_halved",
        Cyclic(lr=0.1, floor=0.0, rise_fraction=0.3, mode="triangular2"),
        holds=False,
    ),
    Family(
        "cyclic_decays", Cyclic(lr=0.1, mode="exp_range", after="hold", end_steps="90%"), end=900
    ),
    Family("one_cycle", OneCycle(lr=0.1)),
    Family(
        "one_cycle_of_three",
        OneCycle(lr=0.1, total_steps="90%", rise_steps="35%", phases=3, shape="linear"),
        end=900,
    ),
    Family("plateau", ReduceOnPlateau(lr=0.1), monitor="val/loss"),
    Family("plateau_torch", ReduceOnPlateau(lr=0.1, counting="torch"), monitor="val/loss"),
    Family("greedy", GreedyPlateau(lr=0.1, window=3), monitor="val/loss"),
    Family(
        "expression",
        Expression(expression="0.1 * 0.5 ** (3 * t / total_steps)", after="hold"),
    ),
    Family(
        "expression_continues",
        Expression(expression="maximum(0.1 * cos(t / (2 * total_steps)) ** 2, 1e-3)"),
        holds=False,
    ),
    Family(
        "function",
        FromFunction(
            function="schedules.from_function.linear", arguments={"lr": 0.1}, vectorized=True
        ),
    ),
    Family(
        "torch",
        FromTorch(
            scheduler="torch.optim.lr_scheduler.MultiStepLR",
            lr=0.1,
            arguments={"milestones": ["30%", "6ep"], "gamma": 0.8},
        ),
    ),
    Family("warmup", Warmup(schedule=COSINE), drift=0.001),
    Family("warmup_shift", Warmup(schedule=COSINE, fraction=0.1, start=0.01)),
    Family(
        "warmup_hold",
        Warmup(schedule=Polynomial(lr=0.1), steps="1ep", start=0.0, hold_steps="10%"),
    ),
    Family(
        "warmup_overlay",
        Warmup(
            schedule=Polynomial(lr=0.1, decay_steps="20%"),
            fraction=0.1,
            start=0.0,
            placement="overlay",
        ),
        jumps=(100,),
    ),
    Family("warmup_cosine", Warmup(schedule=COSINE, start=0.01, shape="cosine")),
    Family("warmup_sqrt", Warmup(schedule=COSINE, start_factor=0.1, shape="sqrt")),
    Family("warmup_exponential", Warmup(schedule=COSINE, start=1e-4, shape="exponential")),
    Family(
        "warmup_constant",
        Warmup(schedule=COSINE, start_factor=0.1, shape="constant"),
        jumps=(100,),
    ),
    Family(
        "warmup_plateau",
        Warmup(schedule=ReduceOnPlateau(lr=0.1), fraction=0.1, start=0.0),
        monitor="val/loss",
    ),
    Family(
        "join",
        Join(schedules=(Polynomial(lr=0.1), Cosine(lr=0.05)), boundaries=("40%",)),
        jumps=(400,),
    ),
    Family(
        "join_overlay",
        Join(
            schedules=(Polynomial(lr=0.1), COSINE, Constant(lr=0.05)),
            boundaries=("30%", "70%"),
            placement="overlay",
        ),
        jumps=(700,),
    ),
    Family(
        "join_plateau",
        Join(schedules=(COSINE, ReduceOnPlateau(lr=0.08))),
        jumps=(500,),
        monitor="val/loss",
    ),
    Family(
        "join_plateaus",
        Join(schedules=(ReduceOnPlateau(lr=0.1), ReduceOnPlateau(lr=0.06)), placement="overlay"),
        jumps=(500,),
        monitor="val/loss",
    ),
    Family(
        "warmup_join",
        Warmup(schedule=Join(schedules=(Constant(lr=0.1), COSINE)), start=0.0),
    ),
    Family(
        "product",
        Product(
            schedules=(
                COSINE,
                Exponential(lr=1.0, decay_rate=0.5, decay_steps="25%", staircase=True),
            )
        ),
        jumps=(250,),
    ),
    Family(
        "product_plateau",
        Product(schedules=(COSINE, ReduceOnPlateau(lr=1.0))),
        monitor="val/loss",
    ),
    Family("scale_warmup", Scale(schedule=Warmup(schedule=COSINE, start=0.0), factor=0.5)),
    Family("clamp", Clamp(schedule=COSINE, floor=0.01, ceiling=0.09)),
    Family("offset", Offset(schedule=COSINE, start="30%")),
    Family(
        "offset_plateau",
        Offset(schedule=Join(schedules=(Constant(lr=0.09), ReduceOnPlateau(lr=0.1))), start="10%"),
        monitor="val/loss",
    ),
    Family("repeat", Repeat(schedule=Polynomial(lr=0.1)), jumps=(250, 500, 750), holds=False),
    Family(
        "repeat_join",
        Repeat(schedule=Join(schedules=(Constant(lr=0.1), Constant(lr=0.05))), cycle_steps="40%"),
        jumps=(200, 400, 600, 800),
        holds=False,
    ),
)


def _those(wanted: Callable[[Family], bool]) -> Any:
    """A fixture of the families of which something is true."""
    chosen = [family for family in FAMILIES if wanted(family)]
    return pytest.fixture(scope="session", params=chosen, ids=lambda family: family.name)


def _says_what_follows(family: Family) -> bool:
    return "after" in {field.name for field in fields(family.schedule)}


def _may_end(family: Family) -> bool:
    own = family.bound._end_step() is not None
    return _says_what_follows(family) and (own or "end_steps" in family.schedule.durations)


@_those(lambda family: True)
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


@_those(lambda family: family.holds)
def holding(request: pytest.FixtureRequest) -> Family:
    """A family that holds a value after its end."""
    return request.param


@_those(_says_what_follows)
def ending(request: pytest.FixtureRequest) -> Family:
    """A family that says what follows its end."""
    return request.param


@_those(_may_end)
def ended(request: pytest.FixtureRequest) -> Family:
    """A family that has an end, or can be given one."""
    return request.param


@_those(lambda family: "end_steps" in family.schedule.durations)
def endless(request: pytest.FixtureRequest) -> Family:
    """A family whose formula has no end of its own."""
    return request.param


@pytest.fixture(scope="session")
def horizon() -> Horizon:
    return HORIZON
