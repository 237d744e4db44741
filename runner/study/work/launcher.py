"""Who works on a study: a pool of processes of this machine, or one of Hydra's launchers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runner.config.request import BASIC_LAUNCHER, check_launcher
from runner.errors import Mistake

Launch = Callable[[Sequence[Sequence[str]], int], Sequence[Any]]
_HERE = ("submitit_launcher.LocalLauncher", "ray_launcher.RayLauncher")


@dataclass(frozen=True)
class Launcher:
    """How a study's workers are started.

    launch, config: Hydra's launcher, None where workers are ours, and its configuration.
    """

    launch: Launch | None
    config: Mapping[str, Any]

    @property
    def is_pool(self) -> bool:
        """Whether workers are processes of this machine that we start ourselves."""
        return self._target == BASIC_LAUNCHER

    @property
    def sharing(self) -> int | None:
        """How many workers share this machine's cores: 0 where a launcher sends each away, None
        where all of them do."""
        stays = self._target.endswith(_HERE) and not self._joins_a_cluster
        return None if self.is_pool or "n_jobs" in self.config or stays else 0

    def check(self, workers: int) -> None:
        """Raise Mistake where workers would wait for each other's end, or cannot be launched."""
        check_launcher(self.config)
        jobs = self.config.get("n_jobs", -1)
        if not self.is_pool and 0 < jobs < workers:
            must = "must be at least study.workers"
            raise Mistake("hydra.launcher.n_jobs", must, f"{jobs} and {workers}")

    @property
    def _target(self) -> str:
        return str(self.config["_target_"])

    @property
    def _joins_a_cluster(self) -> bool:
        """Whether Ray is to join a cluster."""
        return bool(((self.config.get("ray") or {}).get("init") or {}).get("address"))
