"""Copies of tensors and arrays, bit for bit and stride for stride."""

from typing import Any

import numpy as np
import torch
from torch import Tensor


def copied(value: Any) -> Any:
    """Return a tensor or an array again, with memory of its own and the same strides; anything
    else as it is.

    >>> copied(torch.zeros(4, 3)[:, ::2]).stride()
    (3, 2)
    """
    if isinstance(value, np.ndarray):
        return value.copy(order="K")
    if not isinstance(value, Tensor):
        return value
    value = value.detach().resolve_conj().resolve_neg()
    found = value.clone()
    if found.stride() == value.stride() or not value.numel():
        return found
    sizes = zip(value.shape, value.stride(), strict=True)
    span = 1 + sum((size - 1) * stride for size, stride in sizes)
    memory = value.as_strided((span,), (1,)).clone()
    return memory.as_strided(value.shape, value.stride(), 0)


def like(value: Any) -> tuple[Any, ...]:
    """Return what a tensor or an array keeps while its numbers change.

    >>> like(torch.zeros(2, 3))
    ((2, 3), torch.float32, (3, 1))
    """
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype, value.stride()
    return value.shape, value.dtype, value.strides


def memory(value: Any) -> int:
    """Return where the memory of a tensor or an array begins, 0 of an empty one. Those that are
    views of one begin at the same place.

    >>> whole = torch.zeros(4)
    >>> memory(whole[2:]) == memory(whole) == memory(whole.numpy()[1:])
    True
    """
    if isinstance(value, Tensor):
        return value.untyped_storage().data_ptr()
    while isinstance(value.base, np.ndarray):
        value = value.base
    return int(value.__array_interface__["data"][0]) if value.size else 0


def described(value: Any) -> str:
    """Return shape and type of a tensor or an array.

    >>> described(torch.zeros(2, 3))
    '(2, 3) of float32'
    """
    return f"{tuple(value.shape)} of {str(value.dtype).removeprefix('torch.')}"


def same(one: Any, other: Any) -> bool:
    """Return whether two plain values are alike to the last bit.

    >>> same([1, 0.0], [1, 0.0]), same(1, True), same(0.0, -0.0), same({}, [])
    (True, False, False, False)
    """
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float):
        return bool(one.hex() == other.hex())
    if isinstance(one, Tensor | np.ndarray):
        return like(one) == like(other) and bits(one) == bits(other)
    return bool(one == other)


def bits(value: Any) -> bytes:
    """Return the bytes of a tensor's or an array's numbers."""
    if isinstance(value, np.ndarray):
        return value.tobytes()
    flat = value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
    found: bytes = flat.view(torch.uint8).cpu().numpy().tobytes()
    return found
