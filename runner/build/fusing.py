"""Whether runs train together as one program, and how many."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import psutil
import torch

from runner.build import cgroups
from runner.build.setup import Setup
from runner.errors import Mistake
from runner.interrupts import Interrupts
from runner.training import devices
from runner.training.fused import Group, Likeness, fastest, likeness, row_bytes
from runner.training.state import State

OWN_LOOP = "the loop is a person's own"
SHARE = 0.5  # of the free memory that rows may take


@dataclass(frozen=True)
class Beside:
    """With whom a run trains as one program: a group, and who interrupts it."""

    group: Group
    interrupts: Interrupts


def kind_of(setup: Setup) -> Likeness:
    """Return the same for runs that may train as one program, and for all loops of one's own."""
    return likeness(setup.state, setup.trial) if isinstance(setup.state, State) else ()


def as_row(setup: Setup, group: Group) -> tuple[Setup, str]:
    """Return what a run starts with as one of those that train together; or as it is, and why."""
    if not isinstance(setup.state, State):
        return setup, OWN_LOOP
    if why := group.why_not(setup.state, setup.trial, setup.data):
        return setup, why
    recipe = replace(setup.trial.recipe, fused=group.width)
    trial = replace(setup.trial, recipe=recipe)
    return replace(setup, trial=trial, updates=group.row(setup.state, trial)), ""


def width(
    key: str, asked: int | None, most: int, setups: Sequence[Setup], processes: int = 1
) -> tuple[int, str]:
    """Return how many runs train together, 1 for none, and what is to be said of it.

    key: says how many, for messages. asked: None for as many as are fastest. most: that there are
    for a process. setups: one of each kind. processes: that there are, on several accelerators one
    each. Raises Mistake where so many cannot be, or none of the kinds can be fused.
    """
    if asked == 1 or not setups:
        return 1, ""
    group = Group(1)
    reasons = [as_row(setup, group)[1] for setup in setups]
    if all(reasons):
        if asked is None:
            return 1, f"{key}=auto: each trains by itself: {reasons[0]}"
        raise cannot(key, asked, reasons[0])
    fit = [one for one, why in zip(setups, reasons, strict=True) if not why]
    largest = max(fit, key=lambda one: row_bytes(one.state))
    assert isinstance(largest.state, State)
    sharing = 1 if devices.count() >= processes else processes
    free = SHARE * _free(largest.device) / sharing
    room = max(1, int(free / row_bytes(largest.state)))
    if asked is None:
        found = fastest(largest.state, largest.trial, largest.data, min(most, room))
        return found, f"{key}=auto: {found if found > 1 else 'none'} train as one program"
    if min(asked, most) > room:
        must = f"must be at most {room}, for which the memory is enough"
        raise Mistake(key, must, str(asked))
    return asked, ""


def cannot(key: str, asked: int, why: str) -> Mistake:
    """Return what to say where so many are asked for and nothing can be fused."""
    return Mistake(key, "must be off or auto for what cannot be fused", str(asked), why)


def _free(device: torch.device) -> int:
    """Return the bytes that are free where a device computes."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min([int(psutil.virtual_memory().available), *cgroups.limits()])
