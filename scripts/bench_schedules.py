"""Traces of 1,000,000 steps: their time and memory, over numpy and PyTorch, and the import.

python scripts/bench_schedules.py --save
"""

import statistics
import subprocess
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bench_common as bench
import numpy as np

from schedules import FromTorch, Horizon, Schedule
from schedules.landmarks import landmarks

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "schedules"))
from families import VARIANTS

STEPS = 1_000_000
TORCH_STEPS = 20_000  # driving PyTorch's takes as long for each step, so fewer tell
HORIZON = Horizon(total_steps=STEPS, steps_per_epoch=STEPS // 10)
LR = 0.1
SCHEDULES = {  # PyTorch's own, driven once, take as long as PyTorch takes
    variant.name: variant.schedule
    for variant in VARIANTS
    if not isinstance(variant.schedule, FromTorch)
}
LIMIT = 6  # times as long as numpy's cosine of as many steps


def twins() -> dict[str, Callable[[Any], Any]]:
    """Return PyTorch's schedulers by the family that they are twins of."""
    from torch.optim import lr_scheduler as torch_s

    return {
        "constant": lambda o: torch_s.ConstantLR(o, factor=1.0),
        "exponential": lambda o: torch_s.ExponentialLR(o, gamma=0.9999),
        "step": lambda o: torch_s.StepLR(o, step_size=TORCH_STEPS // 3),
        "multistep": lambda o: torch_s.MultiStepLR(o, [TORCH_STEPS // 3, TORCH_STEPS // 2]),
        "linear": lambda o: torch_s.LinearLR(o, 1.0, 0.0, total_iters=TORCH_STEPS),
        "polynomial": lambda o: torch_s.PolynomialLR(o, total_iters=TORCH_STEPS, power=2.5),
        "cosine": lambda o: torch_s.CosineAnnealingLR(o, T_max=TORCH_STEPS),
        "restarts": lambda o: torch_s.CosineAnnealingWarmRestarts(o, T_0=TORCH_STEPS // 4),
        "cyclic": lambda o: torch_s.CyclicLR(o, 0.01, LR, TORCH_STEPS // 10),
        "cyclic_decays": lambda o: torch_s.CyclicLR(
            o, 0.01, LR, TORCH_STEPS // 10, mode="exp_range", gamma=0.9999
        ),
        "one_cycle": lambda o: torch_s.OneCycleLR(o, LR, total_steps=TORCH_STEPS + 1),
        "inverse_sqrt": lambda o: torch_s.LambdaLR(o, lambda t: (1 + t / 1000) ** -0.5),
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


def cosine_seconds() -> float:
    """Return how long numpy takes for a cosine of as many steps, which the others are held to."""
    t = np.arange(STEPS)
    start = time.perf_counter()
    np.cos(np.pi * t / STEPS)
    return time.perf_counter() - start


def landmark_seconds(schedule: Schedule) -> float:
    """Return how long it takes to find where a trace changes its shape."""
    trace = schedule.rates(schedule.begin(), np.arange(STEPS))
    start = time.perf_counter()
    landmarks(trace)
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
    bound = {name: schedule.bind(HORIZON) for name, schedule in SCHEDULES.items()}
    first = {name: trace_seconds(schedule) for name, schedule in bound.items()}
    again: dict[str, list[float]] = {name: [] for name in bound}
    theirs: dict[str, list[float]] = {name: [] for name in twins()}
    imports: dict[str, list[float]] = {"schedules": [], "numpy": []}
    cosine: list[float] = []
    looks: dict[str, list[float]] = {name: [] for name in bound}
    for _ in range(repeats):
        cosine.append(cosine_seconds())
        for name, schedule in bound.items():
            again[name].append(trace_seconds(schedule))
            looks[name].append(landmark_seconds(schedule))
        for name, make in twins().items():
            theirs[name].append(torch_seconds(make))
        for module, found in imports.items():
            found.append(import_seconds(module))
    families = {
        name: {
            "ms_first_call": round(1000 * first[name], 1),
            "ms": round(1000 * statistics.median(times), 1),
            "ms_max": round(1000 * max(times), 1),
            "over_cosine": bench.ratios(times, cosine)["median"],
            "landmarks_over_cosine": bench.ratios(looks[name], cosine)["median"],
            "peak_arrays": round(peak_arrays(bound[name]), 2),
        }
        for name, times in again.items()
    }
    over_torch = {name: bench.ratios(times, again[name]) for name, times in theirs.items()}
    slow = [name for name, found in families.items() if found["over_cosine"] > LIMIT]
    result = {
        "steps": STEPS,
        "n": repeats,
        "import_over_numpy": bench.ratios(imports["schedules"], imports["numpy"]),
        "most_landmarks_over_cosine": max(f["landmarks_over_cosine"] for f in families.values()),
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
