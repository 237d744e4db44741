"""Optimizers, their numbers, and the guard that freezes a model that diverged."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from runner.training.light import LIGHT
from schedules.errors import ArgumentError

FUSED = (Adam, AdamW, SGD, LIGHT[Adam], LIGHT[AdamW], LIGHT[SGD])
FUSED_DEVICES = ("cpu", "cuda")
USUAL_RATE = 1.0  # some refuse 0


def check_scheduled(optimizer: Optimizer, name: str, value: float) -> None:
    """Raise ValueError for a number that the optimizer does not have, or one out of its range."""
    if type(optimizer.defaults.get(name)) not in (int, float) and not _is_beta(optimizer, name):
        known = [k for k, v in optimizer.defaults.items() if type(v) in (int, float) and k != "lr"]
        if _is_beta(optimizer, "momentum"):
            known.insert(0, "momentum")
        raise ArgumentError(
            f"{name}_schedule",
            f"needs an optimizer with {name}",
            advice=f"{type(optimizer).__name__} has {', '.join(known)}",
        )
    if name == "momentum" and value == 0 and isinstance(optimizer, RMSprop):
        # PyTorch makes its buffer at the first update, and only if there is a momentum then.
        raise ArgumentError("momentum_schedule", "must stay above 0 with RMSprop", "0")


def set_number(optimizer: Optimizer, name: str, value: float) -> None:
    """Set a number of every parameter group: its share of a learning rate, and any other but for a
    weight decay that the group has of its own. Adam's momentum is the first of its betas.

    >>> adam = Adam([torch.zeros(1, requires_grad=True)])
    >>> set_number(adam, "momentum", 0.85)
    >>> adam.param_groups[0]["betas"]
    (0.85, 0.999)
    """
    for group in optimizer.param_groups:
        if name == "lr":
            group["lr"] = rate_of(group, value)
        elif name == "momentum" and "momentum" not in group:
            group["betas"] = (value, *group["betas"][1:])
        elif name != "weight_decay" or not group.get("own_weight_decay"):
            group[name] = value


def rate_of(group: Mapping[str, Any], value: float) -> float:
    """Return a parameter group's share of a learning rate. On CUDA it is rounded to float32, which
    is how kernels read a rate that lies on the device, see `graph`.

    >>> rate_of({"params": [torch.zeros(1)], "lr_scale": 0.5}, 0.3)
    0.15
    """
    rate: float = group.get("lr_scale", 1.0) * value
    return float(np.float32(rate)) if group["params"][0].device.type == "cuda" else rate


def set_mode(optimizer: Optimizer, mode: str) -> None:
    """Let an optimizer know whether its weights are trained or evaluated, "train" or "eval", where
    these differ, as in schedule-free ones."""
    switch = getattr(optimizer, mode, None)
    if callable(switch):
        switch()


def has_modes(optimizer: Optimizer) -> bool:
    """Return whether the weights that an optimizer trains are not those to evaluate."""
    return callable(getattr(optimizer, "eval", None))


def _is_beta(optimizer: Optimizer, name: str) -> bool:
    return name == "momentum" and "betas" in optimizer.defaults


def build(
    factory: Callable[..., Optimizer], groups: list[dict[str, Any]], *, sparse: bool = False
) -> Optimizer:
    """Return the optimizer of some parameter groups, in its fused form where there is one.

    factory: called with the groups and `lr`, whose value never matters: the loop sets it. It may
    be a partial that says otherwise with `fused`, `foreach` or `differentiable`. sparse: whether
    gradients are, which no fused form takes, nor complex weights.
    """
    device = groups[0]["params"][0].device.type
    inner = getattr(factory, "bound", factory)
    given = getattr(inner, "keywords", {})
    function = getattr(inner, "func", inner)
    chosen = {"fused", "foreach", "differentiable"} & set(given)
    real = all(p.is_floating_point() for group in groups for p in group["params"])
    fused = function in FUSED and device in FUSED_DEVICES and real and not (chosen or sparse)
    return factory(groups, lr=USUAL_RATE, **({"fused": True} if fused else {}))


def has_sparse(model: nn.Module) -> bool:
    """Return whether a model has an embedding whose gradient is sparse.

    >>> has_sparse(nn.Embedding(3, 2, sparse=True)), has_sparse(nn.Embedding(3, 2))
    (True, False)
    """
    return any(getattr(module, "sparse", False) is True for module in model.modules())


class Guard:
    """Steps an optimizer, or leaves everything as it was when `bad` is 1, without a
    synchronisation.

    Fused optimizers skip by themselves (`found_inf`); for others and for the model's buffers
    the old values are put back with `torch.where`, which sparse ones lack: these wait for `bad`.
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
                    if not tensor.is_sparse:
                        tensor.copy_(torch.where(bad > 0, old, tensor))
                    elif bad > 0:
                        tensor.copy_(old)
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
