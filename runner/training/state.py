"""What training changes, and the best of it so far."""

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Protocol

from torch import nn
from torch.optim import Optimizer

from runner.results.events import Evaluation, Event
from runner.results.metrics import OF_AVERAGE, merit
from runner.training.average import Average
from runner.training.clipping import Clipping, Unclipped
from runner.training.data import Dataset
from runner.training.optimizers import set_mode
from runner.training.tasks import Classification, Task
from schedules import Memory

NO_WEIGHTS = "the model does not give its weights and take them back"  # as a run's reason


@dataclass(frozen=True)
class Best:
    """The best evaluation of the validation data so far, and the model's state dict then."""

    step: int
    metrics: dict[str, float]
    weights: dict[str, Any]


class Weights(Protocol):
    """What has weights that can be kept, as a module has."""

    def state_dict(self) -> dict[str, Any]:
        """Return the weights."""

    def load_state_dict(self, state_dict: Mapping[str, Any], /) -> Any:
        """Put weights back."""


@dataclass(kw_only=True)
class Progress:
    """How far training is, and the best of it so far.

    step: updates made. evaluated: step of the last evaluation. memory: what the schedule knows of
    the evaluations. best: kept where somebody keeps it. since: the evaluation that was the best so
    far. stopped: why training has ended early.
    """

    step: int = 0
    evaluated: int = 0
    memory: Memory = field(default_factory=Memory)
    best: Best | None = None
    since: tuple[int, dict[str, float]] | None = None
    stopped: str = ""

    @property
    def kept(self) -> Weights:
        """What has the weights that are kept in the end."""
        raise NotImplementedError

    @property
    def metric(self) -> str:
        """The key of what says which of two evaluations is better."""
        raise NotImplementedError

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The parameter groups that take the rate."""
        return []

    @property
    def clips(self) -> bool:
        """Whether gradients are clipped, and how often is recorded."""
        return False

    def guess(self, data: Dataset | None) -> float:
        """Return the loss of who only guesses, infinite where it is not known."""
        return math.inf

    @property
    def weights(self) -> Mapping[str, Any]:
        """The weights that are kept: the best, where somebody keeps them."""
        return self.best.weights if self.best is not None else self.kept.state_dict()

    def restore(self) -> None:
        """Put the best weights back, where they were kept."""
        if self.best is not None:
            self.kept.load_state_dict(self.best.weights)


@dataclass
class State(Progress):
    """What training changes. At each Chunk of the loop it is whole: a copy can be continued.

    average: of the weights, where it is taken; keeps_average: whether it is what is kept in the
    end. operations: of a sample, about. position: where a stream of training data stands, if it
    says so. diverged: whether a loss or gradient was not finite, behind which nothing goes on.
    """

    model: nn.Module
    optimizer: Optimizer
    clipping: Clipping = field(default_factory=Unclipped)
    task: Task = field(default_factory=Classification)
    average: Average | None = None
    keeps_average: bool = False
    operations: int = 0
    position: Any = None
    diverged: bool = False

    @property
    def kept(self) -> nn.Module:
        """The model whose weights are kept in the end."""
        return self.average.model if self.average and self.keeps_average else self.model

    @property
    def metric(self) -> str:
        """The key of what says which of two evaluations is better."""
        return f"{OF_AVERAGE * self.keeps_average}val/{self.task.metric}"

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The parameter groups that take the rate."""
        return self.optimizer.param_groups

    @property
    def clips(self) -> bool:
        """Whether gradients are clipped, and how often is recorded."""
        return not isinstance(self.clipping, Unclipped)

    def guess(self, data: Dataset | None) -> float:
        """Return the loss of who only guesses, infinite where it is not known."""
        return self.task.guess(data) if data else math.inf

    def restore(self) -> None:
        """Put the weights in place that are kept: those to evaluate where an optimizer trains
        others, the best ones where they were kept."""
        set_mode(self.optimizer, "eval")
        super().restore()

    def copy(self) -> "State | None":
        """Return the same state again, to be trained by itself; None where a model or an optimizer
        of a person's own holds what cannot be copied, or what would still belong to this one."""
        parts: list[nn.Module | Optimizer] = [*self.model.modules(), self.optimizer]
        if any(_is_tied(value) for part in parts for value in _held(part)):
            return None
        known: dict[int, Any] = {}
        try:
            model = copy.deepcopy(self.model, known)
            optimizer = object.__new__(type(self.optimizer))
            known[id(self.optimizer)] = optimizer
            vars(optimizer).update(copy.deepcopy(vars(self.optimizer), known))  # torch's has less
            others = {k: v for k, v in vars(self).items() if k not in ("model", "optimizer")}
            found = State(model, optimizer, **copy.deepcopy(others, known))
        except Exception:
            return None
        own = {id(p) for p in model.parameters()}
        trained = [p for group in optimizer.param_groups for p in group["params"]]
        return found if all(id(p) in own for p in trained) else None


def _held(part: nn.Module | Optimizer) -> Iterator[Any]:
    """Yield what a module or an optimizer holds, its hooks among it."""
    for value in vars(part).values():
        yield from value.values() if isinstance(value, dict) else (value,)


def _is_tied(value: Any) -> bool:
    """Return whether a function holds a variable of where it was made, perhaps the model itself: a
    copy shares it."""
    return isinstance(value, FunctionType) and bool(value.__closure__)


class BestKeeper:
    """A listener that keeps the best weights in a state."""

    def __init__(self, state: Progress) -> None:
        self._state = state

    def hear(self, event: Event) -> None:
        """Keep the weights of an evaluation that is better than those before it."""
        if not isinstance(event, Evaluation):
            return
        best = self._state.best
        key = self._state.metric
        if best is None or merit(event.metrics, key) < merit(best.metrics, key):
            weights = copy.deepcopy(self._state.kept.state_dict())
            self._state.best = Best(event.step, dict(event.metrics), weights)
