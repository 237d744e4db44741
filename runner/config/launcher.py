"""What is left to Hydra: its own flags, and its launchers."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import OmegaConf

from runner import plugins
from runner.config.choices import check_choices
from runner.config.command_line import CommandLine
from runner.config.explain import REFUSALS, mistake_of
from runner.config.options import CONF, group_options
from runner.config.reading import read
from runner.config.request import GRIDS, STUDIES, Request
from runner.config.settings import Settings
from runner.errors import Mistake

BASIC_LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
_SLURM = "submitit_launcher.SlurmLauncher"
_OF_JOBS = ("callbacks", "output_subdir", "verbose", "job.chdir", "job.env_set", "job.env_copy")


def is_left_to_hydra(request: Request) -> bool:
    """Return whether jobs go to a launcher or a sweeper that is not ours, or Hydra is asked to do
    something around each."""
    if request.hydra.launcher._target_ != BASIC_LAUNCHER and request.is_multirun:
        return True
    if request.is_multirun and request.sweeper not in (GRIDS, STUDIES):
        return True
    return any(OmegaConf.select(request.hydra, key) for key in _OF_JOBS)


def hand_over(line: CommandLine, job: Callable[[Any], Any]) -> None:
    """Let Hydra answer a command line. Raises Mistake for what it refuses.

    job: called with the configuration of a run, and of each job of a sweep.
    """
    check_choices(line.words, group_options(line.config_dir), line.config_dir)
    plugins.register()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here as they are
    texts = [one.text for one in line.words]
    before, sys.argv = sys.argv, ["runner", *line.flags, *texts]
    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)()
    except REFUSALS as error:
        raise mistake_of(error, line.words, line.config_dir) from error
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
