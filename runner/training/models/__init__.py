"""The models that come by name. A model gets `input_shape` and `classes` if it asks for them."""

from runner.training.models.gpt import GPT
from runner.training.models.keras_cnn import KerasCNN
from runner.training.models.lenet import LeNet
from runner.training.models.mlp import MLP, Linear
from runner.training.models.quadratic import Quadratic
from runner.training.models.resnet9 import ResNet9

__all__ = ["GPT", "MLP", "KerasCNN", "LeNet", "Linear", "Quadratic", "ResNet9"]
