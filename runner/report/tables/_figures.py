"""Values and durations as people read them."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

from runner.report.words import number, spread

WIDEST = 160  # letters of a line


def shown(value: Any) -> str:
    """Return a searched value as people read it, floats to 4 digits.

    >>> [shown(value) for value in (0.00123456, None, True, "10%", ["30%", 0.5])]
    ['0.001235', 'null', 'true', '10%', '[30%, 0.5]']
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def over_seeds(metric: str, mean: float, values: Sequence[float]) -> str:
    """Return a mean with its standard deviation where there are several values.

    >>> over_seeds("val/loss", 0.5, [0.4, 0.6]), over_seeds("val/loss", 0.5, [0.5])
    ('0.5 ± 0.14', '0.5')
    """
    if not math.isfinite(mean):
        return "not finite"
    if len(values) < 2:
        return number(metric, mean)
    return spread(metric, mean, statistics.stdev(values))


def duration(seconds: float) -> str:
    """Return a rough duration.

    >>> duration(89), duration(600), duration(9000)
    ('89 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def cut(text: str, letters: int) -> str:
    """Return a text of no more letters than given.

    >>> cut("a long text", 8)
    'a lon...'
    """
    return text if len(text) <= letters else f"{text[: letters - 3]}..."
