"""Learning-rate schedules as pure functions: step in, rate out. Needs numpy only."""

from schedules.clamp import Clamp
from schedules.constant import Constant
from schedules.cosine import Cosine
from schedules.cyclic import Cyclic
from schedules.durations import Duration, steps_of
from schedules.errors import ArgumentError, ArgumentTypeError
from schedules.exponential import Exponential
from schedules.expression import Expression
from schedules.from_function import FromFunction
from schedules.from_torch import FromTorch
from schedules.greedy import GreedyMemory, GreedyPlateau
from schedules.horizon import Horizon
from schedules.interpolation import PiecewiseInterpolation
from schedules.inverse_sqrt import InverseSquareRoot, Noam
from schedules.inverse_time import InverseTime
from schedules.join import Join
from schedules.linear_cosine import LinearCosine, NoisyLinearCosine
from schedules.offset import Offset
from schedules.one_cycle import OneCycle
from schedules.parts import PartsMemory
from schedules.piecewise import PiecewiseConstant
from schedules.plateau import PlateauMemory, ReduceOnPlateau
from schedules.polynomial import Polynomial
from schedules.product import Product
from schedules.repeat import Repeat
from schedules.restarts import CosineRestarts
from schedules.scale import Scale
from schedules.schedule import Memory, Schedule
from schedules.step import MultiStep, Step
from schedules.tanh import Tanh
from schedules.warmup import Warmup
from schedules.warmup_stable_decay import WarmupStableDecay

__all__ = [
    "ArgumentError",
    "ArgumentTypeError",
    "Clamp",
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Cyclic",
    "Duration",
    "Exponential",
    "Expression",
    "FromFunction",
    "FromTorch",
    "GreedyMemory",
    "GreedyPlateau",
    "Horizon",
    "InverseSquareRoot",
    "InverseTime",
    "Join",
    "LinearCosine",
    "Memory",
    "MultiStep",
    "Noam",
    "NoisyLinearCosine",
    "Offset",
    "OneCycle",
    "PartsMemory",
    "PiecewiseConstant",
    "PiecewiseInterpolation",
    "PlateauMemory",
    "Polynomial",
    "Product",
    "ReduceOnPlateau",
    "Repeat",
    "Scale",
    "Schedule",
    "Step",
    "Tanh",
    "Warmup",
    "WarmupStableDecay",
    "steps_of",
]
