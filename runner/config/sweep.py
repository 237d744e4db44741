"""The node `sweep` of a configuration: how a grid is run, typed and checked."""

from dataclasses import dataclass

from omegaconf import DictConfig

from runner.config.checks import at_least
from runner.config.reading import section


@dataclass(frozen=True)
class SweepSettings:
    """How a grid is run. See conf/config.yaml for the defaults.

    workers: runs at a time, None for what the machine has room for.
    """

    workers: int | None = None


def read_sweep(config: DictConfig) -> SweepSettings:
    """Return the sweep of a composed configuration.

    Raises Mistake for an unknown key, a value of the wrong type or one out of its range.
    """
    sweep = SweepSettings(**section(config, "sweep", SweepSettings))
    at_least("sweep.workers", sweep.workers, 1)
    return sweep
