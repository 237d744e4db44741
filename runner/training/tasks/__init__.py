"""What training is for: a loss and metrics, and what outputs and targets they take."""

from runner.training.tasks.classification import Classification
from runner.training.tasks.language import Language
from runner.training.tasks.own import Own, own_loss
from runner.training.tasks.regression import Regression
from runner.training.tasks.task import Loss, Task

KINDS: dict[str, type[Task]] = {
    kind.name: kind for kind in (Classification, Regression, Language, Own)
}

__all__ = [
    "KINDS",
    "Classification",
    "Language",
    "Loss",
    "Own",
    "Regression",
    "Task",
    "own_loss",
]
