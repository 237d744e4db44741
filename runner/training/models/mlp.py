"""Fully connected layers, several or one."""

import itertools
import math
from collections import OrderedDict

from torch import nn

from schedules.errors import ArgumentError


class MLP(nn.Sequential):
    """Fully connected layers with ReLU between them, and dropout behind each.

    hidden: units of each hidden layer, >= 1. dropout: share dropped in training, in [0, 1).

    >>> import torch
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
