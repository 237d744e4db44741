"""The grid sweeper of `-m`; what it does stands in runner/sweep.py."""

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper


class GridSweeper(BasicSweeper):
    """Checks every job of a grid, launches them all, and ranks them."""

    def __init__(self, params: dict[str, str] | None = None) -> None:
        super().__init__(max_batch_size=None, params=params)

    def sweep(self, arguments: list[str]) -> None:
        """Run the sweep; a status other than 0 ends the program with it."""
        from runner.config import config_dir
        from runner.sweep.sweep import Sweep

        loader = self.hydra_context.config_loader
        folder = config_dir(self.config.hydra)
        status = Sweep(
            compose=lambda overrides: loader.load_sweep_config(self.config, overrides),
            launch=self.launcher.launch,
            launcher=self.config.hydra.launcher,
            flags=["--config-dir", folder] if folder else [],
        ).run([*self._parse_config(), *arguments])
        if status:
            raise SystemExit(status)
