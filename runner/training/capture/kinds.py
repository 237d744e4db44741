"""Kinds of things: what of an object can change, and how."""

import copyreg
import random
from collections import OrderedDict, defaultdict
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from runner.training.generators import KINDS, SHARED

_ATOMS = (type(None), bool, int, float, str, bytes, torch.dtype)
_NAMED = (torch.Size, torch.device)
_OF_MODULES = frozenset(vars(nn.Module())) - {"training"}
_OF_OPTIMIZERS = {"found_inf"}  # which the loop sets before each update


class Kind(Enum):
    """How a thing changes: an owner in its attributes; an opaque one in ways that nobody sees."""

    OWNER = "object"
    LIST = "list"
    MAPPING = "dict"
    SET = "set"
    TENSOR = "tensor"
    ARRAY = "array"
    GENERATOR = "generator"
    OPAQUE = "opaque"


_BY_TYPE: dict[type, Kind] = {
    list: Kind.LIST,
    set: Kind.SET,
    **dict.fromkeys((dict, OrderedDict, defaultdict), Kind.MAPPING),
    **dict.fromkeys((type, FunctionType, BuiltinFunctionType, ModuleType), Kind.OPAQUE),
}


def is_atom(value: Any) -> bool:
    """Return whether a value is plain, and can never change.

    >>> is_atom(1.5), is_atom("a"), is_atom([]), is_atom((1, 2))
    (True, True, False, False)
    """
    return type(value) in _ATOMS or isinstance(value, np.number | np.bool_)


def is_named(value: Any) -> bool:
    """Return whether a value is a shape or a device, which its text says."""
    return type(value) in _NAMED


def kind_of(value: Any) -> Kind:
    """Return the kind of a thing.

    >>> kind_of({}), kind_of(nn.Linear(1, 1)), kind_of(print)
    (<Kind.MAPPING: 'dict'>, <Kind.OWNER: 'object'>, <Kind.OPAQUE: 'opaque'>)
    """
    if (known := _BY_TYPE.get(type(value))) is not None:
        return known
    if isinstance(value, Tensor):
        return Kind.TENSOR if _is_strided(value) else Kind.OPAQUE
    if type(value) is np.ndarray:
        return Kind.OPAQUE if value.dtype.hasobject else Kind.ARRAY
    if isinstance(value, KINDS) and not isinstance(value, random.SystemRandom):
        return Kind.OPAQUE if any(value is one for one in SHARED) else Kind.GENERATOR
    return Kind.OWNER if _is_owner(value) else Kind.OPAQUE


def attributes(owner: Any) -> dict[str, Any]:
    """Return the attributes of an owner that may be of a person's own, by name; of a module that
    gives an extra state, only those of whose kind it is known how they change."""
    if not isinstance(owner, nn.Module):
        return {name: one for name, one in vars(owner).items() if can_be_named(owner, name)}
    found = {name: one for name, one in vars(owner).items() if name not in _OF_MODULES}
    if has_extra_state(owner):
        return {name: one for name, one in found.items() if _is_plain(one)}
    return found


def can_be_named(owner: Any, name: str) -> bool:
    """Return whether an attribute may be of a person's own, and is not one of torch's.

    >>> [can_be_named(nn.Identity(), name) for name in ("calls", "training", "_parameters")]
    [True, True, False]
    """
    if isinstance(owner, nn.Module):
        return name not in _OF_MODULES
    if isinstance(owner, Optimizer):
        return name not in _OF_OPTIMIZERS and not name.startswith("_optimizer_")
    return not name.startswith("__")


def buffers(owner: Any) -> dict[str, Any]:
    """Return the buffers of an owner, persistent or not, by name."""
    return owner._buffers if isinstance(owner, nn.Module) else {}


def parts(owner: Any) -> dict[str, Any]:
    """Return the parameters and modules that an owner is built of, by name."""
    return {**owner._parameters, **owner._modules} if isinstance(owner, nn.Module) else {}


def has_extra_state(owner: Any) -> bool:
    """Return whether a module says itself what is to be stored beside its tensors, and takes it."""
    kind = type(owner)
    return isinstance(owner, nn.Module) and (
        kind.get_extra_state is not nn.Module.get_extra_state
        and kind.set_extra_state is not nn.Module.set_extra_state
    )


def is_spent(tensor: Tensor) -> bool:
    """Return whether no gradient can go through a tensor any longer, as backward has freed what it
    came from: whoever tried would fail.

    >>> w = torch.ones(2, requires_grad=True)
    >>> y = w * w
    >>> before = is_spent(y)
    >>> y.sum().backward()
    >>> before, is_spent(y)
    (False, True)
    """
    waiting, seen = [tensor.grad_fn], set[Any]()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        try:
            for name in dir(node):
                if name.startswith("_saved_") or name == "saved_tensors":
                    getattr(node, name)
        except RuntimeError:
            return True
        waiting += [inner for inner, _ in node.next_functions]
    return False


def name_of(value: Any) -> str:
    """Return the name of a value's type, as messages have it.

    >>> from collections import Counter
    >>> name_of(Counter()), name_of([])
    ('collections.Counter', 'list')
    """
    kind = type(value)
    room = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    return f"{room}{kind.__qualname__}"


def _is_plain(value: Any) -> bool:
    return is_atom(value) or is_named(value) or kind_of(value) is not Kind.OPAQUE


def _is_strided(tensor: Tensor) -> bool:
    """Return whether a tensor has memory of its own kind, to copy and to write into."""
    known = type(tensor) in (Tensor, nn.Parameter) and tensor.layout == torch.strided
    if not known or tensor.is_meta or tensor.is_quantized or tensor.is_inference():
        return False
    sizes = zip(tensor.shape, tensor.stride(), strict=True)
    return not any(size > 1 and not stride for size, stride in sizes)


def _is_owner(value: Any) -> bool:
    """Return whether all that an object is lies in its attributes, as of a class in Python that
    says nothing else."""
    kind = type(value)
    if isinstance(value, nn.Module | Optimizer):
        return not kind.__module__.startswith("torch._")
    usual = all(
        getattr(kind, name) is getattr(object, name)
        for name in ("__reduce_ex__", "__reduce__", "__getstate__")
    )
    if not usual or not hasattr(value, "__dict__") or isinstance(value, type):
        return False
    if kind.__module__.startswith("torch._"):
        return False
    try:
        make, arguments, state, *items = value.__reduce_ex__(2)
    except TypeError:
        return False
    is_new = make is copyreg.__newobj__ and len(arguments) == 1  # type: ignore[attr-defined]
    return is_new and not isinstance(state, tuple) and not any(one is not None for one in items)
