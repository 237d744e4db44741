"""Whose error it is, where one schedule is made of others."""

import re
from dataclasses import fields

from schedules.schedule import Schedule

_NAME = re.compile(r"\w+")
_AT_A_STEP = re.compile(r"step \d+$")


def is_of(schedule: Schedule, error: ValueError) -> bool:
    """Whether an error names an argument of `schedule`, rather than a function's own trouble."""
    name = _NAME.match(str(error))
    return name is not None and name[0] in {field.name for field in fields(schedule)}


def named(part: str, error: ValueError, own_steps: bool) -> ValueError:
    """An error of a part with the part's name in front, and at its step whose step it is.

    Arguments:
        part: the part's name, such as "schedules[1]".
        error: the part's own error.
        own_steps: whether the part counts its steps differently from the whole.

    >>> named("schedule", ValueError("factor must fit, got 3 at step 5"), own_steps=True)
    ValueError('schedule.factor must fit, got 3 at step 5 of its own')
    """
    whose = " of its own" if own_steps and _AT_A_STEP.search(str(error)) else ""
    return ValueError(f"{part}.{error}{whose}")
