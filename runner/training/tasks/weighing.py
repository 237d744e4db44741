"""What torch's own losses of classes are a mean over: all that is not ignored, by its weight."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from runner.training.tasks.task import Loss

_FUNCTIONS = (functional.cross_entropy, functional.nll_loss)
_METHODS = (nn.CrossEntropyLoss.forward, nn.NLLLoss.forward)
IGNORED = -100  # PyTorch's own ignore_index


def given(loss: Loss) -> Mapping[str, Any]:
    """Return the arguments that a function was given beforehand, or a module's attributes."""
    if isinstance(loss, nn.Module):
        return {**vars(loss), **loss._buffers}
    return loss.keywords if isinstance(loss, partial) else {}


def of_classes(loss: Loss) -> bool:
    """Return whether a loss is torch's cross-entropy or likelihood, as a function or module.

    >>> of_classes(nn.CrossEntropyLoss()), of_classes(nn.MSELoss())
    (True, False)
    """
    if isinstance(loss, nn.Module):
        return type(loss).forward in _METHODS
    return (loss.func if isinstance(loss, partial) else loss) in _FUNCTIONS


def class_weights(loss: Loss) -> Tensor | None:
    """Return the weights of the classes, over whose sum torch's losses are a mean; what somebody's
    own loss calls its weight may be anything.

    >>> class_weights(nn.CrossEntropyLoss()) is None
    True
    """
    found = given(loss).get("weight") if of_classes(loss) else None
    return found.detach() if isinstance(found, Tensor) else None


def ignored(loss: Loss) -> int:
    """Return the target that a loss ignores: its `ignore_index`, or PyTorch's.

    >>> ignored(nn.CrossEntropyLoss(ignore_index=7)), ignored(nn.MSELoss())
    (7, -100)
    """
    found = given(loss).get("ignore_index", IGNORED)
    return found if type(found) is int else IGNORED


def counted(loss: Loss, targets: Tensor) -> Tensor:
    """Return how many targets a loss does not ignore, or the sum of their classes' weights.

    >>> import torch
    >>> counted(functional.cross_entropy, torch.tensor([0, -100, 1])).item()
    2
    """
    kept = targets != ignored(loss)
    weights = class_weights(loss)
    if weights is None:
        return kept.sum()
    return (weights[targets.masked_fill(~kept, 0)] * kept).sum()
