"""Torch's optimizers without torch's compiler: each of their calls imports it, which takes 1.6 s,
only to say that it must not compile them."""

import functools
import inspect
from typing import Any

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

KINDS = (Adam, AdamW, SGD, RMSprop)
_SHARED = ("add_param_group", "state_dict", "load_state_dict", "zero_grad")


@functools.cache
def light(kind: type[Optimizer]) -> type[Optimizer]:
    """Return a kind of optimizer that computes as another does, bit for bit.

    >>> kind = light(Adam)
    >>> issubclass(kind, Adam), kind.__name__
    (True, 'Adam')
    """
    own: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in _SHARED}
    own["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return type(kind.__name__, (kind,), own)


LIGHT: dict[Any, type[Optimizer]] = {kind: light(kind) for kind in KINDS}
