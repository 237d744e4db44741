"""Images whose channels are brought to one mean and deviation as a batch is used."""

from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor

from runner.training.data import Batch, Split


@dataclass(frozen=True)
class Normalised(Split):
    """Images of bytes, (n, channels, height, width); a batch is (images / 255 - mean) / std.

    mean, std: of each channel, (channels, 1, 1) of float32.
    """

    mean: Tensor = field(kw_only=True)
    std: Tensor = field(kw_only=True)

    def batch(self, index: Tensor | slice) -> Batch:
        """Return normalised images as float32, and targets, of an index."""
        images, targets = super().batch(index)
        return images.sub_(self.mean).div_(self.std), targets

    def to(self, device: torch.device) -> Self:
        """Return the same samples on a device."""
        moved = super().to(device)
        return replace(moved, mean=self.mean.to(device), std=self.std.to(device))


def moments(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return means and deviations of the channels of bytes scaled to [0, 1], each (channels, 1, 1).

    From counts of the 256 values, so that no image is copied as floats.

    >>> mean, std = moments(torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1))
    >>> mean.item(), std.item()
    (0.5, 0.5)
    """
    counts = torch.stack([one.flatten().bincount(minlength=256) for one in images.unbind(1)])
    shares = counts.double() / counts.sum(1, keepdim=True)
    values = torch.arange(256, dtype=torch.float64) / 255
    mean = shares @ values
    std = (shares @ values**2 - mean**2).sqrt()
    return mean.float()[:, None, None], std.float()[:, None, None]
