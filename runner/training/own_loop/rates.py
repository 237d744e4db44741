"""The rate of each step, and whether it is the one that an optimizer takes."""

import math
from numbers import Real
from typing import Any, NoReturn, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook

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

    An optimizer that was handed over is asked when it makes an update. Whoever takes the rate as a
    number is trusted, unless only optimizers of torch's make updates in the step, and none of them
    has that rate.
    """

    def __init__(self, trial: Trial, state: LoopState, refuse: Refuse) -> None:
        self._trial, self._state, self._refuse = trial, state, refuse
        self._ahead: list[float] = []
        self._first = 0
        self._step: int | None = None
        self._taken = False
        self._set: dict[int, bool] = {}  # whether an optimizer has made its update
        self._hooks: dict[int, Any] = {}
        self._others: Any = None  # the hook that sees the updates of all others
        self._strange: list[float] = []  # rates of their updates, until one has the step's
        self._is_fine = False  # whether one had
        self.is_left_out = False  # whether the last step made no update on purpose
        self._own: dict[int, Any] = {}
        self.rate = self.at(min(state.step, trial.horizon.total_steps - 1))

    def begin(self, step: int, rate: float) -> None:
        """Begin a step that has a rate."""
        self._step, self.rate = step, rate
        self._taken = self._is_fine = self.is_left_out = False
        self._set.clear()
        self._strange.clear()
        if self._others is None:
            self._others = register_optimizer_step_pre_hook(self._look)

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
        inner = innermost(optimizer)
        if id(inner) not in self._hooks:
            self._hooks[id(inner)] = _watched(inner, self._updates)
            self._state.optimizers.append(optimizer)
        if self._hooks[id(inner)] is not None:
            self._set.setdefault(id(inner), False)

    def leave(self, optimizer: Any) -> None:
        """Let an optimizer have a rate of its own."""
        inner = innermost(optimizer)
        self._own[id(inner)] = inner

    def skip(self) -> None:
        """Expect no update of the step."""
        self._set = dict.fromkeys(self._set, True)
        self._taken = self._is_fine = self.is_left_out = True

    def end(self) -> None:
        """End the step. Raises Misuse where nothing took the rate."""
        step, self._step = self._step, None
        if not self._taken:
            ways = "run.set_rate(optimizer) or run.lr"
            self._refuse(f"step {step} takes no rate: the loop must ask for each one's, by {ways}")
        if not all(self._set.values()):
            text = f"step {step} makes no update of an optimizer that has the step's rate"
            self._refuse(f"{text}: make one, or call run.skip() where it is left out on purpose")
        if self._strange and not (self._is_fine or self._set):
            text = f"step {step} reads the rate {self.rate:.9g}, but its update takes"
            ways = (
                "call run.set_rate(optimizer), whose groups may have an lr_scale, or run.own_rate"
            )
            self._refuse(f"{text} {self._strange[0]:.9g}: {ways}(optimizer) where that is meant")

    def forget(self) -> None:
        """Read the rates again, as the schedule has heard of an evaluation."""
        self._ahead, self._first = [], 0

    def close(self) -> None:
        """Look at no optimizer any longer."""
        for hook in self._hooks.values():
            if hook is not None:
                hook.remove()
        self._hooks.clear()
        if self._others is not None:
            self._others.remove()

    def _look(self, optimizer: Optimizer, *_: Any) -> None:
        """Note the rate of an optimizer that nobody has handed over, before it makes an update."""
        if self._step is None or torch.compiler.is_compiling():
            return
        if id(optimizer) in self._own or id(optimizer) in self._hooks:
            return
        rates: list[Any] = [group.get("lr") for group in optimizer.param_groups]
        scales = [group.get("lr_scale", 1.0) for group in optimizer.param_groups]
        if not all(map(_is_here, rates)):  # to read it would wait for a device
            self._is_fine = True
            return
        for rate, scale in zip(rates, scales, strict=True):
            if any(math.isclose(rate, one * self.rate, rel_tol=1e-6) for one in (1.0, scale)):
                self._is_fine = True
        self._strange += map(float, rates)

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


def _is_here(rate: Any) -> bool:
    """Return whether a rate is a number that is at hand."""
    if isinstance(rate, Tensor):
        return rate.device.type == "cpu" and rate.numel() == 1
    return isinstance(rate, Real)


def innermost(optimizer: Any) -> Any:
    """Return the optimizer within those that stand around it, as Accelerate's does."""
    if not hasattr(optimizer, "param_groups"):
        given = type(optimizer).__name__
        raise Misuse(f"run.set_rate must be given an optimizer with param_groups, got {given}")
    inner = vars(optimizer).get("optimizer")
    return optimizer if inner is None else innermost(inner)


def _watched(optimizer: Any, hook: Any) -> Any:
    """Let an optimizer tell before each update; return how to take that back, None where it is none
    of torch's."""
    if isinstance(optimizer, Optimizer) and hasattr(optimizer, "_optimizer_step_pre_hooks"):
        return optimizer.register_step_pre_hook(hook)
    return None
