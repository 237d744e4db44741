"""Where the record of a run is to be found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Link:
    """Where a run is to be found. look, compare: how to open its page, and that of all runs of its
    experiment."""

    run_id: str
    experiment_id: str
    experiment: str
    uri: str
    look: str = ""
    compare: str = ""
