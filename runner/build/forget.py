"""Nothing is kept that a person's own code has made: it may have changed since."""

from runner.build import compiling, data, metrics, numbers, rehearsal, state
from runner.config import options


def forget() -> None:
    """Build anew what the next run starts with, and look again for the options that there are.

    In a notebook a class is defined again and a file edited between two runs whose settings are
    the same. Data sets that come by name stay.
    """
    compiling.forget()
    data.forget()
    metrics.forget()
    numbers.forget()
    rehearsal.forget()
    state.forget()
    options.forget()
