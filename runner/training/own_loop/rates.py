"""The rate of each step, and whether it is the one that an optimizer takes."""

from typing import Any, NoReturn, Protocol

from torch.optim import Optimizer

from runner.errors import Misuse
from runner.training.loop import CHUNK_STEPS
from runner.training.optimizers import set_number
from runner.training.own_loop.state import LoopState
from runner.trial import Trial


class Refuse(Protocol):
    """Raises a misuse, and sees to it that it counts even where a loop goes on."""

    def __call__(self, text: str) -> NoReturn:
        """Raise it."""


class Rates:
    """Gives each step its rate and sees that an update takes it.

    An optimizer is asked when it makes an update. Whoever takes the rate as a number is trusted.
    """

    def __init__(self, trial: Trial, state: LoopState, refuse: Refuse) -> None:
        self._trial, self._state, self._refuse = trial, state, refuse
        self._ahead: list[float] = []
        self._first = 0
        self._step: int | None = None
        self._taken = False
        self._set: dict[int, bool] = {}  # whether an optimizer has made its update
        self._hooks: dict[int, Any] = {}
        self.rate = self.at(min(state.step, trial.horizon.total_steps - 1))

    def begin(self, step: int, rate: float) -> None:
        """Begin a step that has a rate."""
        self._step, self.rate = step, rate
        self._taken = False
        self._set.clear()

    def at(self, step: int) -> float:
        """Return the rate of a step of the run, as what was heard until now has it."""
        i = step - self._first
        if not 0 <= i < len(self._ahead):
            stop = min(step + CHUNK_STEPS, self._trial.horizon.total_steps)
            numbers = self._trial.numbers.between(self._state.memory, step, stop)
            self._ahead, self._first, i = numbers["lr"].tolist(), step, 0
        return self._ahead[i]

    def take(self) -> float:
        """Return the rate as a number that an update takes."""
        self._taken = True
        return self.rate

    def set(self, optimizer: Any) -> None:
        """Set the rate of an optimizer, of each parameter group its share."""
        self._taken = True
        set_number(optimizer, "lr", self.rate)
        inner = _innermost(optimizer)
        if id(inner) not in self._hooks:
            self._hooks[id(inner)] = _watched(inner, self._updates)
            self._state.optimizers.append(optimizer)
        if self._hooks[id(inner)] is not None:
            self._set.setdefault(id(inner), False)

    def skip(self) -> None:
        """Expect no update of the step."""
        self._set = dict.fromkeys(self._set, True)
        self._taken = True

    def end(self) -> None:
        """End the step. Raises Misuse where nothing took the rate."""
        step, self._step = self._step, None
        if not self._taken:
            ways = "run.set_rate(optimizer) or run.lr"
            self._refuse(f"step {step} takes no rate: the loop must ask for each one's, by {ways}")
        if not all(self._set.values()):
            text = f"step {step} makes no update of an optimizer that has the step's rate"
            self._refuse(f"{text}: make one, or call run.skip() where it is left out on purpose")

    def forget(self) -> None:
        """Read the rates again, as the schedule has heard of an evaluation."""
        self._ahead, self._first = [], 0

    def close(self) -> None:
        """Look at no optimizer any longer."""
        for hook in self._hooks.values():
            if hook is not None:
                hook.remove()
        self._hooks.clear()

    def _updates(self, optimizer: Optimizer, *_: Any) -> None:
        """Look at an optimizer that is about to make an update."""
        made = self._set.get(id(optimizer))
        if self._step is None:
            self._refuse("an optimizer makes an update outside of the run's steps")
        if made is None:
            text = f"an optimizer makes an update at step {self._step} without the step's rate"
            self._refuse(f"{text}: call run.set_rate(optimizer) before it")
        if made:
            text = f"an optimizer makes two updates at step {self._step}"
            self._refuse(f"{text}: each must be a step of its own")
        for group in optimizer.param_groups:
            expected = group.get("lr_scale", 1.0) * self.rate
            if group["lr"] != expected:
                text = f"the update at step {self._step} takes the rate {float(group['lr']):.9g}"
                says = f"the schedule says {expected:.9g}"
                self._refuse(f"{text}, but {says}: nothing else may set it")
        self._set[id(optimizer)] = True


def _innermost(optimizer: Any) -> Any:
    """Return the optimizer within those that stand around it, as Accelerate's does."""
    if not hasattr(optimizer, "param_groups"):
        given = type(optimizer).__name__
        raise Misuse(f"run.set_rate must be given an optimizer with param_groups, got {given}")
    inner = vars(optimizer).get("optimizer")
    return optimizer if inner is None else _innermost(inner)


def _watched(optimizer: Any, hook: Any) -> Any:
    """Let an optimizer tell before each update; return how to take that back, None where it is none
    of torch's."""
    if isinstance(optimizer, Optimizer) and hasattr(optimizer, "_optimizer_step_pre_hooks"):
        return optimizer.register_step_pre_hook(hook)
    return None
