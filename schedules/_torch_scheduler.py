"""A PyTorch scheduler described by its path and arguments: built, and driven once."""

import inspect
import warnings
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from schedules._callables import Arguments, find
from schedules.schedule import Rates


def check_specs(name: str, value: Any) -> None:
    """Refuse paths that lead to no scheduler, in what describes one and in all within it."""
    if isinstance(value, Mapping) and "scheduler" in value:
        if more := sorted(set(value) - {"scheduler", "arguments"}):
            raise ValueError(
                f"{name} must have the keys scheduler and arguments only, got {more[0]!r} too"
            )
        if not isinstance(value["scheduler"], str):
            raise TypeError(f"{name} must have a scheduler's path, got {value['scheduler']!r}")
        _check_kind(name, find(name, value["scheduler"]))
        inner = value.get("arguments") or {}
        if not isinstance(inner, Mapping):
            raise TypeError(f"{name} must have a mapping of arguments, got {inner!r}")
        for key, part in inner.items():
            check_specs(f"arguments[{key!r}]", part)
        return
    if isinstance(value, Mapping):
        for key, part in value.items():
            check_specs(f"{name}[{key!r}]", part)
    elif isinstance(value, tuple):
        for i, part in enumerate(value):
            check_specs(f"{name}[{i}]", part)


def _check_kind(name: str, found: Any) -> None:
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    kind = found if isinstance(found, type) else type(found)
    if issubclass(kind, ReduceLROnPlateau):
        raise ValueError(
            f"{name} must not listen to evaluations, got {kind.__name__}: "
            "use schedules.ReduceOnPlateau(counting='torch')"
        )


def built(spec: Arguments, lr: float) -> tuple[Any, Any]:
    """An optimizer and the scheduler that `spec` describes."""
    import torch

    parameter = torch.nn.Parameter(torch.zeros(1, device="cpu"))
    optimizer = torch.optim.SGD([parameter], lr=lr, momentum=0.9)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = _build(spec, optimizer)
    _check_kind("scheduler", scheduler)
    if not callable(getattr(scheduler, "step", None)):
        raise ValueError(f"scheduler must give something with a step(), got {scheduler!r}")
    return optimizer, scheduler


def _build(value: Any, optimizer: Any) -> Any:
    if isinstance(value, tuple):
        return [_build(part, optimizer) for part in value]
    if not isinstance(value, Arguments):
        return value
    if "scheduler" not in value:
        return {key: _build(part, optimizer) for key, part in value.items()}
    path = value["scheduler"]
    make = find("scheduler", path)
    given = value.get("arguments") or {}
    arguments = {key: _build(part, optimizer) for key, part in given.items()}
    try:
        # By name where it has one: ChainedScheduler's comes after its schedulers.
        if "optimizer" in inspect.signature(make).parameters:
            return make(optimizer=optimizer, **arguments)
        return make(optimizer, **arguments)
    except Exception as error:
        raise ValueError(
            f"arguments must suit {path}, got {given!r}: {type(error).__name__}: {error}"
        ) from error


@lru_cache(maxsize=8)
def trace_of(spec: Arguments, scheduler: Callable[..., Any], lr: float, calls: int) -> Rates:
    """The rate after each call of step(); `scheduler` is part of the key, for a path may change."""
    optimizer, driven = built(spec, lr)
    trace = np.empty(calls + 1)
    group = optimizer.param_groups[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimizer.step()
        trace[0] = group["lr"]
        for i in range(1, calls + 1):
            try:
                driven.step()
            except Exception as error:
                raise ValueError(
                    f"arguments must suit a scheduler that is stepped {calls} times, got "
                    f"{spec['arguments']!r}: {type(error).__name__}: {error}"
                ) from error
            trace[i] = group["lr"]
    trace.setflags(write=False)
    return trace
