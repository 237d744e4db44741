"""What is wrong with an argument, as fields: the text is made where a person reads it."""

import re
from dataclasses import fields
from typing import Any, NoReturn, Self

_NAME = re.compile(r"\w*")


class ArgumentError(ValueError):
    """An argument that cannot be used.

    Arguments:
        where: its name, dotted from the outermost thing that was built: "schedule.boundaries[1]".
        must: what must hold, as it follows the name: "must lie in [0, 1]".
        given: what was given, as it is to be shown; None where `must` says all.
        advice: what to do instead.
        step: the step that `given` ends with, as the owner of the argument counts it; None where
            there is none, or where the text says whose it is.

    >>> error = ArgumentError("floor", "must lie in [0, lr]", "0.2 with lr 0.1")
    >>> error
    ArgumentError('floor must lie in [0, lr], got 0.2 with lr 0.1')
    >>> str(error.under("schedule"))
    'schedule.floor must lie in [0, lr], got 0.2 with lr 0.1'
    """

    def __init__(
        self,
        where: str,
        must: str = "",
        given: str | None = None,
        advice: str | None = None,
        step: int | None = None,
    ) -> None:
        self.where = where
        self.must = must
        self.given = given
        self.advice = advice
        self.step = step
        super().__init__(self._text())

    @property
    def name(self) -> str:
        """The outermost name in `where`.

        >>> ArgumentError("boundaries[1]", "must be at least 1 step").name
        'boundaries'
        """
        return _NAME.match(self.where)[0]  # type: ignore[index]  # it matches any text

    def under(self, outer: str, own_steps: bool = False) -> Self:
        """The same error as what holds the argument, `outer`, has it.

        Arguments:
            outer: the name there of what the argument belongs to.
            own_steps: whether what belongs there counts its steps differently.

        >>> error = ArgumentError("factor", "must fit", "3 at step 5", step=5)
        >>> error.under("schedule", own_steps=True)
        ArgumentError('schedule.factor must fit, got 3 at step 5 of its own')
        """
        where = f"{outer}{'' if self.where[:1] in ('', '[') else '.'}{self.where}"
        given, step = self.given, self.step
        if own_steps and step is not None:
            given, step = f"{given} of its own", None
        error = type(self)(where, self.must, given, self.advice, step)
        return error.with_traceback(self.__traceback__)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.where, self.must, self.given, self.advice, self.step)

    def _text(self) -> str:
        text = " ".join(filter(None, (self.where, self.must)))
        if self.given is not None:
            text += f", got {self.given}"
        return f"{text}; {self.advice}" if self.advice else text


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument of a kind that cannot be used.

    >>> raise ArgumentTypeError("lr", "must be a number", "'fast'")
    Traceback (most recent call last):
    schedules.errors.ArgumentTypeError: lr must be a number, got 'fast'
    """


def about(owner: Any, error: ValueError) -> ArgumentError | None:
    """An error if it is about an argument of `owner`, a dataclass; None if it is another's.

    A plain error, such as a schedule of a person's own may raise, names its argument first:

    >>> from schedules import Constant
    >>> about(Constant(lr=0.1), ValueError("lr must be small"))
    ArgumentError('lr must be small')
    >>> about(Constant(lr=0.1), ValueError("math domain error"))
    """
    if not isinstance(error, ArgumentError):
        where, _, must = str(error).partition(" ")
        error = ArgumentError(where, must)
    return error if error.name in {field.name for field in fields(owner)} else None


def raise_under(name: str, part: Any, error: ValueError, own_steps: bool = False) -> NoReturn:
    """Raise an error about an argument of a part under the part's name, another as it is.

    >>> from schedules import Constant
    >>> raise_under("schedules[1]", Constant(lr=0.1), ValueError("lr must be small"))
    Traceback (most recent call last):
    schedules.errors.ArgumentError: schedules[1].lr must be small
    """
    if (own := about(part, error)) is None:
        raise error
    raise own.under(name, own_steps) from error
