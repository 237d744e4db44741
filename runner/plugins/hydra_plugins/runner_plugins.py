"""What this package adds to Hydra; it is imported at every start, so the work is done elsewhere."""

from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra_plugins.hydra_joblib_launcher.config import JobLibLauncherConf

from runner.config.paths import Paths as Paths  # found here by Hydra

ConfigStore.instance().store(  # two jobs at a time, not one per core
    group="hydra/launcher", name="joblib", node=JobLibLauncherConf(n_jobs=2), provider="runner"
)


class _Launching(Sweeper):
    """Keeps what Hydra gives a sweeper, its launcher among it."""

    def __init__(self, params: dict[str, str] | None = None) -> None:
        self.params = params or {}

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        """Make the launcher."""
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def words(self, arguments: list[str]) -> list[str]:
        """Return the words of the configuration's own sweep, then those of the command line."""
        from runner.config.shorthand import written_out

        swept = (written_out(f"{key}={value}") for key, value in self.params.items())
        return [*swept, *arguments]


class GridSweeper(_Launching):
    """Checks every job of a grid, launches them all, and ranks them."""

    def sweep(self, arguments: list[str]) -> None:
        """Run the sweep; a status other than 0 ends the program with it."""
        from runner.config.command_line import expand, word
        from runner.config.composer import Composer
        from runner.config.reading import config_dir
        from runner.sweep.sweep import Sweep

        jobs = expand([word(text) for text in self.words(arguments)])
        composer, launcher = Composer(config_dir(self.config.hydra)), self.config.hydra.launcher
        if status := Sweep(composer, launcher, launch=self.launcher.launch).of(jobs):
            raise SystemExit(status)


class StudySweeper(_Launching):
    """Searches with Optuna: asynchronous, prunable, restartable."""

    def sweep(self, arguments: list[str]) -> None:
        """Run the search; a status other than 0 ends the program with it."""
        from runner.config.reading import config_dir
        from runner.study.start import start

        folder, launcher = config_dir(self.config.hydra), self.config.hydra.launcher
        words, launch = self.words(arguments), self.launcher.launch
        if status := start(words, folder, launcher=launcher, launch=launch):
            raise SystemExit(status)
