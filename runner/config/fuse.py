"""How many runs train together as one program: `study.fuse` and `sweep.fuse`."""

from typing import Any

from runner.errors import Mistake

AUTO, OFF = "auto", "off"
MOST = 4096  # rows


def width_of(key: str, given: Any) -> int | None:
    """Return the most runs of a program, 1 for off, None for as many as are fastest.

    Raises Mistake for anything but auto, off and a whole number.

    >>> width_of("study.fuse", "auto"), width_of("study.fuse", False), width_of("study.fuse", 16)
    (None, 1, 16)
    """
    if given == AUTO:
        return None
    if given is False or given == OFF:
        return 1
    if type(given) is not int or not 1 <= given <= MOST:
        raise Mistake(key, f"must be auto, off or a whole number in [1, {MOST}]", repr(given))
    return given
