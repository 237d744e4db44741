"""How workers are started: who shares the cores, and what cannot be launched."""

from pathlib import Path
from typing import Any

import pytest

from runner.config.command_line import word
from runner.config.composer import Composer
from runner.config.request import BASIC_LAUNCHER
from runner.errors import Mistake
from runner.study.start import start
from runner.study.work.launcher import Launcher
from runner.sweep.sweep import Sweep

QUADRATIC = (
    "model=quadratic dataset=none optimizer=sgd schedule=constant train.steps=8 train.eval_every=4 "
    "threads=1"
)
PLUGINS = "hydra_plugins.hydra"


@pytest.mark.parametrize(
    ("config", "sharing"),
    [
        ({"_target_": BASIC_LAUNCHER}, None),
        ({"_target_": "hydra_plugins.hydra_joblib_launcher.JoblibLauncher", "n_jobs": 2}, None),
        ({"_target_": f"{PLUGINS}_submitit_launcher.submitit_launcher.LocalLauncher"}, None),
        ({"_target_": f"{PLUGINS}_submitit_launcher.submitit_launcher.SlurmLauncher"}, 0),
        ({"_target_": f"{PLUGINS}_ray_launcher.ray_launcher.RayLauncher"}, None),
        (
            {
                "_target_": f"{PLUGINS}_ray_launcher.ray_launcher.RayLauncher",
                "ray": {"init": {"address": "auto"}},
            },
            0,
        ),
    ],
)
def test_workers_of_this_machine_share_its_cores(config: dict[str, Any], sharing) -> None:
    launcher = Launcher(lambda *_: [], config)
    assert launcher.sharing == sharing
    assert launcher.is_pool == (config["_target_"] == BASIC_LAUNCHER)


def test_workers_that_would_wait_for_each_other_are_refused() -> None:
    launcher = Launcher(lambda *_: [], {"_target_": "some.JoblibLauncher", "n_jobs": 2})
    launcher.check(2)
    with pytest.raises(Mistake, match=r"n_jobs must be at least study.workers, got 2 and 3"):
        launcher.check(3)


def test_slurm_is_refused_where_there_is_none(store, undrawn, monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    launcher = {"_target_": "hydra_plugins.hydra_submitit_launcher.submitit_launcher.SlurmLauncher"}
    words = [*QUADRATIC.split(), "lr=0.1,0.2", "study.trials=2"]
    with pytest.raises(Mistake, match="submitit_slurm must be started where Slurm is"):
        start(words, None, launch=lambda *_: [], launcher=launcher)
    with pytest.raises(Mistake, match="submitit_slurm must be started where Slurm is"):
        Sweep(Composer(), launcher, launch=lambda *_: []).of([(word("seed=0"),)])
    assert store.experiments() == []
    assert not list(Path.cwd().glob("optuna.db*"))
