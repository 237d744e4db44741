"""A state of a loop that can be gone on with: what it has handed over, and how far it is."""

import copy
import random
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from runner.training.own_loop.state import LoopState
from runner.training.state import Progress


@dataclass(frozen=True)
class Snapshot:
    """A copy of a state between two steps.

    progress: how far it is. parts: the state dict of each thing that the loop has handed over, by
    name. generators: the states of what code may draw from.
    """

    progress: Mapping[str, Any]
    parts: Mapping[str, Any]
    generators: Mapping[str, Any]

    def state(self, decides: str) -> LoopState:
        """Return a state that goes on from here, once a loop hands over the same parts. decides:
        the name of the metric that does."""
        return LoopState(**copy.deepcopy(dict(self.progress)), decides=decides, waiting=self)

    def restore(self, name: str, part: Any) -> None:
        """Put a part back as it was."""
        part.load_state_dict(copy.deepcopy(self.parts[name]))

    def draw_again(self, device: torch.device) -> None:
        """Let code draw from here what it drew before."""
        torch.set_rng_state(self.generators["torch"])
        np.random.set_state(self.generators["numpy"])
        random.setstate(self.generators["random"])
        if device.type != "cpu":
            torch.get_device_module(device).set_rng_state(self.generators["device"], device)


def snapshot(state: LoopState, device: torch.device) -> Snapshot | None:
    """Return a copy of a state as it is between two steps, such as where an event is heard; None
    where the loop hands nothing over, or something of which there is no copy."""
    if not state.parts:
        return None
    drawn = {
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(),
        "random": random.getstate(),
    }
    if device.type != "cpu":
        drawn["device"] = torch.get_device_module(device).get_rng_state(device)
    progress = {one.name: getattr(state, one.name) for one in fields(Progress)}
    parts = {name: part.state_dict() for name, part in state.parts.items()}
    try:
        return Snapshot(*copy.deepcopy((progress, parts)), generators=drawn)
    except Exception:
        return None
