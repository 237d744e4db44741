"""The sweeper of studies; what it does stands in runner/study/."""

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper


class StudySweeper(BasicSweeper):
    """Searches with Optuna: asynchronous, prunable, restartable."""

    def __init__(self, params: dict[str, str] | None = None) -> None:
        super().__init__(max_batch_size=None, params=params)

    def sweep(self, arguments: list[str]) -> None:
        """Run the search; a status other than 0 ends the program with it."""
        from runner.config import config_dir
        from runner.study.start import start

        status = start(
            [*self._parse_config(), *arguments],
            config_dir(self.config.hydra),
            launch=self.launcher.launch,
            launcher=self.config.hydra.launcher,
        )
        if status:
            raise SystemExit(status)
