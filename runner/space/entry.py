"""A key that is searched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.space.choice import Choice
from runner.space.interval import Interval
from runner.space.ordered import Ordered

Spec = Interval | Choice | Ordered


@dataclass(frozen=True)
class Entry:
    """A key that is searched, and the group options under which it is: all of `when`."""

    key: str
    spec: Spec
    when: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "when", tuple(sorted(set(self.when))))

    def holds(self, choices: Mapping[str, Any]) -> bool:
        """Return whether it is searched under these choices of groups."""
        return all(choices.get(group) == option for group, option in self.when)

    def excludes(self, other: "Entry") -> bool:
        """Return whether no trial has both."""
        options = dict(self.when)
        return any(options.get(group, option) != option for group, option in other.when)
