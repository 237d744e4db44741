"""The node `sweep` of a configuration: how a grid is run, typed and checked."""

from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from runner.config.checks import at_least
from runner.config.fuse import OFF, width_of
from runner.config.reading import section


@dataclass(frozen=True)
class SweepSettings:
    """How a grid is run. See conf/config.yaml for the defaults.

    workers: processes, None for what the machine has room for. fuse: runs of each as one program.
    """

    workers: int | None = None
    fuse: Any = OFF

    @property
    def width(self) -> int | None:
        """The most jobs that a process trains as one program; None for what is fastest."""
        return width_of("sweep.fuse", self.fuse)


def read_sweep(config: DictConfig) -> SweepSettings:
    """Return the sweep of a composed configuration.

    Raises Mistake for an unknown key, a value of the wrong type or one out of its range.
    """
    sweep = SweepSettings(**section(config, "sweep", SweepSettings))
    at_least("sweep.workers", sweep.workers, 1)
    width_of("sweep.fuse", sweep.fuse)
    return sweep
