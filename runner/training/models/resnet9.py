"""A residual network of nine layers, which learns CIFAR in minutes."""

from collections import OrderedDict

from torch import Tensor, nn

from runner.training.models.shapes import image_shape
from schedules.errors import ArgumentError


class ResNet9(nn.Sequential):
    """Eight 3x3 convolutions, each with batch normalisation and ReLU, and a linear layer.

    A convolution to `width` channels; three more that double them, each followed by a 2x2 pool;
    behind the first and the last of these a residual block of two convolutions. Then the largest
    value of each channel, and its scores times `scale`. Only batch normalisation has biases.
    width: channels of the first layer, >= 1. scale: > 0. Source: Page 2018, the fastest entry of
    DAWNBench on CIFAR-10.

    >>> sum(p.numel() for p in ResNet9((3, 32, 32), 10).parameters())
    6573120
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        classes: int,
        width: int = 64,
        scale: float = 0.125,
    ) -> None:
        channels, _, _ = image_shape(input_shape, 8)
        if width < 1:
            raise ArgumentError("width", "must be at least 1 channel", f"{width}")
        if not scale > 0:
            raise ArgumentError("scale", "must be > 0", f"{scale}")
        layers: list[tuple[str, nn.Module]] = [
            ("prepare", _conv(channels, width)),
            ("conv1", _conv(width, 2 * width, pool=True)),
            ("residual1", _Residual(2 * width)),
            ("conv2", _conv(2 * width, 4 * width, pool=True)),
            ("conv3", _conv(4 * width, 8 * width, pool=True)),
            ("residual3", _Residual(8 * width)),
            ("largest", nn.AdaptiveMaxPool2d(1)),
            ("flatten", nn.Flatten()),
            ("dense", nn.Linear(8 * width, classes, bias=False)),
        ]
        super().__init__(OrderedDict(layers))
        self.scale = scale

    def forward(self, images: Tensor) -> Tensor:
        """Return scores (n, classes) of images (n, channels, height, width)."""
        x = images
        for layer in self:
            x = layer(x)
        return x * self.scale


class _Residual(nn.Module):
    """What comes in, and what two convolutions make of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = _conv(channels, channels)
        self.conv2 = _conv(channels, channels)

    def forward(self, inputs: Tensor) -> Tensor:
        added: Tensor = inputs + self.conv2(self.conv1(inputs))
        return added


def _conv(inputs: int, outputs: int, *, pool: bool = False) -> nn.Sequential:
    layers: list[tuple[str, nn.Module]] = [
        ("conv", nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)),
        ("norm", nn.BatchNorm2d(outputs)),
    ]
    if pool:  # before the ReLU, which is the same and takes a quarter of it
        layers.append(("pool", nn.MaxPool2d(2)))
    return nn.Sequential(OrderedDict([*layers, ("relu", nn.ReLU())]))
