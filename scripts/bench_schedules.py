"""Traces of 1,000,000 steps: their time and memory, over PyTorch's schedulers, and the import.

python scripts/bench_schedules.py --save
"""

import statistics
import subprocess
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from typing import Any

import bench_common as bench
import numpy as np

from schedules import (
    Clamp,
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    Expression,
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

STEPS = 1_000_000
TORCH_STEPS = 20_000  # driving PyTorch's takes as long for each step, so fewer tell
HORIZON = Horizon(total_steps=STEPS, steps_per_epoch=1000)
LR = 0.1
COSINE = Cosine(lr=LR)
FAMILIES: dict[str, Schedule] = {
    "constant": Constant(lr=LR),
    "exponential": Exponential(lr=LR, decay_rate=0.9),
    "exponential, natural": Exponential(lr=LR, decay_rate=0.1, form="natural"),
    "exponential, staircase": Exponential(lr=LR, decay_rate=0.9, staircase=True),
    "step": Step(lr=LR),
    "multi-step": MultiStep(lr=LR),
    "piecewise constant": PiecewiseConstant(lr=LR),
    "interpolation": PiecewiseInterpolation(lr=LR, shape="cosine"),
    "inverse time": InverseTime(lr=LR),
    "inverse square root": InverseSquareRoot(lr=LR),
    "noam": Noam(lr=LR),
    "linear": Polynomial(lr=LR),
    "polynomial": Polynomial(lr=LR, power=2.5),
    "polynomial, cycle": Polynomial(lr=LR, power=2.5, decay_steps="10%", cycle=True),
    "cosine": COSINE,
    "cosine, power": Cosine(lr=LR, power=1.5, half_cycles=3),
    "restarts": CosineRestarts(lr=LR),
    "restarts, growing": CosineRestarts(lr=LR, cycle_steps="1%", cycle_multiplier=1.5),
    "restarts, 1.001": CosineRestarts(lr=LR, cycle_steps=10, cycle_multiplier=1.001),
    "restarts, warm-up": CosineRestarts(lr=LR, warmup_fraction=0.1, peak_multiplier=0.5),
    "linear cosine": LinearCosine(lr=LR),
    "noisy linear cosine": NoisyLinearCosine(lr=LR),
    "tanh": Tanh(lr=LR),
    "warmup-stable-decay": WarmupStableDecay(lr=LR, shape="sqrt"),
    "cyclic": Cyclic(lr=LR),
    "cyclic, exp_range": Cyclic(lr=LR, mode="exp_range"),
    "one-cycle": OneCycle(lr=LR),
    "reduce on plateau": ReduceOnPlateau(lr=LR),
    "greedy plateau": GreedyPlateau(lr=LR),
    "expression": Expression(expression=f"{LR} * 0.5 ** (t / 1000) + 1e-6 * sqrt(1 + t)"),
    "warm-up": Warmup(schedule=COSINE),
    "warm-up, cosine": Warmup(schedule=COSINE, shape="cosine", fraction=0.5),
    "join": Join(schedules=(Constant(lr=LR), COSINE), boundaries=("50%",)),
    "product": Product(schedules=(COSINE, Step(lr=1.0))),
    "scale": Scale(schedule=COSINE, factor=0.5),
    "clamp": Clamp(schedule=COSINE, floor=0.01),
    "offset": Offset(schedule=COSINE, start="10%"),
    "repeat": Repeat(schedule=Polynomial(lr=LR)),
}
SLOWER = ("restarts", "noisy", "expression")  # 200 ms instead of 50


def twins() -> dict[str, Callable[[Any], Any]]:
    """Return PyTorch's schedulers by the family that they are twins of."""
    from torch.optim import lr_scheduler as torch_s

    return {
        "constant": lambda o: torch_s.ConstantLR(o, factor=1.0),
        "exponential": lambda o: torch_s.ExponentialLR(o, gamma=0.9999),
        "step": lambda o: torch_s.StepLR(o, step_size=TORCH_STEPS // 3),
        "multi-step": lambda o: torch_s.MultiStepLR(o, [TORCH_STEPS // 3, TORCH_STEPS // 2]),
        "linear": lambda o: torch_s.LinearLR(o, 1.0, 0.0, total_iters=TORCH_STEPS),
        "polynomial": lambda o: torch_s.PolynomialLR(o, total_iters=TORCH_STEPS, power=2.5),
        "cosine": lambda o: torch_s.CosineAnnealingLR(o, T_max=TORCH_STEPS),
        "restarts": lambda o: torch_s.CosineAnnealingWarmRestarts(o, T_0=TORCH_STEPS // 4),
        "cyclic": lambda o: torch_s.CyclicLR(o, 0.01, LR, TORCH_STEPS // 10),
        "cyclic, exp_range": lambda o: torch_s.CyclicLR(
            o, 0.01, LR, TORCH_STEPS // 10, mode="exp_range", gamma=0.9999
        ),
        "one-cycle": lambda o: torch_s.OneCycleLR(o, LR, total_steps=TORCH_STEPS + 1),
        "inverse square root": lambda o: torch_s.LambdaLR(o, lambda t: (1 + t / 1000) ** -0.5),
        "join": lambda o: torch_s.SequentialLR(
            o,
            [torch_s.ConstantLR(o, 1.0), torch_s.CosineAnnealingLR(o, TORCH_STEPS // 2)],
            [TORCH_STEPS // 2],
        ),
    }


def trace_seconds(schedule: Schedule) -> float:
    """Return how long the trace takes, from the steps to the rates."""
    t = np.arange(STEPS)
    start = time.perf_counter()
    schedule.rates(schedule.begin(), t)
    return time.perf_counter() - start


def peak_arrays(schedule: Schedule) -> float:
    """Return the peak memory of a trace, its steps not counted, in arrays of its size."""
    t = np.arange(STEPS)
    tracemalloc.start()
    schedule.rates(schedule.begin(), t)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / t.nbytes


def torch_seconds(make: Callable[[Any], Any]) -> float:
    """Return how long 1,000,000 steps of a PyTorch scheduler take, by TORCH_STEPS of them."""
    import torch

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR, momentum=0.9)
    scheduler = make(optimizer)
    optimizer.step()
    start = time.perf_counter()
    for _ in range(TORCH_STEPS):
        scheduler.step()
    return (time.perf_counter() - start) * STEPS / TORCH_STEPS


def import_seconds(module: str) -> float:
    """Return how long a fresh interpreter takes to import a module, by its own account."""
    code = f"import time; s = time.perf_counter(); import {module}; print(time.perf_counter() - s)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Measure all families and twins, each `--repeats` times in turn."""
    warnings.simplefilter("ignore")
    args = bench.arguments(__doc__).parse_args()
    repeats = max(args.repeats, 3)
    bound = {name: schedule.bind(HORIZON) for name, schedule in FAMILIES.items()}
    first = {name: trace_seconds(schedule) for name, schedule in bound.items()}
    again: dict[str, list[float]] = {name: [] for name in bound}
    theirs: dict[str, list[float]] = {name: [] for name in twins()}
    imports: dict[str, list[float]] = {"schedules": [], "numpy": []}
    for _ in range(repeats):
        for name, schedule in bound.items():
            again[name].append(trace_seconds(schedule))
        for name, make in twins().items():
            theirs[name].append(torch_seconds(make))
        for module, found in imports.items():
            found.append(import_seconds(module))
    families = {
        name: {
            "ms_first_call": round(1000 * first[name], 1),
            "ms": round(1000 * statistics.median(times), 1),
            "ms_max": round(1000 * max(times), 1),
            "peak_arrays": round(peak_arrays(bound[name]), 2),
        }
        for name, times in again.items()
    }
    over_torch = {name: bench.ratios(times, again[name]) for name, times in theirs.items()}
    slow = [
        name
        for name, found in families.items()
        if found["ms"] > (200 if name.startswith(SLOWER) else 50)
    ]
    result = {
        "steps": STEPS,
        "n": repeats,
        "import_ms": {k: round(1000 * statistics.median(v), 1) for k, v in imports.items()},
        "over_the_limit": slow,
        "most_peak_arrays": max(found["peak_arrays"] for found in families.values()),
        "least_over_torch": min(found["median"] for found in over_torch.values()),
        "torch_over_ours": over_torch,
        "families": families,
    }
    bench.report("schedules", result, args.save)


if __name__ == "__main__":
    main()
