"""What a data set gives for an index, and how samples become a batch of tensors."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import default_collate

from runner.training.nested import Nested
from schedules.errors import ArgumentError

TARGETS = ("labels", "label", "targets", "target", "y")  # usual keys, the first that is there
_OTHERWISE = "or give the Dataset a collate function, which makes a batch of a list of samples"


def parted(sample: Any, target_key: str | None = None) -> tuple[Nested, Nested]:
    """Return the inputs and targets of a sample, or of a batch.

    sample: a pair of them; or a mapping with the targets under target_key, where None is the first
    of the usual keys and "" none of them (what is left is the inputs, by itself where it is one);
    or inputs alone. Raises ValueError for a tuple of another length and a key that is not there.

    >>> parted({"image": 1, "label": 2})
    (1, 2)
    >>> parted({"ids": 1, "mask": 2, "labels": 3}, target_key="")
    ({'ids': 1, 'mask': 2, 'labels': 3}, None)
    """
    if isinstance(sample, tuple | list) and len(sample) == 2:
        return sample[0], sample[1]
    if isinstance(sample, Mapping):
        usual = next((key for key in TARGETS if key in sample), None)
        key = usual if target_key is None else target_key or None
        if key is not None and key not in sample:
            raise ArgumentError("samples", f"must have '{key}'", ", ".join(map(str, sample)))
        rest = {name: value for name, value in sample.items() if name != key}
        inputs = next(iter(rest.values())) if len(rest) == 1 and target_key != "" else rest
        return inputs, None if key is None else sample[key]
    if not isinstance(sample, tuple | list):
        return sample, None
    must = "must be (inputs, targets) or a mapping"
    raise ArgumentError("samples", must, f"{len(sample)} values")


def collated(samples: Sequence[Any], indices: Sequence[int], name: str) -> Nested:
    """Return samples of one structure as tensors (n, ...): numbers in double precision become
    float32, all others keep their type.

    indices: of the samples, and name: of what they are, for errors. Raises ValueError for what is
    no number and for shapes that differ.

    >>> collated([([1, 2], 0.5), ([3, 4], 1.5)], [7, 8], "inputs")
    (tensor([[1, 2],
            [3, 4]]), tensor([0.5000, 1.5000]))
    """
    first = samples[0]
    if isinstance(first, Tensor):
        return _stacked(samples, indices, name)
    if isinstance(first, Mapping):
        for one, i in zip(samples, indices, strict=True):
            if not isinstance(one, Mapping) or one.keys() != first.keys():
                given = ", ".join(map(str, one)) if isinstance(one, Mapping) else type(one).__name__
                both = f"{given} at sample {i}, {', '.join(map(str, first))} at {indices[0]}"
                raise ArgumentError(name, "must have the same keys in each sample", both)
        return {
            key: collated([one[key] for one in samples], indices, f"{name}.{key}") for key in first
        }
    if isinstance(first, tuple | list) and not _is_number(first):
        for one, i in zip(samples, indices, strict=True):
            if not isinstance(one, tuple | list):
                raise _no_tensor(one, name, i)
            if len(one) != len(first):
                raise _differ(name, len(one), i, len(first), indices[0])
        columns = [collated(column, indices, name) for column in zip(*samples, strict=True)]
        return tuple(columns) if isinstance(first, tuple) else columns
    if all(isinstance(one, int | float) for one in samples):
        return _single(torch.tensor(samples))
    known = [_tensor(one, name, i) for one, i in zip(samples, indices, strict=True)]
    return _stacked(known, indices, name)


def _stacked(tensors: Sequence[Tensor], indices: Sequence[int], name: str) -> Tensor:
    try:
        return _single(default_collate(list(tensors)))  # in a worker, in memory that is shared
    except (RuntimeError, TypeError, AttributeError):
        known = [_tensor(one, name, i) for one, i in zip(tensors, indices, strict=True)]
        for one, i in zip(known, indices, strict=True):
            if one.shape != known[0].shape:
                shapes = tuple(one.shape), tuple(known[0].shape)
                raise _differ(name, shapes[0], i, shapes[1], indices[0]) from None
        raise


def _single(found: Tensor) -> Tensor:
    return found.float() if found.dtype == torch.float64 else found


def _is_number(value: Any) -> bool:
    """Return whether there are numbers in lists, which are one tensor."""
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, int | float | np.generic)


def _tensor(value: Any, name: str, i: int) -> Tensor:
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray | np.generic) or _is_number(value):
        return torch.as_tensor(value)
    raise _no_tensor(value, name, i)


def _no_tensor(value: Any, name: str, i: int) -> ArgumentError:
    kind = f"{type(value).__module__}.{type(value).__name__} at sample {i}"
    return ArgumentError(name, "must be tensors, arrays or numbers", kind, _OTHERWISE)


def _differ(name: str, one: object, i: int, other: object, j: int) -> ArgumentError:
    """Return what to say of shapes, or of lengths, that differ."""
    shapes = f"{one} at sample {i}, {other} at sample {j}"
    return ArgumentError(name, "must be of one shape in a batch", shapes, _OTHERWISE)
