"""Nested plain values <-> a structure that JSON holds and tensors by name. Nothing is pickled.

What JSON knows stands for itself; all else is an object with one key, what it is:
`(1, tensor)` is `{"tuple": [1, {"tensor": {"name": "0"}}]}`.
"""

import base64
import json
import math
import struct
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from runner.errors import one_line, out_of_memory
from runner.states import arrays, tensors

DEPTH = 64  # containers in each other
_WRONG = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError)
_MOST_BITS = 4_000  # of an int in decimal digits, which Python limits


class Unstorable(ValueError):
    """A value that no file can hold: where it stands and what it is.

    >>> Unstorable("is a Foo, which no file can hold").under("helper").under("optimizer")
    Unstorable('optimizer.helper is a Foo, which no file can hold')
    """

    def __init__(self, what: str, where: tuple[str, ...] = ()) -> None:
        super().__init__(f"{'.'.join(where) or 'the state'} {what}")
        self.what, self.where = what, where

    def under(self, key: Any) -> Self:
        """The same as what holds the value at `key` has it."""
        return type(self)(self.what, (str(key), *self.where))


def encode(value: Any) -> tuple[Any, dict[str, Tensor]]:
    """Return a nested plain value as a structure that JSON holds and its tensors: contiguous, on
    the CPU, each with a storage of its own, which may be the value's.

    Raises Unstorable.

    >>> encode({"rates": (0.1, 0.2)})
    ({'dict': [['rates', {'tuple': [0.1, 0.2]}]]}, {})
    """
    encoder = _Encoder()
    return encoder.value(value, 0), encoder.tensors


def decode(structure: Any, stored: Mapping[str, Tensor]) -> Any:
    """Return the value of a structure and its tensors, which are copied.

    Raises ValueError for what `encode` does not make.

    >>> decode(*encode({"rates": (0.1, 0.2)}))
    {'rates': (0.1, 0.2)}
    """
    decoder = _Decoder(stored)
    try:
        value = decoder.value(structure, 0)
        if decoder.stored:
            raise ValueError("tensors that are no part of it")
    except _WRONG as error:
        if out_of_memory(error):
            raise
        raise ValueError(f"it holds what no state holds: {one_line(error)}") from error
    return value


class _Encoder:
    def __init__(self) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._storages: set[int] = set()

    def value(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind in _SCALARS:
            return _SCALARS[kind](value)
        if depth == DEPTH:
            raise Unstorable(f"lies in more than {DEPTH} containers")
        if kind is list:
            return self._items(value, depth)
        if kind in (tuple, torch.Size):
            return {"tuple" if kind is tuple else "size": self._items(value, depth)}
        if kind in (dict, OrderedDict):
            return {"dict": self._pairs(value, depth)}
        if kind in (set, frozenset):
            members = (_key(member, depth + 1) for member in value)
            return {kind.__name__: sorted(members, key=json.dumps)}
        if kind is torch.dtype:
            return {"dtype": tensors.NAMES[value]}
        if isinstance(value, Tensor) and tensors.storable(value):
            return {"tensor": self._kept(*tensors.to_stored(value))}
        if arrays.storable(value):
            if kind is np.ndarray:
                return {"array": self._kept(*arrays.to_stored(value))}
            return {"number": arrays.number_text(value)}
        raise Unstorable(f"is {_kind(value)}, which no file can hold")

    def _items(self, items: Iterable[Any], depth: int) -> list[Any]:
        found = []
        for index, item in enumerate(items):
            try:
                found.append(self.value(item, depth + 1))
            except Unstorable as error:
                raise error.under(index) from None
        return found

    def _pairs(self, items: Mapping[Any, Any], depth: int) -> list[list[Any]]:
        found = []
        for key, item in items.items():
            name = _key(key, depth + 1)
            try:
                found.append([name, self.value(item, depth + 1)])
            except Unstorable as error:
                raise error.under(key) from None
        return found

    def _kept(self, tensor: Tensor, notes: dict[str, Any]) -> dict[str, Any]:
        name, storage = str(len(self.tensors)), tensor.untyped_storage().data_ptr()
        self.tensors[name] = tensor.clone() if storage in self._storages else tensor
        self._storages.add(storage)
        return {"name": name, **notes}


class _Decoder:
    def __init__(self, stored: Mapping[str, Tensor]) -> None:
        self.stored = dict(stored)

    def value(self, node: Any, depth: int) -> Any:
        if node is None or isinstance(node, bool | int | float | str):
            return node
        if depth > DEPTH:
            raise ValueError(f"more than {DEPTH} containers in each other")
        if isinstance(node, list):
            return [self.value(item, depth + 1) for item in node]
        ((kind, body),) = node.items()
        if kind in _CONTAINERS:
            return _CONTAINERS[kind](self.value(item, depth + 1) for item in body)
        if kind == "dict":
            pairs = {self.value(key, depth + 1): self.value(v, depth + 1) for key, v in body}
            if len(pairs) != len(body):
                raise ValueError("a key twice")
            return pairs
        if kind in ("tensor", "array"):
            restored = tensors.from_stored if kind == "tensor" else arrays.from_stored
            return restored(self.stored.pop(body["name"]), body)
        return _ATOMS[kind](body)


def _key(value: Any, depth: int) -> Any:
    """Return a dict's key or a set's member."""
    if type(value) in _SCALARS:
        return _SCALARS[type(value)](value)
    if type(value) is not tuple or depth == DEPTH:
        raise Unstorable(f"holds {_kind(value)} as a key or member, which no file can hold")
    return {"tuple": [_key(item, depth + 1) for item in value]}


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        kind = "meta" if value.is_meta else str(value.layout).removeprefix("torch.")
        return f"a {kind} {type(value).__name__} of {value.dtype}"
    if isinstance(value, np.ndarray):
        return f"a numpy {type(value).__name__} of {value.dtype}"
    return f"a {type(value).__name__}"


def _itself(value: Any) -> Any:
    return value


_SCALARS: dict[type, Callable[[Any], Any]] = {
    type(None): _itself,
    bool: _itself,
    str: _itself,
    int: lambda value: value if value.bit_length() <= _MOST_BITS else {"int": hex(value)},
    float: lambda value: (
        value if math.isfinite(value) else {"float": struct.pack(">d", value).hex()}
    ),
    bytes: lambda value: {"bytes": base64.b64encode(value).decode()},
}
_ATOMS: dict[str, Callable[[Any], Any]] = {
    "int": lambda text: int(text, 16),
    "float": lambda text: struct.unpack(">d", int(text, 16).to_bytes(8))[0],
    "bytes": lambda text: base64.b64decode(text, validate=True),
    "dtype": tensors.DTYPES.__getitem__,
    "number": arrays.number_of,
}
_CONTAINERS: dict[str, Callable[[Any], Any]] = {
    "tuple": tuple,
    "size": torch.Size,
    "set": set,
    "frozenset": frozenset,
}
