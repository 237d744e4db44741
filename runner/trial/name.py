"""The name of a training state: all that decides it."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from schedules.errors import ArgumentError

HASH = re.compile(r"[0-9a-f]{64}")
_FILE = re.compile(r"([0-9]{10,})-([0-9a-f]{64})\.safetensors")


@dataclass(frozen=True, order=True)
class StateName:
    """What a training state is a pure function of.

    Arguments:
        recipe: 64 hex digits, of what decides training beside the numbers that follow schedules.
        step: updates made, at least 0.
        trace: 64 hex digits, of the numbers of all updates so far.

    >>> StateName("a" * 64, 700, "b" * 64).file[:18]
    '0000000700-bbbbbbb'
    >>> StateName("a", 700, "b" * 64)
    Traceback (most recent call last):
    schedules.errors.ArgumentError: recipe must be 64 hex digits, got 'a'
    """

    recipe: str
    step: int
    trace: str

    def __post_init__(self) -> None:
        for field, value in (("recipe", self.recipe), ("trace", self.trace)):
            if not HASH.fullmatch(value):
                raise ArgumentError(field, "must be 64 hex digits", repr(value))
        if type(self.step) is not int or self.step < 0:
            raise ArgumentError("step", "must be an integer of at least 0", repr(self.step))

    def __str__(self) -> str:
        text = f"{self.recipe} {self.step} {self.trace}"
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def file(self) -> str:
        """The name of its file, in the folder that is named by its recipe."""
        return f"{self.step:010d}-{self.trace}.safetensors"

    @classmethod
    def of_file(cls, recipe: str, file: str) -> Self | None:
        """Return the name of the state that a file of a recipe's folder holds, None for what is
        named differently.

        >>> name = StateName("a" * 64, 700, "b" * 64)
        >>> StateName.of_file(name.recipe, name.file) == name
        True
        >>> StateName.of_file(name.recipe, "recipe.json")
        """
        match = _FILE.fullmatch(file)
        name = cls(recipe, int(match[1]), match[2]) if match else None
        return name if name and name.file == file else None
