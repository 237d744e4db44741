"""How long a run is."""

from dataclasses import dataclass

from schedules import _checks
from schedules.errors import ArgumentError

MAX_STEPS = 2**53  # beyond it a float64 no longer tells one step from the next


@dataclass(frozen=True)
class Horizon:
    """The length of a run, which gives durations such as "10%" and "2ep" their steps.

    Arguments:
        total_steps: optimizer updates in the whole run, at least 1.
        steps_per_epoch: updates in one pass over the data, at least 1; a run may be shorter.
        samples_per_epoch: samples in one pass, at least 1, which "5000samples" needs, or None.

    Raises:
        ValueError, TypeError: an argument is not a whole number of at least 1.

    >>> Horizon(total_steps=1000, steps_per_epoch=100)
    Horizon(total_steps=1000, steps_per_epoch=100, samples_per_epoch=None)
    """

    total_steps: int
    steps_per_epoch: int
    samples_per_epoch: int | None = None

    def __post_init__(self) -> None:
        for name in ("total_steps", "steps_per_epoch", "samples_per_epoch"):
            if name == "samples_per_epoch" and self.samples_per_epoch is None:
                continue
            count = _checks.whole(name, getattr(self, name), 1)
            if count > MAX_STEPS:
                raise ArgumentError(name, "must be at most 2**53", str(count))
            object.__setattr__(self, name, count)

    def of(self, total_steps: int) -> "Horizon":
        """The same passes over the data in a run of another length.

        >>> Horizon(total_steps=1000, steps_per_epoch=100).of(300).total_steps
        300
        """
        return Horizon(total_steps, self.steps_per_epoch, self.samples_per_epoch)
