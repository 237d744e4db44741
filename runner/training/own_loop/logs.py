"""The numbers that a loop logs at its steps, read from the device many steps at a time."""

import time
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from runner.errors import Misuse, shortened
from runner.results.events import LOSS, LR, Chunk, step_key
from runner.results.metrics import KEY_RULE, is_key
from runner.training.loop import CHUNK_SECONDS, CHUNK_STEPS
from runner.training.measures import exact

_RESERVED = ("val", "test", "ema")


class Logs:
    """Holds what was logged since the last chunk."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._clear()

    def __len__(self) -> int:
        return len(self._rates)

    @property
    def is_full(self) -> bool:
        """Whether it is time to look at the numbers."""
        return len(self) >= CHUNK_STEPS or time.monotonic() > self._deadline

    def add(self, name: str, value: Any) -> None:
        """Keep a number of the step that is being made; the last one of a name counts.

        A tensor stays on its device. Raises Misuse for what is no number, has another's name or a
        name that trackers do not take, see `results.metrics.is_key`.
        """
        key = self._keys.get(name) or self._key(name)
        if isinstance(value, Tensor):
            if value.numel() != 1 or value.is_complex():
                given = f"a tensor of shape {tuple(value.shape)}"
                raise Misuse(f"{name} must be logged as one real number, got {given}")
            value = (value if value.ndim == 0 else value.reshape(())).detach()
            value = value.clone()  # it may change before it is read
        elif not isinstance(value, Real):
            given = type(value).__name__
            raise Misuse(f"{name} must be logged as one real number, got {given}")
        else:
            try:
                value = float(value)
            except OverflowError as error:
                must = f"{name} must be logged as one real number of at most 64 bits"
                raise Misuse(f"{must}, got a larger one") from error
        self._found.setdefault(key, {})[len(self._rates)] = value

    def end_step(self, rate: float) -> None:
        """Take note that the step is made, with the rate that it used."""
        self._rates.append(rate)
        self._times.append(time.time_ns() // 1_000_000)

    def take(self, start: int) -> Chunk:
        """Return the chunk of all steps that are made, the first one's number given, and forget
        them."""
        count = len(self)
        columns = {LR: np.array(self._rates)}
        for key, found in self._found.items():
            columns[key] = _column({i: v for i, v in found.items() if i < count}, count)
        chunk = Chunk(start, columns, np.array(self._times))
        self._clear()
        return chunk

    def _clear(self) -> None:
        self._rates: list[float] = []
        self._times: list[int] = []
        self._found: dict[str, dict[int, Any]] = {}
        self._deadline = time.monotonic() + CHUNK_SECONDS

    def _key(self, name: str) -> str:
        """Return the key under which a name is recorded."""
        if not isinstance(name, str):
            raise Misuse(f"the name of a number must be text, got {type(name).__name__}")
        room = name.partition("/")[0] if "/" in name else ""
        key = name if room else step_key(name)
        if room in _RESERVED:
            raise Misuse(f"{name} is a figure of an evaluation: give it to run.report")
        if key == LR:
            raise Misuse(f"{name} is recorded already: log what it is not under another name")
        if not is_key(key):
            raise Misuse(f"the name of a number {KEY_RULE}, got {shortened(repr(name), 60)}")
        self._keys[name] = key
        return key


def first_bad(chunk: Chunk) -> int | None:
    """Return the place of the first step whose loss was not finite."""
    if LOSS not in chunk.columns:
        return None
    bad = np.flatnonzero(~np.isfinite(np.ma.filled(chunk.columns[LOSS], 0.0)))
    return int(bad[0]) if bad.size else None


def _column(found: dict[int, Any], count: int) -> np.ndarray:
    """Return the numbers of some steps, (count,) float64, masked where there are none."""
    values = np.full(count, np.nan)
    tensors: dict[tuple[torch.device, torch.dtype], list[int]] = {}
    for i, value in found.items():
        if isinstance(value, Tensor):
            tensors.setdefault((value.device, value.dtype), []).append(i)
        else:
            values[i] = value
    for places in tensors.values():
        stacked = torch.stack([found[i] for i in places])
        values[places] = exact(stacked).cpu().numpy()
    if len(found) == count:
        return values
    mask = np.ones(count, dtype=bool)
    mask[list(found)] = False
    return np.ma.array(values, mask=mask)
