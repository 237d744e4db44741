"""Waiting that lets others of the same thread go on."""

import contextvars
import time
from collections.abc import Callable

Pause = Callable[[float], None]  # seconds

_how: contextvars.ContextVar[Pause | None] = contextvars.ContextVar("pause", default=None)


def pause(seconds: float) -> None:
    """Wait for about so long."""
    (_how.get() or time.sleep)(seconds)


def context(how: Pause) -> contextvars.Context:
    """Return a context in which `pause` waits otherwise.

    >>> waited = []
    >>> context(waited.append).run(pause, 0.25)
    >>> waited
    [0.25]
    """
    found = contextvars.copy_context()
    found.run(_how.set, how)
    return found
