"""Optimizers over parameter groups, and the guard that freezes a model that diverged."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer

from runner.errors import nearest

FUSED = (Adam, AdamW, SGD)
FUSED_DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class Group:
    """Parameters whose names fit a pattern, and what is different for them.

    pattern: shell-style, as in "conv*.weight". lr_scale: factor of the trace, >= 0.
    weight_decay: instead of the optimizer's, >= 0. frozen: not trained at all.
    """

    pattern: str
    lr_scale: float = 1.0
    weight_decay: float | None = None
    frozen: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.pattern, str):
            raise ValueError(f"pattern must be text, got {self.pattern!r}")
        for name in ("lr_scale", "weight_decay"):
            value = getattr(self, name)
            if value is None and name == "weight_decay":
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
                raise ValueError(f"{name} must be a number >= 0, got {value!r}")
        if not isinstance(self.frozen, bool):
            raise ValueError(f"frozen must be true or false, got {self.frozen!r}")


def read_groups(entries: Sequence[Mapping[str, Any]]) -> list[Group]:
    """Return the groups of a configuration.

    Raises ValueError for a key that a group does not have.
    """
    known = Group.__dataclass_fields__
    groups = []
    for i, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise ValueError(f"groups[{i}] must have a pattern, got {entry!r}")
        for key in entry:
            if key not in known:
                raise ValueError(
                    f"groups[{i}].{key} is not known{nearest(str(key), known)}; "
                    f"a group has {', '.join(known)}"
                )
        if "pattern" not in entry:
            raise ValueError(f"groups[{i}] must have a pattern, got {dict(entry)}")
        try:
            groups.append(Group(**entry))
        except ValueError as error:
            raise ValueError(f"groups[{i}].{error}") from error
    return groups


def split_parameters(model: nn.Module, groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Return torch's parameter groups; a parameter belongs to the first pattern that fits.

    Each group has `params`, `lr_scale` and, where given, `weight_decay`; parameters of frozen
    groups stop needing a gradient and are left out. Raises ValueError for a pattern that fits
    no parameter that is still free, and where nothing is left to train.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    >>> [g["lr_scale"] for g in split_parameters(model, [Group("0.*", lr_scale=0.01)])]
    [1.0, 0.01]
    """
    free = {name: p for name, p in model.named_parameters() if p.requires_grad}
    names = list(free)
    chosen: list[dict[str, Any]] = []
    for i, group in enumerate(groups):
        hits = [name for name in free if fnmatchcase(name, group.pattern)]
        if not hits:
            taken = any(fnmatchcase(name, group.pattern) for name in names)
            why = " that an earlier group has not taken" if taken else ""
            raise ValueError(
                f"groups[{i}].pattern must fit a parameter of the model{why}, "
                f"got '{group.pattern}'{nearest(group.pattern, names)}; there are {_some(names)}"
            )
        parameters = [free.pop(name) for name in hits]
        if group.frozen:
            for p in parameters:
                p.requires_grad_(False)
            continue
        entry = {"params": parameters, "lr_scale": float(group.lr_scale)}
        if group.weight_decay is not None:
            entry["weight_decay"] = group.weight_decay
        chosen.append(entry)
    if free:
        chosen.insert(0, {"params": list(free.values()), "lr_scale": 1.0})
    if not chosen:
        raise ValueError("groups must leave at least one parameter to train")
    return chosen


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Raise ValueError for the field's usual arguments when out of range."""
    for name in ("weight_decay", "eps"):
        value = arguments.get(name)
        if isinstance(value, int | float) and value < 0:
            raise ValueError(f"{name} must be at least 0, got {value}")
    for name in ("momentum", "alpha"):
        value = arguments.get(name)
        if isinstance(value, int | float) and not 0 <= value < 1:
            raise ValueError(f"{name} must lie in [0, 1), got {value}")
    if "lr" in arguments:
        raise ValueError("lr must be left out: the schedule sets the rate, lr= its peak")
    betas = arguments.get("betas")
    if betas is not None and not all(0 <= b < 1 for b in betas):
        raise ValueError(f"betas must each lie in [0, 1), got {list(betas)}")
    if arguments.get("nesterov") and not arguments.get("momentum"):
        raise ValueError("nesterov needs momentum greater than 0, got 0")


def build(factory: Callable[..., Optimizer], groups: list[dict[str, Any]]) -> Optimizer:
    """Return the optimizer of some parameter groups, in its fused form where there is one.

    factory: called with the groups and `lr`, whose value never matters: the loop sets it. It may
    be a partial that says otherwise with `fused`, `foreach` or `differentiable`.
    """
    device = groups[0]["params"][0].device.type
    inner = getattr(factory, "bound", factory)
    given = getattr(inner, "keywords", {})
    function = getattr(inner, "func", inner)
    chosen = {"fused", "foreach", "differentiable"} & set(given)
    if function in FUSED and device in FUSED_DEVICES and not chosen:
        return factory(groups, lr=0.0, fused=True)
    return factory(groups, lr=0.0)


class Guard:
    """Steps an optimizer, or leaves everything as it was when `bad` is 1, without a
    synchronisation.

    Fused optimizers skip by themselves (`found_inf`); for others and for the model's buffers
    the old values are put back with `torch.where`.
    """

    def __init__(self, model: nn.Module, optimizer: Optimizer) -> None:
        self._optimizer = optimizer
        self._buffers = [b for b in model.buffers() if b.numel()]
        self._saved: list[Tensor] = []
        self._fused = bool(optimizer.defaults.get("fused"))

    def before_forward(self) -> None:
        """Remember the buffers, which a forward pass may change (batch normalisation)."""
        self._saved = [b.clone() for b in self._buffers]

    def step(self, bad: Tensor) -> None:
        """Update the parameters unless `bad`, a scalar of 0 or 1, is 1."""
        if self._fused:
            self._optimizer.found_inf = bad  # type: ignore[attr-defined]
            self._optimizer.step()
        else:
            kept = self._tensors()
            before = {key: tensor.clone() for key, tensor in kept.items()}
            self._optimizer.step()
            with torch.no_grad():
                for key, tensor in self._tensors().items():
                    old = before.get(key, torch.zeros_like(tensor))
                    tensor.copy_(torch.where(bad > 0, old, tensor))
        for buffer, old in zip(self._buffers, self._saved, strict=True):
            buffer.copy_(torch.where(bad > 0, old, buffer))

    def _tensors(self) -> dict[tuple[int, str], Tensor]:
        found: dict[tuple[int, str], Tensor] = {}
        for group in self._optimizer.param_groups:
            for p in group["params"]:
                found[id(p), ""] = p.detach()
                for name, value in self._optimizer.state.get(p, {}).items():
                    if isinstance(value, Tensor) and value.device == p.device:  # no CPU counters
                        found[id(p), name] = value
        return found
