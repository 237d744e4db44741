"""Gradient clipping: gradients are changed in place, their norm before and whether they were cut
are returned as scalars that stay on the device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from runner.trial.limits import positive
from schedules.errors import ArgumentError


class Clipping(Protocol):
    """Clips the gradients of some parameters."""

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Clip in place; return the global norm before (float32) and whether it clipped (bool)."""


def numbers_of(clipping: Clipping) -> list[str]:
    """Return the numbers that a clipping has, such as its threshold.

    >>> numbers_of(Adaptive())
    ['factor', 'eps']
    """
    return [f.name for f in fields(clipping)] if is_dataclass(clipping) else []


def with_numbers(clipping: Clipping, numbers: Mapping[str, float]) -> Clipping:
    """Return the same clipping with other numbers, such as a threshold that follows a schedule.

    Raises ValueError for a number that it does not have, or one out of its range.

    >>> with_numbers(GlobalNorm(max_norm=1.0), {"max_norm": 0.5})
    GlobalNorm(max_norm=0.5)
    """
    known = numbers_of(clipping)
    for name in numbers:
        if name not in known:
            raise ArgumentError(
                f"{name}_schedule",
                f"needs a clipping with {name}",
                advice=f"{type(clipping).__name__} has {', '.join(known) or 'no numbers'}",
            )
    return cast(Clipping, replace(cast(Any, clipping), **numbers))


def check_free(clipping: Clipping, name: str) -> None:
    """Raise ValueError where a number that the optimizer is to follow is the clipping's too."""
    if name in numbers_of(clipping):
        raise ArgumentError(
            f"{name}_schedule", f"must be of a number that {type(clipping).__name__} has not too"
        )


def _gradients(parameters: Sequence[Tensor]) -> list[Tensor]:
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        raise ValueError("no parameter has a gradient: does the loss depend on the weights?")
    return gradients


def _norms(tensors: list[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm(tensors)).float()


@dataclass(frozen=True)
class Unclipped:
    """Changes nothing; the norm is recorded all the same.

    >>> w = torch.zeros(2, requires_grad=True); w.grad = torch.tensor([3.0, 4.0])
    >>> norm, clipped = Unclipped()([w])
    >>> norm.item(), clipped.item()
    (5.0, False)
    """

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        norm = torch.linalg.vector_norm(_norms(_gradients(parameters)))
        return norm, torch.zeros_like(norm, dtype=torch.bool)


@dataclass(frozen=True)
class GlobalNorm:
    """g_i * max_norm / max(norm, max_norm), with norm = sqrt(sum_i ||g_i||^2).

    Source: Pascanu et al. 2013, arXiv:1211.5063; TensorFlow's clip_by_global_norm.

    >>> w = torch.zeros(2, requires_grad=True); w.grad = torch.tensor([3.0, 4.0])
    >>> norm, clipped = GlobalNorm(max_norm=1.0)([w])
    >>> norm.item(), clipped.item(), w.grad.tolist()
    (5.0, True, [0.6000000238418579, 0.800000011920929])
    """

    max_norm: float

    def __post_init__(self) -> None:
        positive("max_norm", self.max_norm)

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        gradients = _gradients(parameters)
        norm = torch.linalg.vector_norm(_norms(gradients))
        torch._foreach_mul_(gradients, self.max_norm / norm.clamp(min=self.max_norm))
        return norm, norm > self.max_norm


@dataclass(frozen=True)
class Norm:
    """Each tensor's gradient by itself: g * max_norm / max(||g||, max_norm)."""

    max_norm: float

    def __post_init__(self) -> None:
        positive("max_norm", self.max_norm)

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        gradients = _gradients(parameters)
        norms = _norms(gradients)
        torch._foreach_mul_(
            gradients, list((self.max_norm / norms.clamp(min=self.max_norm)).unbind())
        )
        return torch.linalg.vector_norm(norms), (norms > self.max_norm).any()


@dataclass(frozen=True)
class Value:
    """Each element cut to [-max_value, max_value]."""

    max_value: float

    def __post_init__(self) -> None:
        positive("max_value", self.max_value)

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        gradients = _gradients(parameters)
        norm = torch.linalg.vector_norm(_norms(gradients))
        largest = torch.stack(torch._foreach_norm(gradients, ord=float("inf"))).max()
        torch._foreach_clamp_max_(gradients, self.max_value)
        torch._foreach_clamp_min_(gradients, -self.max_value)
        return norm, largest > self.max_value


@dataclass(frozen=True)
class Adaptive:
    """Adaptive gradient clipping, unit by unit: g * limit / max(||g||, limit),
    with limit = factor * max(||w||, eps).

    A unit is a row of a matrix or an output channel of a convolution (all but the first
    dimension), and the whole tensor for biases and scalars.
    Source: Brock et al. 2021, arXiv:2102.06171.
    """

    factor: float = 0.01
    eps: float = 1e-3

    def __post_init__(self) -> None:
        positive("factor", self.factor)
        positive("eps", self.eps)

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        norm = torch.linalg.vector_norm(_norms(_gradients(parameters)))
        clipped = torch.zeros_like(norm, dtype=torch.bool)
        for p in parameters:
            if p.grad is None:
                continue
            limit = self.factor * _unit_norm(p.detach()).clamp(min=self.eps)
            unit = _unit_norm(p.grad)
            p.grad.mul_(limit / torch.maximum(unit, limit))
            clipped |= (unit > limit).any()
        return norm, clipped


def _unit_norm(tensor: Tensor) -> Tensor:
    unit = tuple(range(1, tensor.ndim)) or None
    norm: Tensor = torch.linalg.vector_norm(tensor, dim=unit, keepdim=True)
    return norm
