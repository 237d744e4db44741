"""Any PyTorch scheduler as a schedule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, Self

import numpy as np

from schedules import _checks
from schedules._callables import Arguments, path_of
from schedules._torch_scheduler import built, check_specs, plain_duration, trace_of
from schedules.durations import Duration, Horizon, half_up, parse, steps_of
from schedules.errors import ArgumentError
from schedules.schedule import Rates, Schedule, Steps

_MAX_CALLS = 10_000_000  # of a scheduler's step(), each of which takes microseconds


@dataclass(frozen=True, kw_only=True)
class FromTorch(Schedule):
    """The rates of a PyTorch scheduler: rate(t) is what its optimizer has at update t.

    They are taken by driving it once, on an SGD optimizer (momentum 0.9) of one parameter with rate
    `lr`, and calling its step() after every `step_every` updates.

    A duration among its arguments, also within lists and nested schedulers, counts in calls of
    step(): the duration in updates divided by `step_every`, to the nearest call, halves up. In a
    run of 10 epochs with step_every "1ep", "30%" is 3. Numbers are passed on as they are; whether
    one for a duration counts epochs or updates, `step_every` must say.

    An argument {scheduler: PATH, arguments: {...}} is a scheduler of the same optimizer, as
    SequentialLR and ChainedScheduler want it. An argument {function: PATH} is the function that a
    dotted path leads to, for LambdaLR's lr_lambda.

    Arguments:
        scheduler: dotted path of a class such as "torch.optim.lr_scheduler.StepLR", or of a
            function f(optimizer, **arguments) that returns a scheduler; or the class or function
            itself, kept as its path.
        lr: the optimizer's rate, at least 0: the peak of most of them. OneCycleLR and CyclicLR take
            rates of their own among the arguments instead.
        arguments: its arguments by name: numbers, texts, null, durations, lists and mappings.
        step_every: duration between two calls of step(), at least 1 step; "1ep" for a scheduler
            that is stepped once an epoch. None is 1 step, in a run longer than an epoch only where
            no argument has a whole number for a duration.
        total_steps: duration of the run, at least 1 step; the rate of its last update stays.
        after: "hold"; or "error" for steps beyond `total_steps`.

    Raises:
        ValueError, TypeError: the path leads to no scheduler or to one that listens to evaluations,
            the arguments do not fit it, or a rate is not finite or is negative; also when bound,
            where `step_every` must be given.

    >>> from schedules import Horizon
    >>> step = FromTorch(
    ...     scheduler="torch.optim.lr_scheduler.StepLR", lr=0.1, arguments={"step_size": "30%"}
    ... )
    >>> step = step.bind(Horizon(total_steps=10, steps_per_epoch=5))
    >>> step(2), step(3)
    (0.1, 0.010000000000000002)
    """

    scheduler: str | Callable[..., Any]
    lr: float
    arguments: Mapping[str, Any] | None = None
    step_every: Duration | None = None
    total_steps: Duration = "100%"
    after: str = "hold"

    durations: ClassVar = {"step_every": 1, "total_steps": 1}
    ends_at: ClassVar = "total_steps"
    policies: ClassVar = ("hold", "error")
    checks: ClassVar = {"lr": _checks.rate}

    def __post_init__(self) -> None:
        self._keep(scheduler=path_of("scheduler", self.scheduler))
        super().__post_init__()
        if self.arguments is not None:
            self._keep(arguments=Arguments(self.arguments, "arguments"))
        check_specs("scheduler", self._spec())
        if self.bound:
            if self._calls > _MAX_CALLS:
                raise ArgumentError(
                    "total_steps",
                    f"must come to at most {_MAX_CALLS} calls of the scheduler's step()",
                    f"{self.total_steps} with step_every {self.step_every}",
                )
            built(self._spec(), self.lr)

    def _bind(self, horizon: Horizon) -> Self:
        if self.step_every is None:
            self._check_plain_numbers(horizon)
            return replace(self, step_every=1)._bind(horizon)
        if self.arguments is None:
            return super()._bind(horizon)
        step_every = steps_of(self.step_every, horizon, "step_every", 1)
        arguments = {
            key: _in_calls(f"arguments[{key!r}]", value, horizon, step_every)
            for key, value in self.arguments.items()
        }
        total = steps_of(self.total_steps, horizon, "total_steps", 1)
        return replace(self, step_every=step_every, total_steps=total, arguments=arguments)

    def _check_plain_numbers(self, horizon: Horizon) -> None:
        """Refuse a whole number for a duration where an epoch is neither an update nor the run."""
        name = plain_duration(self._spec())
        if name and 1 < horizon.steps_per_epoch < horizon.total_steps:
            must = f"must be 1ep or 1, since {name} is a number without a unit"
            advice = "1ep counts it in epochs, 1 in updates"
            raise ArgumentError("step_every", must, "null", advice)

    def formula(self, t: Steps) -> Rates:
        trace = trace_of(self._spec(), self.lr, self._calls)
        calls = np.minimum(t // int(self.step_every or 1), self._calls)
        return _checks.rates("scheduler", trace[calls], t)

    @property
    def _calls(self) -> int:
        """How often step() is called before the last update."""
        return (int(self.total_steps) - 1) // int(self.step_every or 1)

    def _spec(self) -> Arguments:
        arguments = {} if self.arguments is None else self.arguments
        return Arguments({"scheduler": self.scheduler, "arguments": arguments}, "scheduler")

    def _unbound(self) -> tuple[str, Any] | None:
        for key, value in (self.arguments or {}).items():
            if (duration := _duration_in(value)) is not None:
                return f"arguments[{key!r}]", duration
        return super()._unbound()


def _is_duration(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        parse(value)
    except ValueError:
        return False
    return True


def _duration_in(value: Any) -> str | None:
    """The first duration in an argument that is not yet a number."""
    parts = value.values() if isinstance(value, Mapping) else value
    if isinstance(value, (tuple, Mapping)):
        return next((d for d in map(_duration_in, parts) if d is not None), None)
    return value if _is_duration(value) else None


def _in_calls(name: str, value: Any, horizon: Horizon, step_every: int) -> Any:
    """An argument with its durations in calls of step()."""
    if isinstance(value, Mapping):
        return {k: _in_calls(f"{name}[{k!r}]", v, horizon, step_every) for k, v in value.items()}
    if isinstance(value, tuple):
        return [_in_calls(f"{name}[{i}]", v, horizon, step_every) for i, v in enumerate(value)]
    if not _is_duration(value):
        return value
    steps = steps_of(value, horizon, name)
    calls = half_up(Fraction(steps, step_every))
    if calls == 0 and parse(value)[0] > 0:
        raise ArgumentError(
            name,
            "must be at least 1 call of step()",
            f"{value!r} = {steps} steps with step_every {step_every}",
        )
    return calls
