"""Shapes that families share."""

import numpy as np

from schedules.schedule import Rates


def between(low: float | Rates, high: float | Rates, share: Rates) -> Rates:
    """From exactly `low` at share 0 to exactly `high` at share 1, and never outside of them.

    `low + (high - low) * share` may miss `high` in the last bit; unlike a weighted mean of the two
    it never turns back. The rates are written over `share`.

    >>> between(0.1, 0.3, np.array([0.0, 0.5, 1.0])).tolist()
    [0.1, 0.2, 0.3]
    """
    at_high = share == 1
    share *= high - low
    share += low
    np.copyto(share, high, where=at_high)
    np.maximum(share, np.minimum(low, high), out=share)
    return np.minimum(share, np.maximum(low, high), out=share)


def half_cosine(progress: Rates) -> Rates:
    """From 1 at progress 0 to 0 at progress 1."""
    return 0.5 * (1 + np.cos(np.pi * progress))
