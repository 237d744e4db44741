"""The table of families that every property is tested on."""

from dataclasses import dataclass

import pytest

from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    Horizon,
    PiecewiseConstant,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Warmup,
)

HORIZON = Horizon(total_steps=1000, steps_per_epoch=100)


@dataclass(frozen=True)
class Family:
    """A schedule with shares for durations, and what is true of it at 1000 steps, 10 epochs.

    jumps: the steps whose rate differs from the one before by more than 0.022, and no others do.
    holds: whether it holds a value after `end`.
    """

    name: str
    schedule: Schedule
    jumps: tuple[int, ...] = ()
    end: int = 1000
    holds: bool = True

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
    Family("cosine", COSINE),
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
    Family("plateau", ReduceOnPlateau(lr=0.1)),
    Family("warmup_shift", Warmup(schedule=COSINE, fraction=0.1, start=0.01)),
    Family("warmup_hold", Warmup(schedule=Polynomial(lr=0.1), steps="1ep", hold_steps="10%")),
    Family(
        "warmup_overlay",
        Warmup(schedule=Polynomial(lr=0.1, decay_steps="20%"), fraction=0.1, placement="overlay"),
        jumps=(100,),
    ),
    Family("warmup_plateau", Warmup(schedule=ReduceOnPlateau(lr=0.1), fraction=0.1)),
)


@pytest.fixture(scope="session", params=FAMILIES, ids=lambda family: family.name)
def family(request: pytest.FixtureRequest) -> Family:
    return request.param


@pytest.fixture(scope="session")
def horizon() -> Horizon:
    return HORIZON
