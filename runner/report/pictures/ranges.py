"""How far the axes of learning rates reach."""

import statistics
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from schedules.plot import LOG_SPAN

_USUAL = 5  # times the median of the highest rates: what may decide an axis
_FALL = 1e-2  # of its own highest rate: how much of each trace it shows at least
_Trace = NDArray[np.float64]


def ends(kept: Sequence[_Trace], others: Sequence[_Trace]) -> tuple[float, float]:
    """Return the lowest and the highest rate of a logarithmic axis, 0 and 0 where no rate is above.

    kept: traces whose highest rates it must show. others: traces that it shows where they are not
    far above the most.

    >>> flat = [np.full(3, rate) for rate in (0.01, 0.02, 0.03, 1e6)]
    >>> ends([np.array([0.02, 0.004])], flat)
    (0.004, 0.03)
    """
    must = [peak for peak in map(_peak, kept) if peak > 0]
    peaks = [peak for peak in map(_peak, others) if peak > 0]
    usual = _USUAL * statistics.median(peaks) if peaks else 0.0
    high = max([*must, *(peak for peak in peaks if peak <= usual)], default=0.0)
    if not high:
        return 0.0, 0.0
    shown = [trace[trace > 0] for trace in [*kept, *others] if 0 < _peak(trace) <= high]
    lowest = min(float(rates.min()) for rates in shown)
    return max(lowest, min(high * LOG_SPAN, min(must, default=high) * _FALL)), high


def beyond(traces: Sequence[_Trace], low: float, high: float) -> int:
    """Return how many traces rise above an axis or lie below it.

    >>> beyond([np.array([2.0, 1.0]), np.array([1.0, 0.01]), np.array([0.02, 0.01])], 0.1, 1.0)
    2
    """
    return sum(not low <= _peak(trace) <= high for trace in traces)


def _peak(trace: _Trace) -> float:
    return float(trace.max())
