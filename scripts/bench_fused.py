"""Trials that train as one program, over the same trials one after the other.

Of each case, updates alone: all rows as one program, over each by itself, in one process of one
thread, rates all different, seeds the same or all different. With --whole instead whole commands:
a grid of 64 jobs with a process a core, `sweep.fuse=auto` over off. With --sampler instead what TPE
finds in 48 trials of a made-up surface of three keys, so many asked for at a time.

    python scripts/bench_fused.py --save
"""

import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import bench_common as bench
import optuna
import torch
from optuna.distributions import CategoricalDistribution, FloatDistribution

from runner.training import datasets, optimizers
from runner.training.data import Dataset, Split
from runner.training.fused import Group
from runner.training.groups import split_parameters
from runner.training.loop import train
from runner.training.models import MLP, KerasCNN
from runner.training.state import State
from runner.trial import Numbers, Recipe, Trial
from schedules import Constant, Horizon

GRID = ["model=mlp", "dataset=mnist_5k", "states=off", "tracking=off", "train.batch_size=32"]


@dataclass(frozen=True)
class Case:
    """Trials: their model, data, samples a batch, how many, and updates of each."""

    model: Callable[[], torch.nn.Module]
    data: Callable[[], Dataset]
    batch_size: int
    rows: int
    steps: int


def made_up() -> Dataset:
    """Return made-up data of 64 numbers a sample."""
    generator = torch.Generator().manual_seed(0)
    inputs, targets = torch.randn(2000, 64, generator=generator), torch.arange(2000) % 10
    parts = [Split(inputs[:n], targets[:n]) for n in (2000, 20, 20)]
    return Dataset(*parts, classes=10)


CASES = {
    "mlp_64_64_10_batch_32": Case(lambda: MLP((64,), 10, hidden=[64]), made_up, 32, 32, 300),
    "mlp_784_128_10_batch_128": Case(lambda: MLP((1, 28, 28), 10), datasets.mnist_5k, 128, 16, 150),
    "mlp_784_128_10_batch_32": Case(lambda: MLP((1, 28, 28), 10), datasets.mnist_5k, 32, 16, 150),
    "keras_cnn_batch_128": Case(lambda: KerasCNN((1, 28, 28), 10), datasets.mnist_5k, 128, 4, 6),
}


