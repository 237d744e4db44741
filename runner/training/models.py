"""The models that come by name. A model gets `input_shape` and `classes` if it asks for them."""

import itertools
import math
from collections import OrderedDict
from typing import TypeVar

import torch
from torch import Tensor, nn

from schedules.errors import ArgumentError

_Layer = TypeVar("_Layer", nn.Linear, nn.Conv2d)


def _glorot(layer: _Layer) -> _Layer:
    """Start a layer as Keras does: Glorot-uniform weights, zero biases."""
    nn.init.xavier_uniform_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def _dense(inputs: int, outputs: int) -> nn.Linear:
    return _glorot(nn.Linear(inputs, outputs))


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    return _glorot(nn.Conv2d(inputs, outputs, kernel, padding="same"))


def _image(input_shape: tuple[int, ...], least: int) -> tuple[int, int, int]:
    if len(input_shape) != 3 or min(input_shape[1:]) < least:
        raise ArgumentError(
            "input_shape",
            f"must be (channels, height, width) of at least {least} x {least} pixels",
            f"{tuple(input_shape)}",
        )
    channels, height, width = input_shape
    return channels, height, width


class KerasCNN(nn.Sequential):
    """A Keras CNN for MNIST, as articles teach it.

    Conv 5x5x32, ReLU, pool 2, conv 5x5x64, ReLU, pool 2, dense 1024, dense 256, dense classes;
    the two hidden dense layers have no activation. It starts as Keras starts: Glorot-uniform
    weights, zero biases.

    >>> sum(p.numel() for p in KerasCNN((1, 28, 28), 10).parameters())
    3529354
    """

    def __init__(self, input_shape: tuple[int, ...], classes: int) -> None:
        channels, height, width = _image(input_shape, 4)
        layers: list[tuple[str, nn.Module]] = [
            ("conv1", _conv(channels, 32, 5)),
            ("relu1", nn.ReLU()),
            ("pool1", nn.MaxPool2d(2)),
            ("conv2", _conv(32, 64, 5)),
            ("relu2", nn.ReLU()),
            ("pool2", nn.MaxPool2d(2)),
            ("flatten", nn.Flatten()),
            ("dense1", _dense(64 * (height // 4) * (width // 4), 1024)),
            ("dense2", _dense(1024, 256)),
            ("dense3", _dense(256, classes)),
        ]
        super().__init__(OrderedDict(layers))


class LeNet(nn.Sequential):
    """LeNet-5 with ReLU and max pooling. Source: LeCun et al. 1998.

    >>> LeNet((1, 28, 28), 10)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, input_shape: tuple[int, ...], classes: int) -> None:
        channels, height, width = _image(input_shape, 12)
        flat = 16 * ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2)
        layers: list[tuple[str, nn.Module]] = [
            ("conv1", nn.Conv2d(channels, 6, 5, padding=2)),
            ("relu1", nn.ReLU()),
            ("pool1", nn.MaxPool2d(2)),
            ("conv2", nn.Conv2d(6, 16, 5)),
            ("relu2", nn.ReLU()),
            ("pool2", nn.MaxPool2d(2)),
            ("flatten", nn.Flatten()),
            ("dense1", nn.Linear(flat, 120)),
            ("relu3", nn.ReLU()),
            ("dense2", nn.Linear(120, 84)),
            ("relu4", nn.ReLU()),
            ("dense3", nn.Linear(84, classes)),
        ]
        super().__init__(OrderedDict(layers))


class MLP(nn.Sequential):
    """Fully connected layers with ReLU between them, and dropout behind each.

    hidden: units of each hidden layer, >= 1. dropout: share dropped in training, in [0, 1).

    >>> MLP((1, 28, 28), 10, hidden=[64])(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(
        self,
        input_shape: tuple[int, ...],
        classes: int,
        hidden: tuple[int, ...] | list[int] = (128,),
        dropout: float = 0.0,
    ) -> None:
        if not all(isinstance(units, int) and units >= 1 for units in hidden):
            raise ArgumentError("hidden", "must hold whole numbers >= 1", f"{list(hidden)}")
        if not 0 <= dropout < 1:
            raise ArgumentError("dropout", "must lie in [0, 1)", f"{dropout}")
        widths = [math.prod(input_shape), *hidden]
        layers: list[tuple[str, nn.Module]] = [("flatten", nn.Flatten())]
        for i, (inputs, outputs) in enumerate(itertools.pairwise(widths), start=1):
            layers += [(f"dense{i}", nn.Linear(inputs, outputs)), (f"relu{i}", nn.ReLU())]
            if dropout:
                layers.append((f"dropout{i}", nn.Dropout(dropout)))
        layers.append((f"dense{len(widths)}", nn.Linear(widths[-1], classes)))
        super().__init__(OrderedDict(layers))


class Linear(nn.Sequential):
    """Softmax regression: one dense layer.

    >>> Linear((1, 28, 28), 10).dense1.weight.shape
    torch.Size([10, 784])
    """

    def __init__(self, input_shape: tuple[int, ...], classes: int) -> None:
        dense = nn.Linear(math.prod(input_shape), classes)
        super().__init__(OrderedDict(flatten=nn.Flatten(), dense1=dense))


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
