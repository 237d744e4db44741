"""The models that come by name. A model gets `input_shape` and `classes` if it asks for them."""

from runner.training.models.keras_cnn import KerasCNN
from runner.training.models.lenet import LeNet
from runner.training.models.mlp import MLP, Linear
from runner.training.models.quadratic import Quadratic

__all__ = ["MLP", "KerasCNN", "LeNet", "Linear", "Quadratic"]
