"""What the runner and a script that it has started say to each other."""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from torch import Tensor

from runner.training.own_loop import LoopState

ADDRESS = "RUNNER_ATTACH"  # the environment's name for where the runner listens
GOES_ON, ENDS = b"goes on", b"ends"  # what a listener says to an event
STOP = b"stop"  # asked for from outside, at any time


@dataclass(frozen=True)
class Place:
    """Where a script's run is. folder: of the run's own files. path: where Python looks for
    modules beside the script's own."""

    folder: Path
    path: tuple[str, ...]


@dataclass(frozen=True)
class End:
    """How a run has ended in its script. error: what its end raises, None where all is well."""

    state: LoopState
    error: Exception | None = None


def send(connection: Connection, message: Any) -> None:
    """Send a message. Plain pickle: torch's own would share memory with a process that ends."""
    connection.send_bytes(pickle.dumps(message))


def receive(connection: Connection) -> Any:
    """Return the next message. Raises EOFError or OSError where the other one is gone."""
    return pickle.loads(connection.recv_bytes())


class Handed:
    """Weights, without the model that they are of."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        self._weights = dict(weights)

    def state_dict(self) -> dict[str, Any]:
        """Return them."""
        return self._weights

    def load_state_dict(self, state_dict: Mapping[str, Any], /) -> None:
        """Hold others."""
        self._weights = dict(state_dict)


class Groups:
    """The parameter groups of an optimizer, without what they train."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self.param_groups = groups


def portable(state: LoopState) -> LoopState:
    """Return a state that another process can hold: weights on the CPU in a model's place."""
    model = None if state.model is None else Handed(_on_cpu(state.weights))
    best = state.best and replace(state.best, weights=_on_cpu(state.best.weights))
    named = ("pattern", "lr_scale")
    groups = [{name: one[name] for name in named if name in one} for one in state.groups]
    there = replace(state, model=model, best=best, optimizers=[Groups(groups)])
    return replace(there, folder=None, parts={}, reading=None)


def become(state: LoopState, other: LoopState) -> None:
    """Let a state be as another one, but for its folder."""
    for one in fields(other):
        if one.name != "folder":
            setattr(state, one.name, getattr(other, one.name))


def _on_cpu(weights: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return what is recorded of weights."""
    named = dict(weights).items()
    return {name: one.detach().cpu() for name, one in named if isinstance(one, Tensor)}
