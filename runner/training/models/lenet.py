"""LeNet-5, the first convolutional network that read digits."""

from collections import OrderedDict

from torch import nn

from runner.training.models.shapes import image_shape


class LeNet(nn.Sequential):
    """LeNet-5 with max pooling and ReLU, in this order, which is faster and the same. Source:
    LeCun et al. 1998.

    >>> import torch
    >>> LeNet((1, 28, 28), 10)(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """

    def __init__(self, input_shape: tuple[int, ...], classes: int) -> None:
        channels, height, width = image_shape(input_shape, 12)
        flat = 16 * ((height // 2 - 4) // 2) * ((width // 2 - 4) // 2)
        layers: list[tuple[str, nn.Module]] = [
            ("conv1", nn.Conv2d(channels, 6, 5, padding=2)),
            ("pool1", nn.MaxPool2d(2)),
            ("relu1", nn.ReLU()),
            ("conv2", nn.Conv2d(6, 16, 5)),
            ("pool2", nn.MaxPool2d(2)),
            ("relu2", nn.ReLU()),
            ("flatten", nn.Flatten()),
            ("dense1", nn.Linear(flat, 120)),
            ("relu3", nn.ReLU()),
            ("dense2", nn.Linear(120, 84)),
            ("relu4", nn.ReLU()),
            ("dense3", nn.Linear(84, classes)),
        ]
        super().__init__(OrderedDict(layers))
