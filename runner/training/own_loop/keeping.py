"""Who keeps states of a loop, as the loop's run asks it."""

from typing import Protocol


class Keeping(Protocol):
    """Keeps the state of a loop between two of its steps."""

    def is_due(self, step: int) -> bool:
        """Return whether to keep the state behind a step; asked behind each one."""

    def keep(self, *, last: bool) -> None:
        """Keep the state, all of which is heard. last: no step follows."""
