"""What a page that compares runs shows, as plain data: a tracker that has such pages makes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

KIND, STUDY, SWEEP = "kind", "study", "sweep"  # tags of a run: what it is, and part of what
SETTING, STATUS = "setting", "status"  # what differs from the others beside the seed; how it ended
RUN, JOB, TRIAL, CONFIRM, SUMMARY = "run", "job", "trial", "confirm", "summary"  # kinds
DESCRIPTION = "mlflow.note.content"  # the tag of a run or experiment that MLflow's page shows
DESCRIPTION_CHARACTERS = 7500  # MLflow cuts a tag of a run at 8,000
ENDING = (STATUS, DESCRIPTION, "reason", "diverged", "pruned")  # tags that only an end has
SINGLE = "runs"  # the experiment of single runs, and the view of them
FEW, MANY = 10, 20  # runs whose curves lie over each other: of more than 20 the best ten


@dataclass(frozen=True)
class View:
    """Runs of one experiment side by side, the best one first.

    name: what it is found by. tags: that its runs have. prefix: how their names begin. metric: what
    ranks them, descending if more is better; "" for the newest first. lines: metrics over the
    steps, the first three in front. bars: metrics compared by their last value. keys: parameters
    that are listed. axes: those of the parallel coordinates, which every run has. group: the tag
    whose runs are shown by their mean, "" for single runs; groups: its values, as far as they are
    known. metrics: that are listed. charted: how many runs are charted, the first ones.
    """

    name: str
    lines: tuple[str, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    prefix: str = ""
    metric: str = ""
    descending: bool = True
    bars: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    axes: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    charted: int = MANY
    group: str = ""
    groups: tuple[str, ...] = ()


def charted(runs: int) -> int:
    """Return how many of so many runs are charted: a hundred curves are neither quick nor readable.

    >>> charted(20), charted(21)
    (20, 10)
    """
    return MANY if runs <= MANY else FEW


def spread_key(metric: str) -> str:
    """Return the key of a metric's standard deviation over seeds."""
    return f"{metric}/deviation"
