"""How much is said: all of it on a terminal and in a log, little in a notebook, or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Audience:
    """Who listens. lines: of progress at most so many, None for all. silent: to nothing at all."""

    lines: int | None = None
    silent: bool = False

    def hears(self, before: int, now: int, total: int) -> bool:
        """Return whether the way from `before` to `now`, of a total, is worth a line of progress:
        of many such ways the first, some at even distances, and the last.

        >>> [step for step in range(1, 11) if Audience(lines=4).hears(step - 1, step, 10)]
        [1, 3, 6, 9, 10]
        """
        if self.silent or not self.lines:
            return not self.silent and self.lines is None
        each = -(-total // self.lines)
        return before <= 0 or before // each < now // each or now == total


_now = Audience()  # of the whole process, as its terminal is


def audience() -> Audience:
    """Return who listens now."""
    return _now


@contextmanager
def listening(found: Audience) -> Iterator[None]:
    """While open, speak to another audience."""
    global _now
    before, _now = _now, found
    try:
        yield
    finally:
        _now = before


@contextmanager
def sharing(parts: int) -> Iterator[None]:
    """While open, let so many parts share the lines of progress.

    >>> with listening(Audience(lines=10)), sharing(4):
    ...     audience()
    Audience(lines=2, silent=False)
    """
    lines = None if _now.lines is None else _now.lines // parts
    with listening(Audience(lines, _now.silent)):
        yield
