"""How a run ended, and where its record is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from runner.results.records import Records


@dataclass(frozen=True)
class Link:
    """Where a run is to be found. look, compare: how to open its page, and that of all runs of its
    experiment. folder: of its files, "" where no folder of this machine has them."""

    run_id: str
    experiment_id: str
    experiment: str
    uri: str
    look: str = ""
    compare: str = ""
    folder: str = ""


class Status(StrEnum):
    """How a run ended.

    >>> Status.DIVERGED.exit_status
    3
    """

    FINISHED = "FINISHED"
    DIVERGED = "DIVERGED"
    FAILED = "FAILED"
    KILLED = "KILLED"
    PRUNED = "PRUNED"

    @property
    def exit_status(self) -> int:
        """The exit status of a command whose only run ended so."""
        return _EXIT_STATUS[self]


_EXIT_STATUS = {
    Status.FINISHED: 0,
    Status.PRUNED: 0,
    Status.FAILED: 1,
    Status.DIVERGED: 3,
    Status.KILLED: 130,
}


@dataclass(frozen=True)
class Result:
    """How a run ended, after `steps` updates.

    metrics: of the last evaluation, or of the best one with keep=best, and of the test; the weights
    had seen `kept_step` updates then. metric: the key of what says which of two runs is better.
    reason: why it did not finish. note: what is odd though it did. details: the traceback of a
    failure. layers: the highest rates of parameter groups where they have their own, see
    `runner.trial.groups.own_rates`. clipped: of how many updates the gradient was cut; None where
    no clipping is chosen. picture: a file of the rates. rates: those used, where the schedule
    listens to the run. lr, seed: what was asked for. setting: in a sweep, the same text for runs
    that differ by their seed alone; setting_name: its name for people. reused: of the steps, those
    that were stored. run_ids: what each tracker calls the run. records: of every update, where
    somebody has asked for them.
    """

    name: str
    status: Status
    metrics: dict[str, float] = field(default_factory=dict)
    kept_step: int = 0
    steps: int = 0
    reason: str = ""
    note: str = ""
    details: str = ""
    seconds: float = 0.0
    command: str = ""
    link: Link | None = None
    run_ids: tuple[str, ...] = ()
    delivered: bool = True
    layers: Mapping[str, Sequence[float]] = field(default_factory=dict)
    clipped: int | None = None
    picture: str = ""
    rates: NDArray[np.float64] | None = field(default=None, compare=False, repr=False)
    lr: float | None = None
    seed: int | None = None
    setting: str = ""
    setting_name: str = ""
    metric: str = "val/accuracy"
    reused: int = 0
    records: Records | None = field(default=None, compare=False, repr=False)


def exit_status(results: Sequence[Result]) -> int:
    """Return the exit status of a command that made these runs: 0, 1 if one failed, 3 if all
    diverged, 130 if interrupted.

    >>> exit_status([Result("a", Status.FINISHED), Result("b", Status.DIVERGED)])
    0
    """
    statuses = {result.status for result in results}
    for worst in (Status.KILLED, Status.FAILED):
        if worst in statuses:
            return worst.exit_status
    return Status.DIVERGED.exit_status if statuses == {Status.DIVERGED} else 0
