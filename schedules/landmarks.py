"""The steps of a trace at which its shape changes, in words."""

import numpy as np
from numpy.typing import NDArray

from schedules.schedule import Rates, Steps

_NOISE = 8 * np.finfo(np.float64).eps  # of a rate; less is rounding
_JUMP = 5  # times as far as the steps beside it
_BRIEF = 16  # steps between two changes of a trace that wavers
_MANY = 5  # that a person reads one by one

_KINDS = ("begins to fall", "holds", "begins to rise", "valley", "peak", "drops", "jumps up")
_FALLS, _HOLDS, _RISES, _VALLEY, _PEAK, _DROPS, _JUMPS_UP = range(7)


def landmarks(trace: Rates) -> list[tuple[int, str]]:
    """The steps at which a trace jumps, turns, or begins to rise, to fall or to hold.

    Of more than 5 alike at equal distances, such as stairs or cycles, only the first and the last
    are named; a stretch that goes up and down without a rule is named once, as "wavers". Changes in
    a rate's last bits are none, and neither is a hold of under a 10,000th of the trace.

    Arguments:
        trace: the rate of each step from 0, finite and at least 0.

    Returns:
        Steps after 0, in order, each with what happens there.

    >>> from schedules import Cosine, Step, Warmup
    >>> landmarks(Warmup(schedule=Cosine(lr=0.1, decay_steps=50), steps=10)(np.arange(100)))
    [(10, 'peak'), (60, 'holds')]
    >>> landmarks(Step(lr=0.1, factor=0.5, decay_steps=10)(np.arange(30)))
    [(10, 'drops'), (20, 'drops')]
    >>> landmarks(Step(lr=0.1, factor=0.9, decay_steps=10)(np.arange(1000)))
    [(10, 'drops, the first of 99'), (990, 'drops, the last of 99')]
    """
    if trace.size < 2:
        return []
    moves = np.diff(trace)
    moves[np.abs(moves) <= _NOISE * np.maximum(trace[1:], trace[:-1])] = 0
    jumps = _jumps(np.abs(moves))
    steps, kinds = _turns(trace, np.sign(moves).astype(np.int8), jumps)
    steps = np.concatenate([steps, jumps + 1])
    kinds = np.concatenate([kinds, np.where(moves[jumps] > 0, _JUMPS_UP, _DROPS)])
    order = np.lexsort((-kinds, steps))
    return _named(steps[order], kinds[order], trace.size)


def _jumps(far: Rates) -> Steps:
    """The moves that stand out from those beside them."""
    around = np.zeros(far.size)
    np.maximum(around[1:], far[:-1], out=around[1:])
    np.maximum(around[:-1], far[1:], out=around[:-1])
    return np.flatnonzero((far > 0) & (far >= _JUMP * around))


def _turns(trace: Rates, signs: NDArray[np.int8], jumps: Steps) -> tuple[Steps, Steps]:
    """The steps at which the direction changes apart from the jumps, and how it does."""
    at = np.delete(np.arange(signs.size), jumps)
    signs = signs[at]
    starts = np.flatnonzero(np.diff(signs, prepend=2))
    stops = np.append(starts, signs.size)[1:]
    long = stops - starts >= max(2, signs.size // 10_000)
    far = np.abs(trace[at[stops - 1] + 1] - trace[at[starts]]) > _NOISE * trace.max()
    starts = starts[long | (far & (signs[starts] != 0))]
    starts = starts[np.flatnonzero(np.diff(signs[starts], prepend=2))]
    before, after = signs[starts[:-1]], signs[starts[1:]]
    steps = at[starts[1:]]
    turns = (before * after < 0) & (at[starts[1:] - 1] == steps - 1)  # no jump in between
    kinds = np.where(turns, np.where(after < 0, _PEAK, _VALLEY), after + _HOLDS)
    return steps, kinds


def _named(steps: Steps, kinds: Steps, end: int) -> list[tuple[int, str]]:
    names = np.array(_KINDS, dtype=object)[kinds]
    kept = np.ones(steps.size, dtype=bool)
    for first, stop in _stretches(np.diff(steps, append=end) <= _BRIEF):
        stretch = slice(first, stop)
        if _wavers(steps[stretch], kinds[stretch]):
            kept[first + 1 : stop] = False
            kinds[stretch] = -1
            names[first] = "wavers"
    for kind in np.unique(kinds[kinds >= 0]):
        same = np.flatnonzero(kinds == kind)
        for first, stop in _stretches(np.diff(steps[same], n=2) == 0):
            among = same[first : stop + 2]
            if among.size > _MANY:
                kept[among[1:-1]] = False
                names[among[0]] = f"{_KINDS[kind]}, the first of {among.size}"
                names[among[-1]] = f"{_KINDS[kind]}, the last of {among.size}"
    found: dict[int, str] = {}
    for step, name in zip(steps[kept].tolist(), names[kept], strict=True):
        found[step] = f"{found[step]}, {name}" if step in found else name
    return list(found.items())


def _stretches(so: NDArray[np.bool_]) -> list[list[int]]:
    """Where each stretch of items that are `so` starts and stops."""
    edges = np.flatnonzero(np.diff(so, prepend=False, append=False))
    return edges.reshape(-1, 2).tolist()


def _wavers(steps: Steps, kinds: Steps) -> bool:
    """Whether many changes close together go up and down without a rule."""
    up = np.isin(kinds, (_RISES, _VALLEY, _JUMPS_UP))
    ruled = not any(np.diff(steps[kinds == kind], n=2).any() for kind in np.unique(kinds))
    return steps.size > _MANY and bool(up.any() and not up.all()) and not ruled
