"""Learning-rate schedules as pure functions: step in, rate out. Needs numpy only."""

from schedules.constant import Constant
from schedules.cosine import Cosine
from schedules.durations import Duration, steps_of
from schedules.exponential import Exponential
from schedules.horizon import Horizon
from schedules.piecewise import PiecewiseConstant
from schedules.plateau import PlateauMemory, ReduceOnPlateau
from schedules.polynomial import Polynomial
from schedules.restarts import CosineRestarts
from schedules.schedule import Memory, Schedule
from schedules.warmup import Warmup

__all__ = [
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Duration",
    "Exponential",
    "Horizon",
    "Memory",
    "PiecewiseConstant",
    "PlateauMemory",
    "Polynomial",
    "ReduceOnPlateau",
    "Schedule",
    "Warmup",
    "steps_of",
]
