"""The numbers of the end: which trials are the best, and how sure that is."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.results.definition import Definition, Goal
from runner.results.result import Status
from runner.results.rows import Row, ranked

ABSENT = "-"  # stands for the value of a key that does not exist in a trial
CANDIDATES = 3  # trials that are trained again
_LEVEL = 0.95


@dataclass(frozen=True)
class Confirmed:
    """A candidate that was trained again on fresh seeds, the same ones in order for all.

    label: "baseline" or "trial 17". values: the searched values by key. number: of its trial.
    per_seed: the first goal's value of each seed. test: metric -> its value of each seed. step: the
    least that two values can differ by: of an accuracy 1 / samples. run_ids: the run of each seed,
    "" where it was not recorded. first_seed: the seeds are it and those that follow.
    """

    label: str
    values: Mapping[str, Any]
    number: int
    per_seed: tuple[float, ...]
    test: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    step: float = 0.0
    run_ids: tuple[str, ...] = ()
    first_seed: int = 0

    @property
    def mean(self) -> float:
        """The mean over the seeds; nan where one is not finite."""
        return _mean(self.per_seed)

    @property
    def middle(self) -> int:
        """The place of the seed whose value is the median, of an even number the lower one.

        >>> Confirmed("", {}, 1, (0.5, 0.9, 0.7)).middle
        2
        """
        order = sorted(range(len(self.per_seed)), key=lambda i: self.per_seed[i])
        return order[(len(order) - 1) // 2]


@dataclass(frozen=True)
class Difference:
    """A mean difference over n seeds and its 95 % interval, nan where there is none."""

    mean: float
    low: float
    high: float
    n: int

    def better(self, goal: Goal) -> bool:
        """Return whether the whole interval lies on the better side."""
        return goal.better(self.low, 0.0) and goal.better(self.high, 0.0)


@dataclass(frozen=True)
class Answer:
    """What a study has found so far.

    name: the study's. status: FINISHED; KILLED where somebody interrupted; FAILED where too many
    trials crashed, workers ended early or the answer could not be confirmed. goals: what was
    searched for, the first one decides. verdict: what fresh seeds have shown, in a sentence.
    values: of what won, or of the best trial where none was confirmed, by key. command: trains that
    again. best: the best trial of the search; trials: all of them. winner, confirmed, baseline: as
    fresh seeds found them, see `winner`. folder: of pictures and files, "" where nothing was found.
    """

    name: str
    status: Status
    goals: tuple[Goal, ...] = field(repr=False)
    verdict: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    command: str = field(default="", repr=False)
    best: Row | None = field(default=None, repr=False)
    winner: Confirmed | None = field(default=None, repr=False)
    confirmed: tuple[Confirmed, ...] = field(default=(), repr=False)
    baseline: Confirmed | None = field(default=None, repr=False)
    trials: tuple[Row, ...] = field(default=(), repr=False)
    folder: str = field(default="", repr=False)


def paired(candidate: Confirmed, baseline: Confirmed) -> Difference:
    """Return candidate minus baseline, seed by seed.

    The interval is mean +- t * s / sqrt(n), with s the standard deviation of the differences and t
    the 0.975 quantile of Student's distribution with n - 1 degrees of freedom; nan for one seed.
    s is at least step / sqrt(6), what rounding alone makes: seeds may agree by chance.

    >>> one = Confirmed("trial 17", {}, 17, (0.93, 0.95, 0.94))
    >>> other = Confirmed("baseline", {}, 0, (0.92, 0.92, 0.92))
    >>> found = paired(one, other)  # differences 0.01, 0.03, 0.02; t = 4.3027, s = 0.01
    >>> [round(number, 4) for number in (found.mean, found.low, found.high)]
    [0.02, -0.0048, 0.0448]
    """
    pairs = zip(candidate.per_seed, baseline.per_seed, strict=True)
    differences = [one - other for one, other in pairs]
    n, mean = len(differences), _mean(differences)
    if n < 2 or not math.isfinite(mean):
        return Difference(mean, math.nan, math.nan, n)
    # scipy.stats loads for a second longer
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    rounding = max(candidate.step, baseline.step) / math.sqrt(6)
    spread = max(statistics.stdev(differences), rounding) / math.sqrt(n)
    half = float(stdtrit(n - 1, (1 + _LEVEL) / 2)) * spread
    return Difference(mean, mean - half, mean + half, n)


def leader(confirmed: Sequence[Confirmed], goal: Goal) -> Confirmed | None:
    """Return the one with the best mean; None where no mean is finite."""
    finite = [one for one in confirmed if math.isfinite(one.mean)]
    return min(finite, key=lambda one: goal.cost(one.mean), default=None)


def winner(
    confirmed: Sequence[Confirmed], baseline: Confirmed | None, goal: Goal
) -> Confirmed | None:
    """Return the best by mean of those that are shown to be better than the baseline.

    It is the baseline when none is, and the leader when there is no baseline.
    """
    if baseline is None:
        return leader(confirmed, goal)
    shown = [one for one in confirmed if paired(one, baseline).better(goal)]
    return leader(shown, goal) or baseline


def candidates(rows: Sequence[Row], definition: Definition, n: int = CANDIDATES) -> list[Row]:
    """Return the best n trials to train again by the first goal, the baseline not among them; with
    several goals of those that none beats."""
    order = front(rows, definition) if len(definition.goals) > 1 else ranked(rows, definition)
    return [row for row in order if not row.baseline][:n]


def changes(
    values: Mapping[str, Any], baseline_values: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """Return the keys in which values differ from the baseline's: (old, new).

    >>> changes({"schedule": "cosine", "lr": 0.1}, {"schedule": "step", "lr": 0.1, "power": 2})
    {'schedule': ('step', 'cosine'), 'power': (2, '-')}
    """
    pairs = {
        key: (baseline_values.get(key, ABSENT), values.get(key, ABSENT))
        for key in (*values, *(key for key in baseline_values if key not in values))
    }
    return {key: (old, new) for key, (old, new) in pairs.items() if old != new}


def front(rows: Sequence[Row], definition: Definition) -> list[Row]:
    """Return the trials that no other one beats in every goal, in the first goal's order."""
    counted = ranked(rows, definition)
    return [row for row in counted if not any(_beats(one, row, definition) for one in counted)]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _beats(one: Row, other: Row, definition: Definition) -> bool:
    """Return whether one is nowhere worse than another and somewhere better."""
    triples = list(zip(definition.goals, one.objective, other.objective, strict=True))
    worse = any(goal.better(theirs, ours) for goal, ours, theirs in triples)
    return not worse and any(goal.better(ours, theirs) for goal, ours, theirs in triples)
