"""Augmentation: other views of the samples that training sees."""

import torch
from torch import Tensor
from torch.nn import functional

from schedules.errors import ArgumentError

PAD = 4  # pixels
PLACES = 2 * PAD + 1  # of a crop, in each direction


def crop_flip(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Return images moved by up to 4 pixels each way, zeros coming in, half of them mirrored.

    inputs: (n, channels, height, width), on any device; they stay as they are. Each image has its
    own draw from the generator, which may be on another device.
    Raises ArgumentError for what are no images.

    >>> crop_flip(torch.ones(2, 3, 8, 8), torch.Generator().manual_seed(0)).shape
    torch.Size([2, 3, 8, 8])
    """
    if inputs.ndim != 4:
        must = "must be images (n, channels, height, width)"
        raise ArgumentError("inputs", must, f"{tuple(inputs.shape)}")
    n, _, height, width = inputs.shape
    views = 2 * PLACES * PLACES
    drawn = torch.randint(views, (n,), generator=generator, device=generator.device)
    place, mirrored = drawn.to(inputs.device) // 2, drawn.to(inputs.device) % 2 == 1
    padded = functional.pad(inputs, (PAD, PAD, PAD, PAD))
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    cropped = windows[torch.arange(n, device=inputs.device), :, place // PLACES, place % PLACES]
    return torch.where(mirrored[:, None, None, None], cropped.flip(3), cropped)


NAMED = {"crop_flip": crop_flip}
