"""A tensor as safetensors stores it, contiguous and of a plain type, and what must be noted of it.

Kernels differ by memory format, so that a tensor comes back with the strides that it had.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

DTYPES = {str(d).removeprefix("torch."): d for d in vars(torch).values() if type(d) is torch.dtype}
NAMES = {dtype: name for name, dtype in DTYPES.items()}
_PLAIN = {
    *(torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64),
    *(torch.uint16, torch.uint32, torch.uint64),
    *(torch.float16, torch.bfloat16, torch.float32, torch.float64),
}
_VIEWED = {  # what not every safetensors can load, as what has the same bits
    **{dtype: torch.uint8 for name, dtype in DTYPES.items() if name.startswith("float8_")},
    torch.float4_e2m1fn_x2: torch.uint8,
    torch.complex64: torch.float32,
    torch.complex128: torch.float64,
}


def storable(tensor: Tensor) -> bool:
    """Return whether a file can hold a tensor: a strided one with data of a common type."""
    if type(tensor) not in (Tensor, torch.nn.Parameter) or tensor.layout != torch.strided:
        return False
    return not tensor.is_meta and tensor.dtype in _PLAIN | _VIEWED.keys()


def to_stored(tensor: Tensor) -> tuple[Tensor, dict[str, Any]]:
    """Return a tensor's numbers as a contiguous tensor on the CPU, and its `dtype` and `strides`
    where these differ from that one's. A tensor with overlaps or gaps becomes contiguous.

    >>> to_stored(torch.zeros(2, 3).t())[1]
    {'strides': [1, 3]}
    """
    given = tensor.detach().cpu().resolve_conj().resolve_neg()
    notes: dict[str, Any] = {}
    if _dense(given.shape, given.stride()) and given.stride() != _contiguous(given.shape):
        notes["strides"] = list(given.stride())
    if given.dtype not in _VIEWED:
        return given.contiguous(), notes
    notes["dtype"] = NAMES[given.dtype]
    if given.is_complex():
        return torch.view_as_real(given).contiguous(), notes
    return given.view(_VIEWED[given.dtype]).contiguous(), notes


def from_stored(stored: Tensor, notes: Mapping[str, Any]) -> Tensor:
    """Return a copy of a tensor that was stored; a copy since torch's own memory is aligned, on
    which bits may depend.

    Raises ValueError or another error for notes that cannot be.
    """
    dtype = DTYPES[notes["dtype"]] if "dtype" in notes else stored.dtype
    if "dtype" in notes and stored.dtype != _VIEWED[dtype]:
        raise ValueError(f"{dtype} as {stored.dtype}")
    if dtype.is_complex:
        stored = torch.view_as_complex(stored)
    strides = notes.get("strides", _contiguous(stored.shape))
    if len(strides) != stored.ndim or not _dense(stored.shape, strides):
        raise ValueError("strides that do not fit a tensor")
    copy = torch.empty_strided(stored.shape, strides, dtype=stored.dtype).copy_(stored)
    return copy if dtype.is_complex else copy.view(dtype)


def _contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    return tuple(math.prod(max(size, 1) for size in shape[at + 1 :]) for at in range(len(shape)))


def _dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Return whether strides visit as many places as there are elements, each once."""
    places = 1
    for stride, size in sorted(zip(strides, shape, strict=True)):
        if stride < 0 or (size > 1 and 0 not in shape and stride != places):
            return False
        places *= size
    return True
