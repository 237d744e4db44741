"""Several processes that train one run together: the first one speaks, all do the same."""

import os
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from runner.errors import Misuse

T = TypeVar("T")


class Alone:
    """One process, as most runs have."""

    is_several = False
    leads = True

    def agree(self, goes_on: bool, rate: float) -> tuple[bool, float]:
        """Return whether a step follows, and its rate, as the first process says."""
        return goes_on, rate

    def share(self, value: T) -> T:
        """Return what the first process has."""
        return value


class Crew(Alone):
    """The processes of torch.distributed. What they agree on goes over gloo, from the host to
    hosts: no device waits for it."""

    is_several = True

    def __init__(self) -> None:
        self._group: Any = dist.new_group(backend="gloo")
        self.leads = dist.get_rank() == 0

    def agree(self, goes_on: bool, rate: float) -> tuple[bool, float]:
        """Return whether a step follows, and its rate, as the first process says."""
        said = torch.tensor([goes_on, rate], dtype=torch.float64)
        dist.broadcast(said, src=0, group=self._group)
        return bool(said[0]), float(said[1])

    def share(self, value: T) -> T:
        """Return what the first process has."""
        held: list[Any] = [value]
        dist.broadcast_object_list(held, src=0, group=self._group)
        shared: T = held[0]
        return shared


def crew() -> Alone:
    """Return who trains beside this process, as a launcher such as torchrun says.

    Raises Misuse where they cannot speak with each other yet.
    """
    if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
        return Crew()
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        must = "several processes train this run: call torch.distributed.init_process_group()"
        raise Misuse(f"{must} before runner.api.attach()")
    return Alone()
