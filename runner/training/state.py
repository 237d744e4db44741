"""What training changes, and the best of it so far."""

import copy
from dataclasses import dataclass, field
from typing import Any

from torch import nn
from torch.nn import functional
from torch.optim import Optimizer

from runner.results.events import Evaluation, Event
from runner.results.metrics import merit
from runner.training.clipping import Clipping, Unclipped
from runner.training.losses import Loss
from schedules import Memory


@dataclass(frozen=True)
class Best:
    """The best evaluation of the validation data so far, and the model's state dict then."""

    step: int
    metrics: dict[str, float]
    weights: dict[str, Any]


@dataclass
class State:
    """What training changes. At each event of the loop it is whole: a copy can be continued.

    step: updates made. evaluated: step of the last evaluation. memory: what the schedule knows of
    the evaluations. best: kept where somebody keeps it.
    """

    model: nn.Module
    optimizer: Optimizer
    clipping: Clipping = field(default_factory=Unclipped)
    loss: Loss = functional.cross_entropy
    step: int = 0
    evaluated: int = 0
    memory: Memory = field(default_factory=Memory)
    best: Best | None = None


class BestKeeper:
    """A listener that keeps the best weights in a state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def hear(self, event: Event) -> None:
        """Keep the weights of an evaluation that is better than those before it."""
        if not isinstance(event, Evaluation):
            return
        best = self._state.best
        if best is None or merit(event.metrics) < merit(best.metrics):
            weights = copy.deepcopy(self._state.model.state_dict())
            self._state.best = Best(event.step, dict(event.metrics), weights)
