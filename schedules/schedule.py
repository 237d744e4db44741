"""What every schedule is: a pure function from the step to the learning rate."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Self, overload

import numpy as np
from numpy.typing import NDArray

from schedules import _checks
from schedules.durations import MAX_STEPS, Horizon, increasing_steps_of, listed, parse, steps_of
from schedules.errors import ArgumentError, ArgumentTypeError

Steps = NDArray[np.int64]
Rates = NDArray[np.float64]
_BLOCK = 2**16


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What a schedule remembers of the evaluations so far: here nothing."""

    def as_dict(self) -> dict[str, Any]:
        """The same as plain numbers, for a saved state; `Schedule.recall` reads it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Base of all schedules: frozen, checked when built, compared by value.

    `schedule(t)` is the rate of update t, counted from 0. Durations given as "2ep" or "10%" need
    a run's length first: `schedule.bind(Horizon(...))`.

    What most families have is said here; their own docstrings list the rest and what differs.

    Arguments:
        lr: peak, the rate at step 0 where the formula only falls, at least 0.
        floor: lowest rate, in [0, lr], or a share of lr ("10%").
        after: what follows the end of the formula or, where it has none, `end_steps`: "hold" keeps
            the rate of the end, "error" refuses a later step, "continue" goes on by the formula.
        end_steps: duration where `after` takes over, at least 1 step; "100%" unless it continues.

    Raises:
        ValueError, TypeError: an argument is out of its range or no number.

    A schedule of your own is a frozen, keyword-only dataclass with a `formula`; its durations, with
    the fewest steps that each may have, stand in `durations`, and those that are lists of several,
    in increasing order, in `lists` too. What else must hold of an argument may stand in `checks`, a
    function of its name and value that gives the value to keep:

    >>> @dataclass(frozen=True, kw_only=True)
    ... class Logarithmic(Schedule):
    ...     lr: float
    ...     decay_steps: int | str = "10%"
    ...     durations = {"decay_steps": 1}
    ...
    ...     def formula(self, t):
    ...         return self.lr / (1 + np.log2(1 + t / self.decay_steps))
    >>> logarithmic = Logarithmic(lr=0.1).bind(Horizon(total_steps=100, steps_per_epoch=20))
    >>> logarithmic
    Logarithmic(lr=0.1, decay_steps=10)
    >>> logarithmic(10)
    0.05
    """

    durations: ClassVar[Mapping[str, int]] = {}
    lists: ClassVar[Collection[str]] = ()
    ends_at: ClassVar[str] = "end_steps"  # the duration after which `after` decides
    checks: ClassVar[Mapping[str, Callable[[str, Any], Any]]] = {}
    share_of_lr: ClassVar[str] = ""  # a rate in [0, lr], or a share of lr; checked after the others
    policies: ClassVar[tuple[str, ...]] = ("hold", "error", "continue")
    after = "continue"  # a family that offers the choice has a field of this name

    def __post_init__(self) -> None:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        may_lack = {field.name for field in fields(self) if field.default is None}
        given = [n for n in self.durations if values[n] is not None or n not in may_lack]
        for name in self.lists:
            if name in given:
                values[name] = listed(values[name], name, self.durations[name])
        for name, value in values.items():
            if isinstance(value, str):  # numpy's texts are texts too
                values[name] = str.__str__(value)
        after = _checks.one_of("after", values.get("after", self.after), self.policies)
        if "end_steps" in self.durations:
            if after == "continue":
                _checks.null("end_steps", values["end_steps"], "with after 'continue'")
            elif values["end_steps"] is None:
                values["end_steps"] = "100%"
        for name in given:
            if name not in self.lists:
                _, unit = parse(values[name], name, self.durations[name])
                values[name] = int(values[name]) if unit == "steps" else values[name]
        for name, check in self.checks.items():
            values[name] = check(name, values[name])
        if name := self.share_of_lr:
            values[name] = _checks.rate_up_to(name, values[name], values["lr"])
        self._keep(**values)

    def formula(self, t: Steps) -> Rates:
        """The rates of steps `t`, a 1-D array; every duration is a whole number of steps here."""
        raise NotImplementedError(f"{type(self).__name__} must define formula(t)")

    def end_step(self) -> int | None:
        """The step at which the schedule ends and `after` takes over; None when it never does."""
        return getattr(self, self.ends_at, None)

    @overload
    def __call__(self, t: int) -> float: ...
    @overload
    def __call__(self, t: NDArray[np.integer[Any]]) -> Rates: ...
    def __call__(self, t: Any) -> Any:
        """The rate of update `t`, counted from 0.

        Arguments:
            t: an int of at least 0, or an integer array of any shape.

        Returns:
            A float for an int, a float64 array of the same shape for an array.

        Raises:
            ValueError: t is negative, a duration is not bound, or the schedule listens.
            TypeError: t is no integer.
        """
        if self.listens:
            raise ArgumentError(
                "t",
                f"alone does not decide the rate of {type(self).__name__}, which depends on "
                f"evaluations of {self.monitor!r}: use begin(), observe() and rates()",
            )
        rates = self.rates(self.begin(), t)
        return rates if isinstance(t, np.ndarray) else float(rates)

    def bind(self, horizon: Horizon) -> Self:
        """The same schedule with every duration in whole steps of the run `horizon`.

        Schedules within it are bound to what the class says that their shares are of.

        Raises:
            ValueError: a duration comes to too few steps, boundaries no longer increase, or
                something does not fit the run; a schedule within is named, as `schedule.X` or
                `schedules[i].X`.
            TypeError: `horizon` is no Horizon.
        """
        if not isinstance(horizon, Horizon):
            raise ArgumentTypeError("horizon", "must be a Horizon", repr(horizon))
        return self._bind(horizon)

    def _bind(self, horizon: Horizon) -> Self:
        bound: dict[str, Any] = {}
        for name, at_least in self.durations.items():
            value = getattr(self, name)
            if isinstance(value, tuple):
                bound[name] = increasing_steps_of(value, horizon, name, at_least)
            elif value is not None:
                bound[name] = steps_of(value, horizon, name, at_least)
        return replace(self, **bound)

    @property
    def bound(self) -> bool:
        """Whether every duration is a whole number of steps, so that it can be called."""
        return self._unbound() is None

    @property
    def listens(self) -> bool:
        """Whether the rates depend on evaluations."""
        return False

    @property
    def monitor(self) -> str:
        """The metric that a listening schedule observes; empty for one that does not listen."""
        return ""

    def begin(self) -> Memory:
        """The memory before the first evaluation."""
        return Memory()

    def observe(self, memory: Memory, step: int, value: float) -> Memory:
        """The memory after one more evaluation; a schedule that does not listen ignores it.

        Arguments:
            memory: the memory so far.
            step: updates made when the evaluation was made.
            value: the metric, not NaN.
        """
        return memory

    def recall(self, state: Mapping[str, Any]) -> Memory:
        """The memory that `memory.as_dict()` gave.

        Raises:
            ValueError: the state is not of this schedule's kind.
        """
        kind = type(self.begin())
        try:
            return kind(**state)
        except (TypeError, ValueError) as error:
            raise ArgumentError(
                "state", f"must be that of a {kind.__name__}", f"{state!r}: {error}"
            ) from error

    def rates(self, memory: Memory, t: NDArray[np.integer[Any]]) -> Rates:
        """The rates of steps `t` (an integer array) as long as no further evaluation comes.

        Raises:
            ValueError: a step is negative, or a duration is not bound.
            TypeError: t is no integer.
        """
        steps = _checked(t)
        self._check_bound()
        # One dimension, for numpy's 0-d arithmetic differs from an array's in the last bit.
        flat = steps.reshape(-1)
        if flat.size <= _BLOCK:
            return self._rates(memory, flat).reshape(steps.shape)
        rates = np.empty(flat.size)
        for start in range(0, flat.size, _BLOCK):  # what is in between stays in the cache
            block = slice(start, start + _BLOCK)
            rates[block] = self._rates(memory, flat[block])
        return rates.reshape(steps.shape)

    def _rates(self, memory: Memory, t: Steps) -> Rates:
        return self.formula(self._until_the_end(t))

    def _until_the_end(self, t: Steps) -> Steps:
        """Steps `t` by the policy of `after`."""
        end = self.end_step()
        if end is None or self.after == "continue":
            return t
        if self.after == "hold":
            return np.minimum(t, end)
        if t.size and (last := int(t.max())) > end:
            others = " or ".join(repr(policy) for policy in self.policies if policy != "error")
            raise ArgumentError(
                "after",
                f"must be {others} for steps beyond {end}, the end of {type(self).__name__}",
                f"'error' and step {last}",
                step=last,
            )
        return t

    def _check_bound(self) -> None:
        if (unbound := self._unbound()) is not None:
            name, value = unbound
            raise ArgumentError(
                name,
                "must be bound to a run first",
                f"{value!r}: call schedule.bind(Horizon(total_steps, steps_per_epoch))",
            )

    def _unbound(self) -> tuple[str, Any] | None:
        for name in self.durations:
            value = getattr(self, name)
            if any(isinstance(v, str) for v in (value if isinstance(value, tuple) else (value,))):
                return name, value
        return None

    def _keep(self, **values: Any) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)


def _checked(t: Any) -> Steps:
    if isinstance(t, np.ndarray):
        if not np.issubdtype(t.dtype, np.integer):
            raise ArgumentTypeError(
                "t", "must be an int or an integer array", f"an array of {t.dtype}"
            )
        low, high = (int(t.min()), int(t.max())) if t.size else (0, 0)
    elif isinstance(t, (int, np.integer)) and not isinstance(t, bool):
        low = high = int(t)
    else:
        raise ArgumentTypeError("t", "must be an int or an integer array", repr(t))
    _checks.whole("t", low, 0)
    if high > MAX_STEPS:
        raise ArgumentError("t", "must be at most 2**53", str(high))
    return np.asarray(t, dtype=np.int64, order="C")
