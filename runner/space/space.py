"""What a study searches: keys, and when each is searched."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from runner.errors import Mistake
from runner.space.choice import Choice
from runner.space.interval import Interval
from runner.space.ordered import Ordered
from schedules.errors import ArgumentError

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

Spec = Interval | Choice | Ordered
Applies = Callable[[dict[str, str], str], bool]


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


@dataclass(frozen=True)
class Space:
    """What a study searches.

    Its order is its own, groups first, so that spaces written in another order are equal and draw
    the same trials.

    Arguments:
        entries: what is searched.
        group_names: which keys are configuration groups.

    Raises:
        Mistake: a key is searched twice for one trial, or a condition is about no searched group.

    >>> from runner.space import Choice, Interval
    >>> space = Space(
    ...     [
    ...         Entry("lr", Interval(1e-4, 1e-1, log=True)),
    ...         Entry("schedule", Choice(["cosine", "exponential"])),
    ...         Entry("schedule.decay_rate", Choice([0.5, 0.9]), (("schedule", "exponential"),)),
    ...     ],
    ...     frozenset({"schedule"}),
    ... )
    >>> [entry.key for entry in space.entries]
    ['schedule', 'lr', 'schedule.decay_rate']
    >>> space.encode({"schedule": "cosine", "lr": 0.01})
    {'schedule': 'cosine', 'lr': 0.01}
    """

    entries: Sequence[Entry]
    group_names: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        keys = {entry.key for entry in self.entries}
        object.__setattr__(self, "group_names", frozenset(self.group_names) & keys)
        for entry in self.entries:
            for group, option in entry.when:
                if group not in self.group_names:
                    must = f"must be searched for {entry.key} at {group}={option}"
                    raise Mistake(group, must)
        for one, other in itertools.combinations(self.entries, 2):
            if one.key == other.key and not one.excludes(other):
                given = f"{one.spec.text()} and {other.spec.text()}"
                raise Mistake(one.key, "must be searched once in a trial", given)
        depth = self._depths()
        ordered = sorted(self.entries, key=lambda e: (depth.get(e.key, len(depth)), e.key, e.when))
        object.__setattr__(self, "entries", tuple(ordered))

    def combinations(self) -> list[dict[str, str]]:
        """Return every combination of the searched groups that a trial may have.

        >>> from runner.space import Choice
        >>> Space([Entry("model", Choice(["mlp", "linear"]))], frozenset({"model"})).combinations()
        [{'model': 'mlp'}, {'model': 'linear'}]
        """
        groups = [entry for entry in self.entries if entry.key in self.group_names]
        return Space(groups, self.group_names).all(lambda choices, key: True)

    def suggest(self, trial: "BaseTrial", applies: Applies) -> dict[str, Any]:
        """Draw a value for every key that exists.

        Arguments:
            applies: (options of the searched groups, key) -> whether that configuration has the
                key. It is asked for keys that are no groups.
        """
        values: dict[str, Any] = {}
        for entry in self.entries:
            if self._wanted(entry, values, applies):
                values[entry.key] = entry.spec.suggest(trial, self._name(entry))
        return values

    def encode(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the inner parameters of real values; None when one is outside of the space.

        Keys that the values leave out do not exist there; all searched groups must be among them.
        """
        inner: dict[str, Any] = {}
        for entry in self.entries:
            if not entry.holds(values):
                continue
            if entry.key not in values:
                if entry.key in self.group_names:
                    return None
                continue
            encoded = entry.spec.encode(values[entry.key], self._name(entry))
            if encoded is None:
                return None
            inner |= encoded
        return inner

    def all(self, applies: Applies, most: int | None = None) -> list[dict[str, Any]]:
        """Return the values of every possible trial, the last key varying fastest.

        Arguments:
            most: where to stop.

        Raises:
            Mistake: a key that exists in some trial is continuous.
        """
        return list(itertools.islice(self._from(0, {}, applies), most))

    def rename(self, inner: str) -> str:
        """Return the key that an inner parameter belongs to.

        >>> from runner.space import Interval
        >>> space = Space([Entry("schedule.boundaries", Ordered(2, Interval(1, 9)))])
        >>> space.rename("schedule.boundaries[1]")
        'schedule.boundaries'

        Raises:
            KeyError: it is no inner parameter of this space.
        """
        for entry in self.entries:
            spec, name = entry.spec, self._name(entry)
            if inner in (spec.inner_names(name) if isinstance(spec, Ordered) else [name]):
                return entry.key
        raise KeyError(inner)

    def text(self) -> dict[str, Any]:
        """Return its normal form as plain data; equal spaces have equal texts."""
        return {
            "groups": sorted(self.group_names),
            "entries": [
                {"key": entry.key, "spec": entry.spec.text()}
                | ({"when": dict(entry.when)} if entry.when else {})
                for entry in self.entries
            ],
        }

    def _depths(self) -> dict[str, int]:
        """Return how many groups, one above the other, the search of a group depends on."""
        needs = {
            key: {group for entry in self.entries if entry.key == key for group, _ in entry.when}
            for key in sorted(self.group_names)
        }
        depths: dict[str, int] = {}
        try:
            for group in TopologicalSorter(needs).static_order():
                depths[group] = max((depths[other] + 1 for other in needs[group]), default=0)
        except CycleError as error:
            raise Mistake(error.args[1][0], "must not depend on itself") from error
        return depths

    def _wanted(self, entry: Entry, values: Mapping[str, Any], applies: Applies) -> bool:
        if not entry.holds(values):
            return False
        choices = {key: value for key, value in values.items() if key in self.group_names}
        return entry.key in self.group_names or applies(choices, entry.key)

    def _from(
        self, start: int, values: dict[str, Any], applies: Applies
    ) -> Iterator[dict[str, Any]]:
        for i, entry in enumerate(self.entries[start:], start):
            if self._wanted(entry, values, applies):
                try:
                    options = entry.spec.values()
                except ArgumentError as error:
                    raise Mistake.of(error, entry.key) from error
                for value in options:
                    yield from self._from(i + 1, {**values, entry.key: value}, applies)
                return
        yield values

    def _name(self, entry: Entry) -> str:
        """Return an entry's name in Optuna, where a name has one distribution in a study."""
        if sum(entry.key == other.key for other in self.entries) == 1:
            return entry.key
        return f"{entry.key} ({', '.join(f'{group}={option}' for group, option in entry.when)})"
