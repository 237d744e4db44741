"""What must hold for Hydra's launchers before anything is created."""

import shutil
from collections.abc import Mapping
from typing import Any

from runner.errors import Mistake

_SLURM = "submitit_launcher.SlurmLauncher"


def check_launcher(launcher: Mapping[str, Any]) -> None:
    """Raise Mistake for a launcher that cannot work here.

    launcher: its configuration.
    """
    if str(launcher["_target_"]).endswith(_SLURM) and shutil.which("srun") is None:
        raise Mistake(
            "hydra/launcher=submitit_slurm must be started where Slurm is, got a machine without "
            "srun; hydra/launcher=submitit_local needs none"
        )
