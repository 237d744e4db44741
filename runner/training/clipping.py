"""Gradient clipping: gradients are changed in place, their norm before and whether they were cut
are returned as scalars that stay on the device."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from runner.trial.limits import positive
from schedules.errors import ArgumentError

SMALL, LARGE = 1e-15, 1e18  # of a norm, whose square is near an end of float32
ASKED = ("cpu",)  # devices that a number can be read from at once
NO_FLOAT64 = ("mps",)
HALF = (torch.float16, torch.bfloat16)
DOUBLE = (torch.float64, torch.complex128)


class Clipping(Protocol):
    """Clips the gradients of some parameters."""

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Clip in place; return the global norm before and whether it clipped (bool)."""


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
    """Return what there is to clip: the gradients that have elements, of a sparse one these."""
    gradients = [_dense(p) for p in parameters if p.grad is not None]
    gradients = [g for g in gradients if g.numel()]
    if not gradients:
        must = "must depend on the weights that are trained, but no parameter has a gradient"
        raise ArgumentError("the loss", must)
    return gradients


def _dense(parameter: Tensor) -> Tensor:
    assert parameter.grad is not None
    if not parameter.grad.is_sparse:
        return parameter.grad
    parameter.grad = parameter.grad.coalesce()
    return parameter.grad._values()


def _norms(tensors: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Return the norm of each tensor and of all.

    They are right even where float32 cannot hold the squares of finite elements, or their sum, and
    then in float64. A CPU sees whether it is so; to ask an accelerator would be to wait for it: it
    always takes float64 if it has that.
    """
    real = [torch.view_as_real(t) if t.is_complex() else t for t in tensors]
    real = [t.float() if t.dtype in HALF else t for t in real]
    device = real[0].device.type
    if device in (*ASKED, *NO_FLOAT64):
        norms = torch.stack(torch._foreach_norm(real))
        norm = torch.linalg.vector_norm(norms)
        if device in NO_FLOAT64 or SMALL < norm.item() < math.inf:
            return norms, norm
    norms = torch.stack(torch._foreach_norm(real, dtype=torch.float64))
    return norms, torch.linalg.vector_norm(norms)


def _scales(limit: float, norms: Tensor, gradients: list[Tensor]) -> Tensor:
    """Return what gradients of some norms are multiplied by; foreach kernels are for float32."""
    scales = limit / norms.clamp(min=limit)
    return scales if any(one.dtype in DOUBLE for one in gradients) else scales.float()


@dataclass(frozen=True)
class Unclipped:
    """Changes nothing; the norm is recorded all the same.

    >>> w = torch.zeros(2, requires_grad=True); w.grad = torch.tensor([3.0, 4.0])
    >>> norm, clipped = Unclipped()([w])
    >>> norm.item(), clipped.item()
    (5.0, False)
    """

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        _, norm = _norms(_gradients(parameters))
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
        _, norm = _norms(gradients)
        torch._foreach_mul_(gradients, _scales(self.max_norm, norm, gradients))
        return norm, norm > self.max_norm


@dataclass(frozen=True)
class Norm:
    """Each tensor's gradient by itself: g * max_norm / max(||g||, max_norm)."""

    max_norm: float

    def __post_init__(self) -> None:
        positive("max_norm", self.max_norm)

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        gradients = _gradients(parameters)
        norms, norm = _norms(gradients)
        torch._foreach_mul_(gradients, list(_scales(self.max_norm, norms, gradients).unbind()))
        return norm, (norms > self.max_norm).any()


@dataclass(frozen=True)
class Value:
    """Each element cut to [-max_value, max_value]."""

    max_value: float

    def __post_init__(self) -> None:
        positive("max_value", self.max_value)

    def __call__(self, parameters: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        gradients = _gradients(parameters)
        _, norm = _norms(gradients)
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
        _, norm = _norms(_gradients(parameters))
        clipped = torch.zeros_like(norm, dtype=torch.bool)
        device = norm.device.type
        exact = norm.item() > LARGE if device in ASKED else device not in NO_FLOAT64
        for p in parameters:
            if p.grad is None:
                continue
            gradient, weights = _dense(p), p.detach()
            if p.grad.is_sparse:
                weights = weights[p.grad._indices()[0]]
            limit = self.factor * _unit_norm(weights, exact).clamp(min=self.eps)
            unit = _unit_norm(gradient, exact)
            gradient.mul_(limit / torch.maximum(unit, limit))
            clipped |= (unit > limit).any()
        return norm, clipped


def _unit_norm(tensor: Tensor, exact: bool) -> Tensor:
    unit = tuple(range(1, tensor.ndim)) or None
    wide = torch.float64 if exact else torch.float32
    dtype = torch.promote_types(tensor.dtype, wide) if exact or tensor.dtype in HALF else None
    norm: Tensor = torch.linalg.vector_norm(tensor, dim=unit, keepdim=True, dtype=dtype)
    return norm
