"""Where the record of a run is to be found."""

from dataclasses import dataclass

from runner.addresses import without_user

_MODE = "workflowType=machine_learning"  # without it the page opens for chats


@dataclass(frozen=True)
class Link:
    """Where a run is to be found."""

    run_id: str
    experiment_id: str
    experiment: str
    uri: str

    def page(self) -> str:
        """Return the page with the run's charts in the MLflow UI."""
        return f"{self._experiment()}/runs/{self.run_id}/model-metrics?{_MODE}"

    def experiment_page(self) -> str:
        """Return the page that charts all runs of the experiment."""
        return f"{self._experiment()}/runs?{_MODE}&compareRunsMode=CHART"

    def _experiment(self) -> str:
        base = self.uri if self.uri.startswith("http") else "http://127.0.0.1:5000"
        return f"{without_user(base).rstrip('/')}/#/experiments/{self.experiment_id}"
