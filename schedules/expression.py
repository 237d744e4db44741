"""A schedule written as a formula."""

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar

import numpy as np

from schedules import _checks, _formula
from schedules.durations import Duration
from schedules.errors import ArgumentTypeError
from schedules.schedule import Rates, Schedule, Steps


@dataclass(frozen=True, kw_only=True)
class Expression(Schedule):
    """A formula of the step t: rate(t) = expression.

    It may hold numbers, t, total_steps, pi, e, the operators + - * / // % ** with Python's
    precedence, parentheses, and abs, arccos, arcsin, arctan, ceil, cos, cosh, exp, floor, log,
    log10, log2, maximum(a, b), minimum(a, b), round, sign, sin, sinh, sqrt, square, tan, tanh.
    Every number is a float64 before anything is computed; angles are in radians. The text is
    computed by the library itself and never executed as Python. The formula has no end.

    Arguments:
        after, end_steps: as `Schedule` has them.
        expression: the formula, at most 1000 characters, or a number.
        total_steps: duration of at least 1 step, the formula's total_steps; "100%" when None and
            the formula uses it.

    Raises:
        ValueError: also when the text is no such formula and, when called, where a rate is not
            finite or is negative.

    >>> exponential = Expression(expression="0.1 * 0.5 ** (t / 1000)")
    >>> exponential(0), exponential(1000), exponential(2000)
    (0.1, 0.05, 0.025)
    """

    expression: str | float
    total_steps: Duration | None = None
    after: str = "continue"
    end_steps: Duration | None = None

    durations: ClassVar = {"total_steps": 1, "end_steps": 1}

    def __post_init__(self) -> None:
        if isinstance(self.expression, Real) and not isinstance(self.expression, bool):
            self._keep(expression=repr(_checks.number("expression", self.expression)))
        if not isinstance(self.expression, str):
            raise ArgumentTypeError(
                "expression", "must be a text or a number", repr(self.expression)
            )
        _, used = _formula.parse(self.expression)
        if "total_steps" in used and self.total_steps is None:
            self._keep(total_steps="100%")
        elif "total_steps" not in used:
            unused = "for an expression that does not use it"
            _checks.null("total_steps", self.total_steps, unused)
        super().__post_init__()
        if not used:
            self.formula(np.zeros(1, dtype=np.int64))

    def formula(self, t: Steps) -> Rates:
        tree, _ = _formula.parse(str(self.expression))
        # One step twice: numpy's power of one element differs from an array's in the last bit.
        steps = np.repeat(t, 2) if t.size == 1 else t
        variables = {"t": steps.astype(np.float64)}
        if self.total_steps is not None:
            variables["total_steps"] = np.array([float(self.total_steps)])
        with np.errstate(all="ignore"):
            rates = _formula.evaluate(tree, variables)
        return _checks.rates("expression", np.broadcast_to(rates, steps.shape)[: t.size], t)
