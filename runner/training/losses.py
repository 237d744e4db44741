"""Losses: what training makes small."""

import inspect
from collections.abc import Callable
from functools import lru_cache

from torch import Tensor, nn

Loss = Callable[..., Tensor]  # outputs, targets -> the mean over the samples, a scalar


def batch_loss(model: nn.Module, loss: Loss, batch: tuple[Tensor, Tensor] | None) -> Tensor:
    """Return the mean loss of a batch, or the model's own loss where there is none."""
    if batch is None:
        own: Tensor = model()
        return own.float()
    inputs, targets = batch
    return loss(model(inputs).float(), targets)


def total_loss(loss: Loss, outputs: Tensor, targets: Tensor) -> Tensor:
    """Return the sum of the samples' losses.

    >>> import torch
    >>> total_loss(nn.functional.mse_loss, torch.zeros(3), torch.ones(3)).item()
    3.0
    """
    if _reduces(loss):
        return loss(outputs, targets, reduction="sum")
    return loss(outputs, targets) * len(targets)


@lru_cache(maxsize=8)
def _reduces(loss: Loss) -> bool:
    """Return whether a loss has torch's argument `reduction`."""
    return "reduction" in inspect.signature(loss).parameters
