"""Which beginnings the runs of a grid have in common, and in what order they are trained once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np

from runner.states import Announcement, Wanted
from runner.sweep.launch import Job
from runner.trial import StateName, Trial

MOST_BYTES = 2**29  # of numbers that are compared


@dataclass(frozen=True)
class Share:
    """What a run has in common with others.

    place: its number among all. cuts: updates behind which one of them parts from it. group: the
    place of the first of those that begin alike.
    """

    place: int
    cuts: frozenset[int] = frozenset()
    group: int = 0


def shares(trials: Sequence[Trial | None]) -> list[Share]:
    """Return runs in the order in which common beginnings are trained once and the fewest states
    are kept for others: all that go on from a state come behind each other.

    Trials that share nothing keep their order. None stands for one of which nothing is known
    before it is made, as for a schedule that listens.

    >>> from schedules import Horizon, PiecewiseConstant
    >>> from runner.trial import Numbers, Recipe, Trial
    >>> recipe = Recipe({}, {}, {}, {}, 1, 0, "float32", "cpu", 1, None, {})
    >>> def cut(*boundaries):
    ...     factors = (1.0, 0.1, 0.01)[: len(boundaries) + 1]
    ...     schedule = PiecewiseConstant(lr=1.0, boundaries=boundaries, factors=factors)
    ...     return Trial(recipe, Numbers({"lr": schedule}, Horizon(9, 3)), eval_every=3)
    >>> [(one.place, sorted(one.cuts)) for one in shares([cut(3, 6), cut(5, 7), cut(3, 8)])]
    [(0, [3, 6]), (2, [3, 6]), (1, [3])]
    """
    families: dict[str, list[int]] = {}
    for place, trial in enumerate(trials):
        known = trial is not None and not trial.numbers["lr"].listens
        families.setdefault(trial.recipe.digest if trial and known else str(place), []).append(
            place
        )
    found: list[list[Share]] = []
    for places in families.values():
        if len(places) == 1:
            found.append([Share(places[0])])
        else:
            found += _family([(place, trials[place]) for place in places])  # type: ignore[misc]
    found.sort(key=lambda shares: min(one.place for one in shares))
    grouped = [(one, min(other.place for other in shares)) for shares in found for one in shares]
    return [replace(one, group=group) for one, group in grouped]


class Partings:
    """The states at which jobs part, which stay until the last job on whose way they are has
    ended."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._places: dict[tuple[Path, StateName], set[int]] = {}
        self._announced: dict[Path, Announcement] = {}
        for place, job in enumerate(jobs):
            for name in _partings(job):
                self._places.setdefault((Path(job.settings.states.folder), name), set()).add(place)

    def __enter__(self) -> Self:
        for folder in {folder for folder, _ in self._places}:
            names = {name for one, name in self._places if one == folder}
            self._announced[folder] = Wanted(folder).announce(names)
        return self

    def __exit__(self, *error: object) -> None:
        for one in self._announced.values():
            one.close()

    def ended(self, places: Sequence[int]) -> None:
        """Let the states go that only jobs needed which have ended now."""
        for (folder, name), left in self._places.items():
            if left and not left.difference(places):
                self._announced[folder].done(name)
            left.difference_update(places)


def _partings(job: Job) -> set[StateName]:
    """Return the states on a job's way from which another one parts."""
    trial, states = job.trial, job.settings.states
    if trial is None or not states.enabled or trial.numbers["lr"].listens:
        return set()
    threads = trial.recipe.threads and (job.settings.threads or trial.recipe.threads)
    placed = replace(trial, recipe=replace(trial.recipe, threads=threads))
    return {placed.name(step) for step in states.cuts if isinstance(step, int)}


def _family(members: Sequence[tuple[int, Trial]]) -> list[list[Share]]:
    """Return the runs of one recipe in order, those together that begin alike."""
    size = sum(trial.horizon.total_steps * len(trial.numbers) * 8 for _, trial in members)
    if size > MOST_BYTES:
        return [[Share(place)] for place, _ in members]
    rows = {place: _rows(trial) for place, trial in members}
    ordered = _depth_first(rows)
    common = [0, *(_common(rows[a], rows[b]) for a, b in pairwise(ordered))]
    found: list[list[Share]] = []
    for i, place in enumerate(ordered):
        share = Share(place, _cuts(common[i:0:-1]) | _cuts(common[i + 1 :]))
        if common[i]:
            found[-1].append(share)
        else:
            found.append([share])
    return found


def _depth_first(rows: Mapping[int, np.ndarray]) -> list[int]:
    """Return places such that at each parting all that go one way stand together, and the way of
    the first place comes first."""
    alike = sorted(rows, key=lambda place: rows[place].tobytes())
    common = [_common(rows[a], rows[b]) for a, b in pairwise(alike)]
    found, left = list[int](), [(0, len(alike))]
    while left:
        start, stop = left.pop()
        if stop - start == 1:
            found.append(alike[start])
            continue
        least = min(common[start : stop - 1])
        partings = [i + 1 for i in range(start, stop - 1) if common[i] == least]
        ways = pairwise([start, *partings, stop])
        left += sorted(ways, key=lambda way: min(alike[way[0] : way[1]]), reverse=True)
    return found


def _rows(trial: Trial) -> np.ndarray:
    """Return the numbers of each update: (total_steps, count) float64."""
    return np.stack([trial.numbers.trace(name) + 0.0 for name in sorted(trial.numbers)], axis=1)


def _common(one: np.ndarray, other: np.ndarray) -> int:
    """Return how many updates two runs have in common."""
    n = min(len(one), len(other))
    differ = np.flatnonzero((one[:n] != other[:n]).any(axis=1))
    common = int(differ[0]) if differ.size else n
    return common if common > 1 else 0  # the first one is sooner made than stored


def _cuts(common: Sequence[int]) -> frozenset[int]:
    """Return behind which updates runs part from one, by what each has in common with the one
    before."""
    found, least = set[int](), common[0] if common else 0
    for one in common:
        least = min(least, one)
        if least == 0:
            break
        found.add(least)
    return frozenset(found)
