"""A parabola, for schedules that are looked at without data."""

import torch
from torch import Tensor, nn


class Quadratic(nn.Module):
    """One weight w whose loss is (w + 1)^2: the smallest thing that can be trained.

    >>> Quadratic(w=5.0)().item()
    36.0
    """

    def __init__(self, w: float = 5.0) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(float(w)))

    def forward(self) -> Tensor:
        """Return the loss, a scalar."""
        return (self.w + 1) ** 2
