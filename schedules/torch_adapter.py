"""Any schedule as a PyTorch scheduler, for a training loop of your own."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from schedules import _checks
from schedules.errors import ArgumentError, ArgumentTypeError
from schedules.schedule import Memory, Schedule

_Group = dict[str, Any]
_Rate = float | torch.Tensor


class ScheduleLR(LRScheduler):
    """A PyTorch scheduler whose rates are a schedule's: group lr = lr_scale * schedule(step).

    `step()` follows `optimizer.step()`, as always in PyTorch. A parameter group's `lr_scale` is 1
    unless it has one; where the groups' own rates differ, which would be lost, each needs one. A
    group added later gets its rate at the next `step()`, and needs an `lr_scale` if it has a rate
    of its own. With a schedule that listens, `observe(value)` follows the `step()` of the update
    that the evaluation was made after.

    A rate held as a tensor is written into; groups that share one get a tensor each. A function
    under `torch.compile` may call `step()` and `observe()`, which are not compiled themselves.

    Arguments:
        optimizer: any PyTorch optimizer; its rates are overwritten.
        schedule: any schedule, bound to the run if its durations are not all steps.
        last_epoch: the last step that was made, -1 for a new run.

    Raises:
        ValueError: the schedule is not bound, an `lr_scale` is negative or not finite, or groups of
            different rates have none.
        TypeError: it is no Schedule, or an `lr_scale` is no number.

    >>> from schedules import Polynomial
    >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    >>> scheduler = ScheduleLR(optimizer, Polynomial(lr=0.1, decay_steps=4))
    >>> for _ in range(3):
    ...     print(scheduler.get_last_lr())
    ...     optimizer.step()
    ...     scheduler.step()
    [0.1]
    [0.07500000000000001]
    [0.05]
    """

    def __init__(self, optimizer: Optimizer, schedule: Schedule, last_epoch: int = -1) -> None:
        if not isinstance(schedule, Schedule):
            raise ArgumentTypeError("schedule", "must be a Schedule", repr(schedule))
        self.schedule = schedule
        self.memory = schedule.begin()
        # Before the optimizer is touched, so that a schedule that is not bound leaves it alone.
        schedule.rates(self.memory, np.zeros(1, dtype=np.int64))
        if isinstance(optimizer, Optimizer):
            _keep_initial_rates(optimizer)
        super().__init__(optimizer, last_epoch)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def step(self, epoch: int | None = None) -> None:
        """Go to the next step.

        Raises:
            TypeError: it is given a metric or an epoch, as some schedulers of PyTorch's are.
            ValueError: a group added since the last one has a rate of its own and no `lr_scale`;
                then nothing has changed.
        """
        if epoch is not None:
            raise ArgumentTypeError(
                "step", "takes no argument", repr(epoch), "a metric goes to observe()"
            )
        self._coming = self._rates(self.memory, self.last_epoch + 1)
        super().step()
        self._last_lr = [*self._coming]

    def get_lr(self) -> list[float]:  # type: ignore[override]
        """The rate of each parameter group, for the step that `step()` goes to."""
        return self._coming

    def get_last_lr(self) -> list[float]:  # type: ignore[override]
        """The rate of each parameter group at the present step: floats, also beside tensors."""
        return [float(rate) for rate in self._last_lr]

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def observe(self, value: float) -> None:
        """Tell the schedule an evaluation; the rates change at once if it says so.

        Arguments:
            value: the metric that the schedule monitors, a number or a tensor of one element.

        Raises:
            ValueError: the value is NaN and the schedule listens.
        """
        memory = self.schedule.observe(self.memory, self.last_epoch, float(value))
        self._set_rates(self._rates(memory, self.last_epoch))
        self.memory = memory

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers and texts, which `torch.load(weights_only=True)` reads."""
        return {
            "schedule": repr(self.schedule),
            "memory": self.memory.as_dict(),
            "last_epoch": self.last_epoch,
            "step_count": self._step_count,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from a saved state; the optimizer's rates are set too.

        Raises:
            ValueError: the state is another schedule's, or is no state of a ScheduleLR; then
                nothing has changed.
        """
        if not isinstance(state_dict, Mapping):
            raise ArgumentError("state_dict", "must be that of a ScheduleLR", repr(state_dict))
        if missing := {"schedule", "memory", "last_epoch", "step_count"} - set(state_dict):
            raise ArgumentError("state_dict", f"must hold {sorted(missing)}", str(list(state_dict)))
        if state_dict["schedule"] != repr(self.schedule):
            raise ArgumentError(
                "state_dict", f"must be that of {self.schedule!r}", state_dict["schedule"]
            )
        memory = self.schedule.recall(state_dict["memory"])
        step, step_count = (
            _checks.whole(f"state_dict[{name!r}]", state_dict[name], 0)
            for name in ("last_epoch", "step_count")
        )
        self._set_rates(self._rates(memory, step))
        self.memory, self.last_epoch, self._step_count = memory, step, step_count

    def _rates(self, memory: Memory, step: int) -> list[float]:
        groups = self.optimizer.param_groups
        if not all("initial_lr" in group for group in groups):
            _keep_initial_rates(self.optimizer)
        _part_tensors(groups)
        rate = float(self.schedule.rates(memory, np.array([step]))[0])
        return [scale * rate for scale in _scales(groups)]

    def _set_rates(self, rates: list[float]) -> None:
        self._coming = rates
        self._last_lr = [*rates]
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate


def _keep_initial_rates(optimizer: Optimizer) -> None:
    """Note each group's own rate, as PyTorch's schedulers do; refuse rates that would be lost."""
    groups = optimizer.param_groups
    _scales(groups)
    old = [group for group in groups if "initial_lr" in group]
    added = [group for group in groups if old and "initial_lr" not in group]
    rates = [float(group.get("initial_lr", group["lr"])) for group in groups]
    differ = {float(group.get("initial_lr", group["lr"])) for group in old or groups}
    unscaled = not all("lr_scale" in group for group in old or groups)
    if (len(differ) > 1 and unscaled) or not all(
        _follows(group, old, optimizer.defaults["lr"]) for group in added
    ):
        raise ArgumentError(
            "optimizer's groups",
            "must have an lr_scale each where their rates differ",
            f"rates {rates}",
        )
    for group in added:
        group.setdefault("lr_scale", 1.0)
        group["initial_lr"] = _copy(old[0]["initial_lr"])
    for group in groups:
        group.setdefault("initial_lr", _copy(group["lr"]))


def _follows(added: _Group, groups: list[_Group], default: _Rate) -> bool:
    """Whether a group added to others has a scale, or a rate that is not one of its own."""
    rate = added["lr"]
    # Of a tensor, the default's value may be a present rate of some time ago.
    if "lr_scale" in added or (isinstance(rate, torch.Tensor) and rate is default):
        return True
    return any(
        rate == group["initial_lr"] or (scale > 0 and rate * scale == group["lr"])
        for group, scale in zip(groups, _scales(groups), strict=True)
    )


def _scales(groups: list[_Group]) -> list[float]:
    return [
        _checks.rate(f"optimizer.param_groups[{i}]['lr_scale']", group.get("lr_scale", 1.0))
        for i, group in enumerate(groups)
    ]


def _part_tensors(groups: list[_Group]) -> None:
    """Give each group whose rate is another's tensor, as PyTorch's default is, one of its own."""
    seen = set()
    for group in groups:
        if isinstance(group["lr"], torch.Tensor):
            if group["lr"].data_ptr() in seen:
                group["lr"] = _copy(group["lr"])
            seen.add(group["lr"].data_ptr())


def _copy(rate: _Rate) -> _Rate:
    return rate.clone() if isinstance(rate, torch.Tensor) else rate
