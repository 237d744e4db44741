"""A numpy array or number as its bytes and what must be noted of it."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

_NUMERIC = re.compile(r"[<>|][biufc][0-9]{1,2}")


def storable(value: Any) -> bool:
    """Return whether a value is an array or a number of numpy's that a file can hold.

    >>> storable(np.ones(3)), storable(np.float32(1)), storable(np.array(["a"]))
    (True, True, False)
    """
    known = type(value) is np.ndarray or isinstance(value, np.generic)
    return known and _NUMERIC.fullmatch(value.dtype.str) is not None


def to_stored(array: np.ndarray[Any, Any]) -> tuple[Tensor, dict[str, Any]]:
    """Return an array's bytes, and its `dtype` and `shape`."""
    data = torch.from_numpy(array.flatten().view(np.uint8))
    return data, {"dtype": array.dtype.str, "shape": list(array.shape)}


def from_stored(stored: Tensor, notes: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """Return a copy of an array that was stored.

    Raises ValueError or another error for notes that cannot be.
    """
    array = stored.numpy().view(_dtype(notes["dtype"]))
    return array.reshape(notes["shape"]).copy()


def number_text(number: np.generic) -> list[str]:
    """Return a number's type and its bytes.

    >>> number_text(np.float32(1)), number_of(number_text(np.float32(1)))
    (['<f4', '0000803f'], np.float32(1.0))
    """
    return [number.dtype.str, number.tobytes().hex()]


def number_of(text: list[str]) -> np.generic:
    """Return the number of a type and its bytes."""
    dtype, data = text
    number: np.generic
    (number,) = np.frombuffer(bytes.fromhex(data), _dtype(dtype))
    return number


def _dtype(text: str) -> np.dtype[Any]:
    if not _NUMERIC.fullmatch(text):
        raise ValueError("an array of what is no number")
    return np.dtype(text)
