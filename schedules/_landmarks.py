"""The steps at which a schedule's shape changes, each with its name."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import chain
from operator import itemgetter

Landmark = tuple[int, str]
_STEP = itemgetter(0)


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of a stretch of a run: those of which there are few, and those without an end.

    Arguments:
        once: in any order, those outside of the stretch included.
        repeated: stairs and cycles, in order, one by one, from the start of the stretch on.
    """

    once: Iterable[Landmark] = ()
    repeated: Iterable[Landmark] = ()

    def __add__(self, other: "Landmarks") -> "Landmarks":
        return together(self, other)

    def moved(self, steps: int) -> "Landmarks":
        """The same, so many steps later."""
        return Landmarks(_moved(self.once, steps), _moved(self.repeated, steps))

    def within(self, start: int, stop: int) -> "Landmarks":
        """Those at `start` or later, and before `stop`."""
        return Landmarks(
            [(step, name) for step, name in self.once if start <= step < stop],
            _within(self.repeated, start, stop),
        )

    def in_order(self) -> Iterator[Landmark]:
        """All of them by their steps, one by one."""
        return merge(sorted(self.once, key=_STEP), self.repeated, key=_STEP)

    def first(self, most: int) -> list[Landmark]:
        """Those of which there are few, then the first of the others, in order, one a step."""
        found: dict[int, str] = {}
        for step, name in chain(sorted(self.once, key=_STEP), self.repeated):
            if len(found) == most and step not in found:
                break
            found.setdefault(step, name)
        return sorted(found.items())


def together(*several: Landmarks) -> Landmarks:
    """All of several; where two are at one step, the name of the first counts."""
    once = [landmark for landmarks in several for landmark in landmarks.once]
    return Landmarks(once, merge(*(landmarks.repeated for landmarks in several), key=_STEP))


def multiples(length: int, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """i and i * length, i from 1 on, for `start` <= i * length < `stop`.

    >>> list(multiples(10, start=15, stop=40))
    [(2, 20), (3, 30)]
    """
    for i in range(max(1, -(-start // length)), -(-stop // length)):
        yield i, i * length


def _moved(landmarks: Iterable[Landmark], steps: int) -> Iterator[Landmark]:
    return ((step + steps, name) for step, name in landmarks)


def _within(landmarks: Iterable[Landmark], start: int, stop: int) -> Iterator[Landmark]:
    for step, name in landmarks:
        if step >= stop:
            return
        if step >= start:
            yield step, name
