"""What torch, numpy and `random` draw from, taken and put back."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


def drawn(device: torch.device) -> dict[str, Any]:
    """Return the states of the generators that all code may draw from."""
    found = {
        "torch": torch.get_rng_state(),
        "numpy": np.random.get_state(),
        "random": random.getstate(),
    }
    if device.type != "cpu":
        found["device"] = torch.get_device_module(device).get_rng_state(device)
    return found


def draw_again(states: Mapping[str, Any], device: torch.device) -> None:
    """Let code draw from here what it drew before."""
    torch.set_rng_state(states["torch"])
    np.random.set_state(states["numpy"])
    random.setstate(states["random"])
    if device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states["device"], device)
