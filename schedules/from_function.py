"""Any function as a schedule."""

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from schedules import _checks
from schedules._callables import Arguments, find, path_of
from schedules.durations import Duration
from schedules.errors import ArgumentError
from schedules.schedule import Rates, Schedule, Steps


def linear(t: Any, lr: float, total_steps: int) -> Any:
    """From lr to 0 in a straight line, then 0: an example of a function for `FromFunction`."""
    return lr * np.maximum(0.0, 1 - t / total_steps)


@dataclass(frozen=True, kw_only=True)
class FromFunction(Schedule):
    """A function of the step: rate(t) = function(t, **arguments). It has no end.

    A function with an argument named lr or total_steps is given that too.

    Arguments:
        after, end_steps: as `Schedule` has them.
        function: its dotted path, such as "mine.rate"; or the function itself, kept as its path,
            so that the schedule can be printed, compared and pickled (no lambda, nothing local).
        lr: for the function's lr, at least 0; not used where it has no argument of that name.
        arguments: its further arguments by name: numbers, texts, null, lists and mappings.
        total_steps: duration of at least 1 step, for the function's total_steps; "100%" when None
            and the function has an argument of that name.
        vectorized: whether the function takes all steps at once, a 1-D int64 array, rather than
            one int at a time.

    Raises:
        ValueError, TypeError: the path leads to no callable, the arguments do not fit it, or an
            argument is out of its range; when called, a result is no finite number of at least 0,
            or there is not one for each step.

    >>> from schedules import Horizon
    >>> line = FromFunction(function="schedules.from_function.linear", lr=0.1)
    >>> line.bind(Horizon(total_steps=100, steps_per_epoch=10))(50)
    0.05
    """

    function: str | Callable[..., Any]
    lr: float | None = None
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
        if self.lr is not None:
            self._keep(lr=_checks.at_least("lr", self.lr, 0))
        if self.arguments is not None:
            self._keep(arguments=Arguments(self.arguments, "arguments"))
        self._check_signature()
        super().__post_init__()

    def formula(self, t: Steps) -> Rates:
        function = self._function()
        arguments = self._filled(function)
        if self.vectorized:
            rates = _array(self._call(function, t.copy(), arguments), t)
        else:
            calls = ((self._call(function, step, arguments), step) for step in t.tolist())
            rates = np.array([_number(result, step) for result, step in calls])
        return _checks.rates("function", rates, t)

    def _call(self, function: Callable[..., Any], t: Any, arguments: dict[str, Any]) -> Any:
        try:
            return function(t, **arguments)
        except Exception as error:  # a person's function may fail in any way
            where = traceback.extract_tb(error.__traceback__)[-1]
            step = f" at step {t}" if isinstance(t, int) else ""
            raise ArgumentError(
                f"function {self.function}",
                f"must give rates, but raised {type(error).__name__}"
                f"{step}: {error} ({Path(where.filename).name}:{where.lineno})",
            ) from error

    def _check_signature(self) -> None:
        """Fill in total_steps, and refuse arguments that the function does not take."""
        given = self._plain_arguments()
        for name in ("lr", "total_steps"):
            if name in given:
                _checks.null(name, getattr(self, name), "beside one among the arguments")
        function = self._function()
        signature = _signature(function)
        if signature is None:
            return
        if self.total_steps is None and "total_steps" in {*signature.parameters} - {*given}:
            self._keep(total_steps="100%")
        given = self._filled(function)
        try:
            signature.bind(0, **given)
        except TypeError as error:
            raise ArgumentError(
                "arguments", f"must fit {self.function}{signature}", f"{given!r}: {error}"
            ) from error

    def _filled(self, function: Callable[..., Any]) -> dict[str, Any]:
        """The arguments of a call, lr and total_steps among them where they have a place."""
        arguments = self._plain_arguments()
        if self.lr is not None:
            signature = _signature(function)
            if signature is not None and "lr" in signature.parameters:
                arguments["lr"] = self.lr
        if self.total_steps is not None:
            arguments["total_steps"] = self.total_steps
        return arguments

    def _function(self) -> Callable[..., Any]:
        return find("function", str(self.function))

    def _plain_arguments(self) -> dict[str, Any]:
        return self.arguments.plain() if isinstance(self.arguments, Arguments) else {}


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:  # some functions of C extensions have none
        return None


def _number(result: Any, step: int) -> float:
    if isinstance(result, bool) or not isinstance(result, Real):
        given = f"{result!r} at step {step}"
        raise ArgumentError("function", "must give numbers", given, step=step)
    return _checks.real("function", result)


def _array(results: Any, t: Steps) -> Rates:
    array = np.asarray(results)
    if array.dtype.kind not in "iuf" or array.shape != t.shape:
        raise ArgumentError(
            "function",
            f"must give a rate for each of {t.size} steps",
            f"{array.dtype} of shape {array.shape}",
        )
    return array
