"""Gradient clipping of stacked gradients: as `runner.training.clipping`, by each row's numbers."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from runner.training.clipping import (
    ASKED,
    HALF,
    LARGE,
    NO_FLOAT64,
    SMALL,
    Adaptive,
    Clipping,
    GlobalNorm,
    Norm,
    Unclipped,
    Value,
)

Clipped = tuple[Tensor, Tensor]  # of each row: the norm before, whether it was cut


def clip(
    clippings: Sequence[Clipping], weights: Sequence[Tensor], gradients: Sequence[Tensor]
) -> Clipped:
    """Clip gradients (rows, ...) in place, each row by its own clipping, all of one kind.

    >>> rows = [torch.tensor([[3.0, 4.0], [0.3, 0.4]])]
    >>> norm, clipped = clip([GlobalNorm(1.0), GlobalNorm(2.0)], rows, rows)
    >>> norm.tolist(), clipped.tolist()
    ([5.0, 0.5], [True, False])
    """
    norms, norm = _norms(gradients)
    return KINDS[type(clippings[0])](clippings, weights, gradients, norms, norm)


def _norms(gradients: Sequence[Tensor]) -> Clipped:
    """Return the norms of each tensor, (tensors, rows), and of all; see `clipping._norms`."""
    device = gradients[0].device.type
    if device in (*ASKED, *NO_FLOAT64):
        norms = torch.stack([_norm_of(one) for one in gradients])
        norm = torch.linalg.vector_norm(norms, dim=0)
        if device in NO_FLOAT64 or bool(((norm > SMALL) & (norm < math.inf)).all()):
            return norms, norm
    norms = torch.stack([_norm_of(one, torch.float64) for one in gradients])
    return norms, torch.linalg.vector_norm(norms, dim=0)


def _norm_of(rows: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    if dtype is None and rows.dtype in HALF:
        dtype = torch.float32
    found: Tensor = torch.linalg.vector_norm(_flat(rows), dim=1, dtype=dtype)
    return found


def _flat(rows: Tensor) -> Tensor:
    return rows.reshape(len(rows), -1)


def _column(clippings: Sequence[Any], name: str, like: Tensor) -> Tensor:
    """Return a number of each clipping, one a row."""
    given = [getattr(one, name) for one in clippings]
    return torch.tensor(given, dtype=like.dtype, device=like.device)


def _broad(column: Tensor, rows: Tensor) -> Tensor:
    """Return a number a row as it meets a tensor of rows."""
    return column.to(rows.dtype).reshape(-1, *[1] * (rows.ndim - 1))


def _unclipped(
    clippings: Sequence[Any], weights: Any, gradients: Any, norms: Any, norm: Tensor
) -> Clipped:
    return norm, torch.zeros_like(norm, dtype=torch.bool)


def _global_norm(
    clippings: Sequence[Any], weights: Any, gradients: Sequence[Tensor], norms: Any, norm: Tensor
) -> Clipped:
    limit = _column(clippings, "max_norm", norm)
    scale = limit / torch.maximum(norm, limit)
    for one in gradients:
        one.mul_(_broad(scale, one))
    return norm, norm > limit


def _norm(
    clippings: Sequence[Any], weights: Any, gradients: Sequence[Tensor], norms: Tensor, norm: Tensor
) -> Clipped:
    limit = _column(clippings, "max_norm", norm)
    for one, scale in zip(gradients, limit / torch.maximum(norms, limit), strict=True):
        one.mul_(_broad(scale, one))
    return norm, (norms > limit).any(dim=0)


def _value(
    clippings: Sequence[Any], weights: Any, gradients: Sequence[Tensor], norms: Any, norm: Tensor
) -> Clipped:
    clipped = torch.zeros_like(norm, dtype=torch.bool)
    for one in gradients:
        limit = _column(clippings, "max_value", one)
        clipped |= _flat(one).abs().amax(dim=1) > limit
        one.copy_(torch.clamp(one, -_broad(limit, one), _broad(limit, one)))
    return norm, clipped


def _adaptive(
    clippings: Sequence[Any],
    weights: Sequence[Tensor],
    gradients: Sequence[Tensor],
    norms: Any,
    norm: Tensor,
) -> Clipped:
    clipped = torch.zeros_like(norm, dtype=torch.bool)
    is_large = norm.device.type in ASKED and bool((norm > LARGE).any())
    exact = is_large or norm.device.type not in (*ASKED, *NO_FLOAT64)
    for own, one in zip(weights, gradients, strict=True):
        unit = _unit_norm(one, exact=exact)
        sizes = _unit_norm(own.detach(), exact=exact)
        factor, least = (_broad(_column(clippings, name, unit), unit) for name in ("factor", "eps"))
        limit = factor * torch.maximum(sizes, least)
        one.mul_((limit / torch.maximum(unit, limit)).to(one.dtype))
        clipped |= _flat(unit > limit).any(dim=1)
    return norm, clipped


def _unit_norm(rows: Tensor, *, exact: bool) -> Tensor:
    """Return the norm of each unit of each row, see `Adaptive`."""
    whole = rows if rows.ndim > 1 else rows[:, None]
    dims = tuple(range(2, whole.ndim)) or (1,)
    half = torch.float32 if rows.dtype in HALF else None
    dtype = torch.float64 if exact else half
    norm: Tensor = torch.linalg.vector_norm(whole, dim=dims, keepdim=True, dtype=dtype)
    return norm if rows.ndim > 1 else norm[:, 0]


KINDS: dict[type, Callable[..., Clipped]] = {
    Unclipped: _unclipped,
    GlobalNorm: _global_norm,
    Norm: _norm,
    Value: _value,
    Adaptive: _adaptive,
}