def trial(case: Case, data: Dataset, row: int, *, seeds: bool) -> tuple[State, Trial]:
    """Return what a row trains."""
    seed = row if seeds else 0
    torch.manual_seed(seed)
    model = case.model()
    optimizer = optimizers.build(torch.optim.Adam, split_parameters(model, ()))
    horizon = Horizon(case.steps, len(data.train) // case.batch_size)
    schedule = Constant(lr=1e-3 * (1 + row / case.rows)).bind(horizon)
    parts: tuple[dict[str, Any], ...] = ({}, {}, {}, {})
    recipe = Recipe(*parts, case.batch_size, seed, "float32", "cpu", 1, None, {})
    return State(model, optimizer), Trial(recipe, Numbers({"lr": schedule}, horizon), case.steps)


def seconds(case: Case, data: Dataset, *, seeds: bool, fused: bool) -> float:
    """Return how long all rows take to their ends, the evaluation there included."""
    pairs = [trial(case, data, row, seeds=seeds) for row in range(case.rows)]
    group = Group(case.rows)

    def one(state: State, of: Trial) -> None:
        updates = group.row(state, of) if fused else None
        for _ in train(state, of, data, updates=updates):
            pass

    start = time.perf_counter()
    functions = [partial(one, *pair) for pair in pairs]
    if fused:
        group.run(functions)
    else:
        for function in functions:
            function()
    return time.perf_counter() - start


def command(folder: str, words: Sequence[str]) -> float:
    """Return how long a command of the runner takes."""
    start = time.perf_counter()
    line = [sys.executable, "-m", "runner", "-m", *words]
    subprocess.run(line, check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - start


def whole(repeats: int) -> dict[str, Any]:
    """Return how long whole grids take, fused and not."""
    rates = ",".join(f"{1e-4 * 1.08**i:.4g}" for i in range(64))
    boundaries = [f"[{a}%,{b}%]" for a in range(10, 100, 10) for b in range(a + 10, 100, 10)]
    shared = ["schedule=piecewise", "schedule.factors=[1.0,0.1,0.01]", "train.epochs=10"]
    grids = {
        "rates": [*GRID, "train.epochs=4", f"lr={rates}"],
        "seeds": [*GRID, "train.epochs=4", "seed=range(64)"],
        "small": [*GRID, "train.epochs=4", "model.hidden=[16]", f"lr={rates}"],
        "shared_beginnings": [
            *(word for word in GRID if word != "states=off"),
            *shared,
            f"schedule.boundaries={','.join(boundaries)}",
        ],
    }
    found: dict[str, Any] = {}
    for name, words in grids.items():
        with tempfile.TemporaryDirectory() as folder:
            times = dict[str, list[float]](off=[], auto=[])
            for _ in range(repeats):
                for fuse in times:
                    with tempfile.TemporaryDirectory(dir=folder) as fresh:
                        times[fuse].append(command(fresh, [*words, f"sweep.fuse={fuse}"]))
        found[f"grid_{name}_off"] = bench.spread(times["off"])
        found[f"grid_{name}_auto"] = bench.spread(times["auto"])
        found[f"grid_{name}_off_over_auto"] = bench.ratios(times["off"], times["auto"])
    return found


KEYS: dict[str, Any] = {
    "lr": FloatDistribution(1e-4, 1e-1, log=True),
    "warmup": FloatDistribution(0, 0.5),
    "schedule": CategoricalDistribution(["one", "other", "third"]),
}
WORSE = {"one": 0.0, "other": 0.05, "third": 0.2}
NOISE = 0.02


def surface(found: dict[str, Any]) -> float:
    """Return how much worse than the best settings are."""
    bowl = (math.log10(found["lr"]) + 2.3) ** 2 + 4 * (found["warmup"] - 0.15) ** 2
    return bowl + WORSE[found["schedule"]]


def best_of(width: int, seed: int, trials: int = 48) -> float:
    """Return how much worse than the best what TPE calls its best is."""
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    noise = random.Random(seed)
    told: list[tuple[float, float]] = []
    while len(told) < trials:
        for asked in [study.ask(KEYS) for _ in range(min(width, trials - len(told)))]:
            worse = surface(asked.params)
            told.append((worse + noise.gauss(0, NOISE), worse))
            study.tell(asked, told[-1][0])
    return min(told)[1]


def sampled(seeds: int = 100) -> dict[str, Any]:
    """Return what TPE's batches cost."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    found: dict[str, Any] = {"studies": seeds}
    for width in (1, 4, 16, 48):
        values = [best_of(width, seed) for seed in range(seeds)]
        error = statistics.stdev(values) / math.sqrt(seeds)
        found[f"by_{width}"] = {
            "mean": round(statistics.mean(values), 4),
            "standard_error": round(error, 4),
        }
    return found


def updates(repeats: int) -> dict[str, Any]:
    """Return how much faster rows of a program are than trials one after the other."""
    torch.set_num_threads(1)
    result: dict[str, Any] = {}
    for name, case in CASES.items():
        data = case.data()
        for seeds in (False, True):
            found = bench.alternate(
                repeats,
                single=partial(seconds, case, data, seeds=seeds, fused=False),
                fused=partial(seconds, case, data, seeds=seeds, fused=True),
            )
            of = f"{name}_{case.rows}_{'seeds' if seeds else 'rates'}"
            result[f"{of}_single_over_fused"] = bench.ratios(found["single"], found["fused"])
            result[f"{of}_fused"] = bench.spread(found["fused"])
    return result


def main() -> None:
    """Measure in turn."""
    parser = bench.arguments(__doc__)
    parser.add_argument("--whole", action="store_true", help="whole commands instead")
    parser.add_argument("--sampler", action="store_true", help="batches of a sampler instead")
    args = parser.parse_args()
    if args.whole:
        bench.report("fused_whole", whole(args.repeats), args.save)
    elif args.sampler:
        bench.report("fused_sampler", sampled(), args.save)
    else:
        bench.report("fused", updates(args.repeats), args.save)


if __name__ == "__main__":
    main()
