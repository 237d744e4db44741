"""The grid sweeper of `-m`; what it does stands in runner/sweep.py."""

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper


class GridSweeper(BasicSweeper):
    """Checks every job of a grid, launches them all, and ranks them."""

    def sweep(self, arguments: list[str]) -> None:
        """Run the sweep; a status other than 0 ends the program with it."""
        from runner.sweep import Sweep

        loader = self.hydra_context.config_loader
        status = Sweep(
            compose=lambda overrides: loader.load_sweep_config(self.config, overrides),
            launch=self.launcher.launch,
            launcher=self.config.hydra.launcher,
        ).run([*self._parse_config(), *arguments])
        if status:
            raise SystemExit(status)
