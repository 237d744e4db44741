"""The axis at which the lines of trials end, with the colours of their outcomes beside it.

It reaches as far as the colours do; trials that are worse end in a place of their own beyond it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runner.report.pictures._columns import Column
from runner.report.pictures._values import Values
from runner.results.rows import Row

_BEYOND = 0.02  # of the height: how far from the end of it the worse trials are
_GAP = 0.12  # of the height: where the values begin then
_TIP = 0.06  # of the height: how far the colours' arrow reaches
_STRIP = 0.018  # of the picture's width: the colours


class Outcomes:
    """The axis of the outcomes of some trials."""

    def __init__(self, counted: Sequence[Row], values: Values) -> None:
        self._values = values
        self._pale = np.array([values.is_pale(row.objective[0]) for row in counted])
        low, high = values.coloured
        places = np.array([values.scaled(row.objective[0]) for row in counted])
        self._column = Column("", np.clip(places, low, high), log=values.log, ends=(low, high))

    @property
    def label(self) -> str:
        """The name of the axis."""
        return f"{self._values.title}{self._values.unit}{' (log)' if self._values.log else ''}"

    def heights(self) -> NDArray[np.float64]:
        """Return where the lines end, in [0, 1]."""
        beyond = _BEYOND if self._values.upwards else 1 - _BEYOND
        heights = self._column.heights(np.zeros(len(self._pale)))
        return np.where(self._pale, beyond, self._shifted(heights))

    def draw(self, axes: Any, x: float, write: Callable[[float, float, str], object]) -> None:
        """Draw it at x; write(place, height, text) writes beside it."""
        right = x + _STRIP * (x + 0.5)
        colours = self._values.colours
        low, high = self._values.coloured
        spaced = np.geomspace if self._values.log else np.linspace
        bottom, top = self._shifted(np.array([0.0, 1.0])).tolist()
        place = {"extent": (x, right, bottom, top), "origin": "lower", "aspect": "auto"}
        gradient = colours.to_rgba(spaced(low, high, 256))[:, np.newaxis]
        axes.imshow(gradient, zorder=3, **place)
        for height, text in self._column.ticks():
            write(right, float(self._shifted(np.array(height))), text)
        if not self._pale.any():
            return
        end, tip = (bottom, _TIP) if self._values.upwards else (top, 1 - _TIP)
        pale = self._values.scaled(self._values.pale)
        arrow = [(x, end), (right, end), ((x + right) / 2, tip)]
        axes.fill(*zip(*arrow, strict=True), color=colours.to_rgba(pale), zorder=3)
        beyond, sign = (_BEYOND, "<") if self._values.upwards else (1 - _BEYOND, ">")
        write(right, beyond, f"{sign} {pale:.4g}")

    def _shifted(self, heights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return heights of the axis in the picture, where it leaves room for those beyond."""
        if not self._pale.any():
            return heights
        return (_GAP if self._values.upwards else 0.0) + (1 - _GAP) * heights
