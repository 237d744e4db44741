"""Any function as a schedule."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np

from schedules import _checks
from schedules._callables import Arguments, find, path_of
from schedules.durations import Duration
from schedules.schedule import Rates, Schedule, Steps


def linear(t: Any, lr: float, total_steps: int) -> Any:
    """From lr to 0 in a straight line, then 0: an example of a function for `FromFunction`."""
    return lr * np.maximum(0.0, 1 - t / total_steps)


@dataclass(frozen=True, kw_only=True)
class FromFunction(Schedule):
    """A function of the step: rate(t) = function(t, **arguments). It has no end.

    A function with an argument named total_steps is given it too.

    Arguments:
        function: its dotted path, such as "mine.rate"; or the function itself, kept as its path,
            so that the schedule can be printed, compared and pickled (no lambda, nothing local).
        arguments: its further arguments by name: numbers, texts, null, lists and mappings.
        total_steps: duration of at least 1 step, for the function's total_steps; "100%" when None
            and the function has an argument of that name.
        vectorized: whether the function takes all steps at once, a 1-D int64 array, rather than
            one int at a time.
        after: "continue"; or "hold" or "error" from `end_steps` on.
        end_steps: duration where `after` takes over, at least 1 step; "100%" unless it continues.

    Raises:
        ValueError, TypeError: the path leads to no callable, the arguments do not fit it, or an
            argument is out of its range; when called, a result is no finite number of at least 0,
            or there is not one for each step.

    >>> from schedules import Horizon
    >>> line = FromFunction(function="schedules.from_function.linear", arguments={"lr": 0.1})
    >>> line.bind(Horizon(total_steps=100, steps_per_epoch=10))(50)
    0.05
    """

    function: str | Callable[..., Any]
    arguments: Mapping[str, Any] | None = None
    total_steps: Duration | None = None
    vectorized: bool = False
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"total_steps": 1, "end_steps": 1}

    def __post_init__(self) -> None:
        self._keep(
            function=path_of("function", self.function),
            vectorized=_checks.flag("vectorized", self.vectorized),
        )
        if self.arguments is not None:
            self._keep(arguments=Arguments(self.arguments, "arguments"))
        self._check_signature()
        super().__post_init__()

    def formula(self, t: Steps) -> Rates:
        function = self._function()
        arguments = self._plain_arguments()
        if self.total_steps is not None:
            arguments["total_steps"] = int(self.total_steps)
        if self.vectorized:
            rates = _array(function(t.copy(), **arguments), t)
        else:
            rates = np.array([_number(function(step, **arguments), step) for step in t.tolist()])
        return _checks.rates("function", rates, t)

    def _check_signature(self) -> None:
        """Fill in total_steps, and refuse arguments that the function does not take."""
        given = self._plain_arguments()
        if "total_steps" in given and self.total_steps is not None:
            raise ValueError(
                f"total_steps must be null beside one among the arguments, got {self.total_steps!r}"
            )
        function = self._function()
        try:
            signature = inspect.signature(function)
        except ValueError:  # some functions of C extensions have none
            return
        if self.total_steps is None and "total_steps" in {*signature.parameters} - {*given}:
            self._keep(total_steps="100%")
        if self.total_steps is not None:
            given["total_steps"] = self.total_steps
        try:
            signature.bind(0, **given)
        except TypeError as error:
            raise ValueError(
                f"arguments must fit {self.function}{signature}, got {given!r}: {error}"
            ) from error

    def _function(self) -> Callable[..., Any]:
        return find("function", str(self.function))

    def _plain_arguments(self) -> dict[str, Any]:
        return self.arguments.plain() if isinstance(self.arguments, Arguments) else {}


def _number(result: Any, step: int) -> float:
    if isinstance(result, bool) or not isinstance(result, Real):
        raise ValueError(f"function must give numbers, got {result!r} at step {step}")
    return _checks.real("function", result)


def _array(results: Any, t: Steps) -> Rates:
    array = np.asarray(results)
    if array.dtype.kind not in "iuf" or array.shape != t.shape:
        raise ValueError(
            f"function must give a rate for each of {t.size} steps, "
            f"got {array.dtype} of shape {array.shape}"
        )
    return array
