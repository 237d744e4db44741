"""What an optimizer must be given back, for its kernels walk memory by it."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from runner.training.capture.copies import described, like
from runner.training.optimizers import FUSED

Now = Callable[[Any], Any]


def check(optimizer: Optimizer, now: Now) -> None:
    """Raise ValueError where an optimizer would not take what its things are to hold.

    now: what a thing is to hold; of anything else, the same.
    """
    groups = now(optimizer.param_groups)
    if not _are(groups, optimizer.param_groups):
        raise ValueError("optimizer.param_groups has other groups there")
    for i, group in enumerate(optimizer.param_groups):
        _check_group(f"optimizer.param_groups[{i}]", group, now(group), now)
    state = now(optimizer.state)
    if not isinstance(state, Mapping):
        raise ValueError("optimizer.state is no mapping there")
    for p, entry in state.items():
        if type(optimizer) in FUSED:
            _check_entry(p, now(entry))


def parameters(optimizer: Optimizer) -> list[list[int]]:
    """Return which parameters each group has."""
    return [[id(p) for p in group["params"]] for group in optimizer.param_groups]


def _check_group(path: str, here: Mapping[str, Any], there: Any, now: Now) -> None:
    for name, value in here.items():
        if name not in there:
            raise ValueError(f"{path} has no {name} there")
        if name == "params":
            if there[name] is not value or not _are(now(value), value):
                raise ValueError(f"{path} has other parameters there")
        elif not _is_like(there[name], value):
            raise ValueError(f"{path}['{name}'] is {there[name]!r} there and {value!r} here")


def _check_entry(parameter: Any, entry: Any) -> None:
    if not isinstance(parameter, Tensor) or not isinstance(entry, Mapping):
        raise ValueError("optimizer.state is not by parameters there")
    for name, value in entry.items():
        if not isinstance(value, Tensor):
            continue
        wanted: Any = torch.empty_like(parameter, device="meta")
        if name == "step":
            wanted = torch.empty((), device="meta")
        if like(value) != like(wanted):
            is_there = f"is {described(value)} with strides {value.stride()} there"
            must = f"{described(wanted)} with strides {wanted.stride()} here"
            raise ValueError(f"'{name}' of the optimizer {is_there} and {must}")


def _are(some: Any, others: list[Any]) -> bool:
    return (
        isinstance(some, list)
        and len(some) == len(others)
        and all(one is other for one, other in zip(some, others, strict=True))
    )


def _is_like(there: Any, here: Any) -> bool:
    """Return whether a number stands for a number, and several for as many."""
    if isinstance(here, tuple):
        is_tuple = isinstance(there, tuple) and len(there) == len(here)
        return is_tuple and all(map(_is_like, there, here))
    if isinstance(here, bool) or not isinstance(here, int | float):
        return True
    return isinstance(there, int | float) and not isinstance(there, bool)
