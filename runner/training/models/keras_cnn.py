"""The convolutional network of Keras's lessons on MNIST."""

from collections import OrderedDict
from typing import TypeVar

from torch import nn

from runner.training.models.shapes import image_shape

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


class KerasCNN(nn.Sequential):
    """A Keras CNN for MNIST, as articles teach it.

    Conv 5x5x32, pool 2, ReLU, conv 5x5x64, pool 2, ReLU, dense 1024, dense 256, dense classes;
    the two hidden dense layers have no activation. It starts as Keras starts: Glorot-uniform
    weights, zero biases. Articles have each ReLU before its pool: the same bits, outputs and
    gradients, for four times the work.

    >>> sum(p.numel() for p in KerasCNN((1, 28, 28), 10).parameters())
    3529354
    """

    def __init__(self, input_shape: tuple[int, ...], classes: int) -> None:
        channels, height, width = image_shape(input_shape, 4)
        layers: list[tuple[str, nn.Module]] = [
            ("conv1", _conv(channels, 32, 5)),
            ("pool1", nn.MaxPool2d(2)),
            ("relu1", nn.ReLU()),
            ("conv2", _conv(32, 64, 5)),
            ("pool2", nn.MaxPool2d(2)),
            ("relu2", nn.ReLU()),
            ("flatten", nn.Flatten()),
            ("dense1", _dense(64 * (height // 4) * (width // 4), 1024)),
            ("dense2", _dense(1024, 256)),
            ("dense3", _dense(256, classes)),
        ]
        super().__init__(OrderedDict(layers))
