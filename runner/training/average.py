"""The exponential moving average of a model's weights and buffers."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


class Average:
    """Follows a model: after each update its weights are decay of what they were and 1 - decay of
    the model's. Running statistics of batch normalisation are averaged the same way.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = Average(model, decay=0.75)
    >>> for weight in (4.0, 8.0):
    ...     _ = nn.init.constant_(model.weight, weight)
    ...     average.update(model, torch.zeros(()))
    >>> average.model.weight.item()  # the first update is taken as it is
    5.0
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._towards = _Towards(1 - decay)
        self._averaged = AveragedModel(model, multi_avg_fn=self._towards, use_buffers=True)

    @property
    def model(self) -> nn.Module:
        """The model with the averaged weights."""
        found: nn.Module = self._averaged.module
        return found

    def update(self, model: nn.Module, bad: Tensor) -> None:
        """Take the model's weights, unless `bad`, a scalar of 0 or 1, is 1, without waiting."""
        self._towards.bad = bad
        self._averaged.update_parameters(model)


class _Towards:
    """Moves averages a share of the way to values."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.bad: Tensor = torch.zeros(())

    @torch.no_grad()
    def __call__(self, averages: Sequence[Any], values: Sequence[Any], _: Any) -> None:
        share = self.share * (1 - self.bad)
        for average, value in zip(averages, values, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(value, share.to(average.dtype))
            else:
                average.copy_(torch.where(self.bad > 0, average, value))
