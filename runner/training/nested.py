"""What a batch is made of: a tensor, or a tuple, list or dict of such."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Nested = Any  # Tensor | tuple[Nested, ...] | list[Nested] | dict[str, Nested]


def mapped(function: Callable[[Any], Any], value: Nested) -> Nested:
    """Return the same structure with what a function makes of each tensor.

    >>> mapped(len, {"ids": "ab", "pair": ("abc", "d")})
    {'ids': 2, 'pair': (3, 1)}
    """
    if isinstance(value, Mapping):
        return {name: mapped(function, one) for name, one in value.items()}
    if isinstance(value, tuple):
        return tuple(mapped(function, one) for one in value)
    if isinstance(value, list):
        return [mapped(function, one) for one in value]
    return function(value)


def leaves(value: Nested) -> Iterator[Any]:
    """Yield the tensors of a structure, in order."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, tuple | list):
        for one in value:
            yield from leaves(one)
    else:
        yield value


def joined(parts: Sequence[Nested]) -> Nested:
    """Return the tensors of structures that are alike, one behind the other.

    >>> joined([{"a": torch.zeros(2)}, {"a": torch.ones(1)}])
    {'a': tensor([0., 0., 1.])}
    """
    one = parts[0]
    if isinstance(one, Mapping):
        return {name: joined([part[name] for part in parts]) for name in one}
    if isinstance(one, tuple | list):
        return type(one)([joined(column) for column in zip(*parts, strict=True)])
    return None if one is None else torch.cat(list(parts))


def first(value: Nested) -> Tensor:
    """Return the first tensor of a structure."""
    found: Tensor = next(leaves(value))
    return found


def scaled(inputs: Tensor) -> Tensor:
    """Return bytes as float32 in [0, 1], and any other type as it is.

    >>> scaled(torch.tensor([0, 51], dtype=torch.uint8)).tolist()
    [0.0, 0.20000000298023224]
    """
    return inputs.float().div_(255) if inputs.dtype == torch.uint8 else inputs


def described(value: Nested, *, batch: str = "") -> str:
    """Return the shapes of a structure.

    batch: what stands for the first length.

    >>> from torch import zeros
    >>> described(zeros(8, 3)), described({"ids": zeros(8)}, batch="batch")
    ('(8, 3)', '{ids: (batch,)}')
    """
    if isinstance(value, Mapping):
        inner = (f"{name}: {described(one, batch=batch)}" for name, one in value.items())
        return f"{{{', '.join(inner)}}}"
    if isinstance(value, tuple | list):
        return f"({', '.join(described(one, batch=batch) for one in value)})"
    if not isinstance(value, Tensor):
        return type(value).__name__
    if not batch or not value.ndim:
        return f"{tuple(value.shape)}"
    rest = ", ".join(map(str, value.shape[1:]))
    return f"({batch}, {rest})" if rest else f"({batch},)"


def applied(model: nn.Module, inputs: Nested) -> Any:
    """Return what a model makes of inputs: a tuple or list by position, a dict by name."""
    if isinstance(inputs, Mapping):
        return model(**inputs)
    if isinstance(inputs, tuple | list):
        return model(*inputs)
    return model(inputs)
