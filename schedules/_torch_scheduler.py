"""A PyTorch scheduler described by its path and arguments: built, and driven once."""

import inspect
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from threading import RLock
from typing import Any

import numpy as np

from schedules._callables import Arguments, find
from schedules.errors import ArgumentError, ArgumentTypeError
from schedules.schedule import Rates

_ONE_AT_A_TIME = RLock()
_DURATIONS = (  # of PyTorch's own schedulers, in calls of step()
    *("step_size", "milestones", "total_iters", "T_max", "T_0", "total_steps"),
    *("epochs", "steps_per_epoch", "step_size_up", "step_size_down"),
)
_KEYS = {"function": "key function", "scheduler": "keys scheduler and arguments"}


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the warnings that PyTorch gives to a training loop.

    Warning filters belong to the process: two threads that change them at once leave them changed.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def check_specs(name: str, value: Any) -> None:
    """Refuse paths that lead to no scheduler or function, in what describes one and within it."""
    if isinstance(value, tuple):
        for i, part in enumerate(value):
            check_specs(f"{name}[{i}]", part)
    if not isinstance(value, Mapping):
        return
    kind = next((kind for kind in _KEYS if kind in value), None)
    if kind is None:
        for key, part in value.items():
            check_specs(f"{name}[{key!r}]", part)
        return
    if more := sorted(set(value) - set(_KEYS[kind].split())):
        raise ArgumentError(name, f"must have the {_KEYS[kind]} only", f"{more[0]!r} too")
    if not isinstance(value[kind], str):
        raise ArgumentTypeError(name, f"must have a {kind}'s path", repr(value[kind]))
    found = find(name, value[kind])
    if kind == "function":
        return
    _check_kind(name, found)
    inner = value.get("arguments") or {}
    if not isinstance(inner, Mapping):
        raise ArgumentTypeError(name, "must have a mapping of arguments", repr(inner))
    for key, part in inner.items():
        check_specs(f"arguments[{key!r}]", part)


def _check_kind(name: str, found: Any) -> None:
    from torch.optim.lr_scheduler import ReduceLROnPlateau

    kind = found if isinstance(found, type) else type(found)
    if issubclass(kind, ReduceLROnPlateau):
        raise ArgumentError(
            name,
            "must not listen to evaluations",
            f"{kind.__name__}: use schedules.ReduceOnPlateau(counting='torch')",
        )


def plain_duration(spec: Mapping[str, Any]) -> str:
    """The name of the first whole number that is a duration, or nothing.

    Of a scheduler that is not PyTorch's own, any number from 1 may be one.
    """
    kind = find("scheduler", spec["scheduler"])
    kinds = (int,) if getattr(kind, "__module__", "") != "torch.optim.lr_scheduler" else ()
    found = (
        _plain(f"arguments[{key!r}]", value, (int, float) if key in _DURATIONS else kinds)
        for key, value in (spec.get("arguments") or {}).items()
    )
    return next(filter(None, found), "")


def _plain(name: str, value: Any, kinds: Collection[type]) -> str:
    """The same of an argument; `kinds` are the types of a number that may be a duration."""
    if isinstance(value, Mapping) and "scheduler" in value:
        inner = plain_duration(value)
        return f"{name}.{inner}" if inner else ""
    parts: list[tuple[Any, Any]] = []
    if isinstance(value, (tuple, Mapping)):
        parts = list(value.items() if isinstance(value, Mapping) else enumerate(value))
    found = (_plain(f"{name}[{key!r}]", part, kinds) for key, part in parts)
    whole = type(value) in kinds and value > 0 and value % 1 == 0
    return name if whole else next(filter(None, found), "")


def built(spec: Arguments, lr: float) -> tuple[Any, Any]:
    """An optimizer and the scheduler that `spec` describes."""
    import torch

    parameter = torch.nn.Parameter(torch.zeros(1, device="cpu"))
    optimizer = torch.optim.SGD([parameter], lr=lr, momentum=0.9)
    with _quiet():
        scheduler = _build(spec, optimizer)
    _check_kind("scheduler", scheduler)
    if not callable(getattr(scheduler, "step", None)):
        raise ArgumentError("scheduler", "must give something with a step()", repr(scheduler))
    return optimizer, scheduler


def _build(value: Any, optimizer: Any) -> Any:
    if isinstance(value, tuple):
        return [_build(part, optimizer) for part in value]
    if not isinstance(value, Arguments):
        return value
    if "function" in value:
        return find("arguments", value["function"])
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
        raise ArgumentError(
            "arguments", f"must suit {path}", f"{given!r}: {type(error).__name__}: {error}"
        ) from error


def trace_of(spec: Arguments, lr: float, calls: int) -> Rates:
    """The rate after each call of step()."""
    return _trace_of(spec, tuple(_callables(spec)), lr, calls)


def _callables(value: Any) -> Iterator[Callable[..., Any]]:
    """What the paths in `value` lead to."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            if key in ("scheduler", "function"):
                yield find(key, part)
            else:
                yield from _callables(part)
    elif isinstance(value, tuple):
        for part in value:
            yield from _callables(part)


@lru_cache(maxsize=8)
def _trace_of(
    spec: Arguments, callables: tuple[Callable[..., Any], ...], lr: float, calls: int
) -> Rates:
    """The same; what its paths lead to now is part of the key, for it may change."""
    optimizer, driven = built(spec, lr)
    trace = np.empty(calls + 1)
    group = optimizer.param_groups[0]
    with _quiet():
        optimizer.step()
        trace[0] = group["lr"]
        for i in range(1, calls + 1):
            try:
                driven.step()
            except Exception as error:
                raise ArgumentError(
                    "arguments",
                    f"must suit a scheduler that is stepped {calls} times",
                    f"{spec['arguments']!r}: {type(error).__name__}: {error}",
                ) from error
            trace[i] = group["lr"]
    trace.setflags(write=False)
    return trace
