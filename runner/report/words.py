"""Numbers and texts as people read them; what a metric is stands in `runner.results.metrics`."""

import math
import statistics
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size

from runner.results.answer import ABSENT, Difference
from runner.results.metrics import metric


def heading(key: str) -> str:
    """Return a metric's name.

    >>> heading("val/accuracy")
    'val accuracy'
    """
    return key.replace("/", " ")


def number(key: str, value: float) -> str:
    """Return a metric's value.

    >>> number("val/accuracy", 0.98765), number("val/loss", 0.04321)
    ('98.77 %', '0.04321')
    """
    known = metric(key)
    return f"{known.factor * value:.2f} {known.unit}" if known.percent else f"{value:.4g}"


def figure(key: str, value: float) -> str:
    """Return a metric's name and value.

    >>> figure("val/accuracy", 0.98765), figure("val/loss", 0.04321)
    ('val accuracy 98.77 %', 'val loss 0.04321')
    """
    return f"{heading(key)} {number(key, value)}"


def spread(key: str, values: Sequence[float]) -> str:
    """Return the mean of a metric's values, with their standard deviation where there are several.

    >>> spread("val/accuracy", [0.98, 0.99]), spread("val/loss", [0.4, 0.6]), spread("x", [0.5])
    ('98.50 ± 0.71 %', '0.5 ± 0.14', '0.5')
    >>> spread("val/loss", [0.5, math.nan])
    'not finite'
    """
    mean = statistics.fmean(values)
    if not math.isfinite(mean):
        return "not finite"
    if len(values) < 2:
        return number(key, mean)
    known, deviation = metric(key), statistics.stdev(values)
    if known.percent:
        return f"{known.factor * mean:.2f} ± {known.factor * deviation:.2f} {known.unit}"
    return f"{mean:.4g} ± {deviation:.2g}"


def difference(key: str, found: Difference) -> str:
    """Return a difference of a metric's values with its interval; of shares in percentage points.

    >>> difference("val/accuracy", Difference(0.02, -0.005, 0.045, n=3))
    '+2.00 points [-0.50, +4.50]'
    >>> difference("val/loss", Difference(-0.1, math.nan, math.nan, n=1))
    '-0.1'
    """
    if not math.isfinite(found.mean):
        return ABSENT
    known = metric(key)
    mean, low, high = (
        f"{known.factor * x:+.2f}" if known.percent else f"{x:+.4g}"
        for x in (found.mean, found.low, found.high)
    )
    interval = "" if math.isnan(found.low) else f" [{low}, {high}]"
    return f"{mean}{' points' if known.percent else ''}{interval}"


def shown(value: Any) -> str:
    """Return a searched value, floats to 4 digits.

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


def counted(n: int, one: str, several: str = "") -> str:
    """Return a number of things.

    >>> counted(1, "seed"), counted(3, "seed"), counted(2, "copy", "copies")
    ('1 seed', '3 seeds', '2 copies')
    """
    return f"{n} {one if n == 1 else several or f'{one}s'}"


def duration(seconds: float) -> str:
    """Return a rough duration.

    >>> duration(89), duration(600), duration(9000)
    ('89 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def cut(text: str, width: int) -> str:
    """Return a text no wider than given, in letters; wide ones count twice.

    >>> cut("a long text", 8), cut("学習率", 5)
    ('a lon...', '学...')
    """
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 3)}..."
