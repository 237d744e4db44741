"""How many rows of a program are the fastest on this device: it is tried."""

import math
import time
from collections.abc import Sequence
from typing import Any

from runner.training.data import Dataset
from runner.training.fused.program import chunks
from runner.training.groups import set_training
from runner.training.loop import Loop
from runner.training.state import State
from runner.trial import Trial

STEPS = 20  # of each try
WIDTHS = (4, 16, 64)
LEAST = 1.1  # times as fast as by itself, or it is not worth it
COPIES = 8  # of its weights that a row has: stacked, by itself, gradients and what optimizers keep


def row_bytes(state: Any) -> int:
    """Return the memory that a row takes, about; 0 of a loop of a person's own."""
    if not isinstance(state, State):
        return 0
    return COPIES * sum(one.numel() * one.element_size() for one in state.model.parameters())


def fastest(state: State, trial: Trial, data: Dataset | None, most: int) -> int:
    """Return how many rows take the least time a row, at most so many; 1 where none are faster.

    state: is copied; where it cannot be, 1 is returned.
    """
    widths = [width for width in WIDTHS if width < most]
    if most > 1:
        widths.append(most if most <= WIDTHS[-1] else WIDTHS[-1])
    seconds = {1: _seconds(state, trial, data, 1)}
    for width in dict.fromkeys(widths):
        seconds[width] = _seconds(state, trial, data, width)
    best = min(seconds, key=seconds.__getitem__)
    return best if seconds[best] * LEAST < seconds[1] else 1


def _seconds(state: State, trial: Trial, data: Dataset | None, width: int) -> float:
    """Return the time that a step of a row takes, the less of two tries."""
    try:
        copies = [state.copy() for _ in range(width)]
        states = [one for one in copies if one is not None]
        if len(states) < width:
            return math.inf
        for one in states:
            one.memory = trial.numbers["lr"].begin()
            set_training(one.model)
        loops = [Loop(one, trial, data) for one in states]
        return min(_tried(loops, trial) for _ in range(2)) / width
    except Exception:  # such as of memory
        return math.inf


def _tried(loops: Sequence[Loop], trial: Trial) -> float:
    steps = min(STEPS, trial.horizon.total_steps)
    numbers = trial.numbers.between(loops[0].state.memory, 0, steps)
    started = time.perf_counter()
    if len(loops) == 1:
        made = len(loops[0].chunk(numbers, lambda: False))
    else:
        made = len(chunks(loops, [numbers] * len(loops), lambda: False)[0])
    return (time.perf_counter() - started) / made
