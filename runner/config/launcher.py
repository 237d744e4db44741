"""What is left to Hydra: its own flags, and its launchers."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

from runner import plugins
from runner.config.command_line import CommandLine
from runner.config.composer import explained
from runner.config.options import CONF
from runner.config.reading import read
from runner.config.settings import Settings
from runner.errors import Mistake

_SLURM = "submitit_launcher.SlurmLauncher"


def hand_over(line: CommandLine, job: Callable[[Any], Any]) -> None:
    """Let Hydra answer a command line. Raises Mistake for what it refuses.

    job: called with the configuration of a run, and of each job of a sweep.
    """
    plugins.register()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here as they are
    texts = [one.text for one in line.words]
    before, sys.argv = sys.argv, ["runner", *line.flags, *texts]
    try:
        with explained(line.words, line.config_dir):
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)()
    finally:
        sys.argv = before


def running(config: Any) -> tuple[Settings, bool]:
    """Return the settings of a job that Hydra runs in this process, and whether it is one of a
    sweep."""
    own = HydraConfig.get()
    return read(config, own), own.mode == RunMode.MULTIRUN


def check_launcher(launcher: Mapping[str, Any]) -> None:
    """Raise Mistake for a launcher that cannot work here.

    launcher: its configuration.
    """
    if str(launcher["_target_"]).endswith(_SLURM) and shutil.which("srun") is None:
        raise Mistake(
            "hydra/launcher=submitit_slurm",
            "must be started where Slurm is",
            "a machine without srun",
            "hydra/launcher=submitit_local needs none",
        )
