"""Whether runs train together as one program, and how many."""

from dataclasses import dataclass, replace

import psutil
import torch

from runner.build.setup import Setup
from runner.errors import Mistake
from runner.interrupts import Interrupts
from runner.training.fused import Group, fastest, row_bytes
from runner.training.state import State

OWN_LOOP = "the loop is a person's own"
SHARE = 0.5  # of the free memory that rows may take


@dataclass(frozen=True)
class Beside:
    """With whom a run trains as one program: a group, and who interrupts it."""

    group: Group
    interrupts: Interrupts


def as_row(setup: Setup, group: Group) -> tuple[Setup, str]:
    """Return what a run starts with as one of those that train together; or as it is, and why."""
    if not isinstance(setup.state, State):
        return setup, OWN_LOOP
    if why := group.why_not(setup.state, setup.trial, setup.data):
        return setup, why
    recipe = replace(setup.trial.recipe, fused=group.width)
    trial = replace(setup.trial, recipe=recipe)
    return replace(setup, trial=trial, updates=group.row(setup.state, trial)), ""


def width(key: str, asked: int | None, most: int, setup: Setup) -> tuple[int, str]:
    """Return how many runs like one train together, 1 for none, and what is to be said of it.

    key: says how many, for messages. asked: None for as many as are fastest. most: that there are
    for a process. Raises Mistake where so many cannot be.
    """
    if asked == 1:
        return 1, ""
    group = Group(1)
    _, why = as_row(setup, group)
    if why or not isinstance(setup.state, State):
        if asked is None:
            return 1, f"{key}=auto: each trains by itself: {why}"
        raise Mistake(key, "must be off or auto for what cannot be fused", str(asked), why)
    free = _free(setup.device)
    room = max(1, int(SHARE * free / row_bytes(setup.state)))
    if asked is None:
        found = fastest(setup.state, setup.trial, setup.data, min(most, room))
        return found, f"{key}=auto: {found if found > 1 else 'none'} train as one program"
    if asked > room:
        must = f"must be at most {room}, for which the memory is enough"
        raise Mistake(key, must, str(asked))
    return max(1, min(asked, most)), ""


def _free(device: torch.device) -> int:
    """Return the bytes that are free where a device computes."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)
