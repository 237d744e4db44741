"""Settings -> the learning rates of a run, without building what it trains."""

import numpy as np
from numpy.typing import NDArray

from runner.build.data import load
from runner.build.horizon import horizon, samples_of
from runner.build.numbers import numbers
from runner.config import Settings


def rates(settings: Settings) -> NDArray[np.float64]:
    """Return the learning rate of every update, as if no evaluation changed it.

    Raises Mistake for what does not fit.
    """
    return numbers(settings, horizon(settings, samples_of(load(settings.dataset)))).trace("lr")
