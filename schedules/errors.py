"""What is wrong with an argument, as fields: the text is made where a person reads it."""

from typing import Self


class ArgumentError(ValueError):
    """An argument that cannot be used.

    Arguments:
        where: its name, dotted from the outermost thing that was built: "schedule.boundaries[1]".
        must: what must hold, as it follows the name: "must lie in [0, 1]".
        given: what was given, as it is to be shown; None where `must` says all.
        advice: what to do instead.

    >>> error = ArgumentError("floor", "must lie in [0, lr]", "0.2 with lr 0.1")
    >>> error
    ArgumentError('floor must lie in [0, lr], got 0.2 with lr 0.1')
    >>> str(error.under("schedule"))
    'schedule.floor must lie in [0, lr], got 0.2 with lr 0.1'
    """

    def __init__(
        self, where: str, must: str = "", given: str | None = None, advice: str | None = None
    ) -> None:
        self.where = where
        self.must = must
        self.given = given
        self.advice = advice
        super().__init__(self._text())

    def under(self, outer: str) -> Self:
        """The same error as what holds the argument, `outer`, has it."""
        where = f"{outer}{'' if self.where[:1] in ('', '[') else '.'}{self.where}"
        error = type(self)(where, self.must, self.given, self.advice)
        return error.with_traceback(self.__traceback__)

    def __reduce__(self) -> tuple[type[Self], tuple[str | None, ...]]:
        return type(self), (self.where, self.must, self.given, self.advice)

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
