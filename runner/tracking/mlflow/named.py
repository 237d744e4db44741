"""What a person calls a thing that was recorded -> the runs and experiments of a store."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Self

from runner.errors import Mistake, nearest
from runner.passwords import hide
from runner.results.definition import HEX
from runner.results.view import STUDY, SWEEP
from runner.tracking.mlflow.views import TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment, Run

PARTS = (STUDY, SWEEP)  # of what a run is a part
_RUN = re.compile(r"[0-9a-f]{32}")
_RECENT, _SHOWN = 100, 3  # runs that are asked for their names; names that are told
_PAGE, _RUNS = 1000, 20  # experiments and runs of an answer


@dataclass(frozen=True)
class Store:
    """A store and its experiments by id, the deleted ones left out.

    address: its own, as messages say it.
    """

    client: "MlflowClient"
    experiments: Mapping[str, "Experiment"]
    address: str

    @classmethod
    def of(cls, client: "MlflowClient", address: str) -> Self:
        """Return the store of a client."""
        return cls(client, {one.experiment_id: one for one in _experiments(client)}, address)

    def runs(
        self, where: str = "", ids: Iterable[str] = (), first: int = 1, then: int = _RUNS
    ) -> Iterator["Run"]:
        """Yield runs, the newest first; it is asked for one, and for more only where they are.

        where: a filter of MLflow's. ids: of experiments, all unless they are given. first, then: of
        how many runs it is asked at first, and each time after that.
        """
        places, size, token = [*(ids or self.experiments)], first, None
        while places:
            order = ["attributes.start_time DESC"]
            found = self.client.search_runs(
                places, where, max_results=size, order_by=order, page_token=token
            )
            yield from found
            if not (token := found.token):
                return
            size = then

    def newest(self, where: str = "", ids: Iterable[str] = ()) -> "Run | None":
        """Return the newest run."""
        return next(self.runs(where, ids), None)

    def run(self, name: str) -> "Run | None":
        """Return the run of an id. Raises Mistake for a deleted one."""
        from mlflow.exceptions import MlflowException

        if not _RUN.fullmatch(name):
            return None
        try:
            run = self.client.get_run(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        info = run.info
        if info.lifecycle_stage != "active":
            whole = info.experiment_id not in self.experiments
            own = f"runs restore --run-id {name}"
            raise _deleted("run", name, _restore(info.experiment_id) if whole else own)
        return run

    def experiment(self, name: str) -> "Experiment | None":
        """Return the experiment of a name. Raises Mistake for a deleted one."""
        found = self.client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage != "active":
            raise _deleted("experiment", name, _restore(found.experiment_id))
        return found

    def part(self, name: str) -> "tuple[str, Run] | None":
        """Return the tag by which runs are a study's or sweep's, and its newest run."""
        for tag in PARTS:
            for run in islice(self.runs(tagged(tag, name)), _RECENT):
                if run.data.tags[tag] == name:
                    return tag, run
        return None

    def preset(self, name: str) -> "Run | None":
        """Return a run of the newest study of a preset; earlier ones have no tags."""
        plain = re.sub(r"[^\w-]", "_", name)
        fits = re.compile(rf"{re.escape(name)}-[0-9a-f]{{{HEX}}}").fullmatch
        found = islice(self.runs(f"tags.{STUDY} LIKE '{plain}-%'"), _RECENT)
        ids = [one.experiment_id for one in self.experiments.values() if fits(one.name)]
        newest = [
            next((run for run in found if fits(run.data.tags[STUDY])), None),
            self.newest(ids=ids) if ids else None,
        ]
        return max(filter(None, newest), key=lambda run: run.info.start_time, default=None)

    def unknown(self, name: str) -> Mistake:
        """Return the mistake to report for a name that nothing has."""
        recent = [*dict.fromkeys(self._names())]
        views = (tag.removeprefix(TAG) for one in self.experiments.values() for tag in one.tags)
        known = {one.name for one in self.experiments.values()} | {*recent, *views}
        hint = nearest(name, known)
        if not hint and recent:
            hint = f" (the newest: {', '.join(map(repr, recent[:_SHOWN]))})"
        must = "must be an experiment, a study, a sweep or a run's id"
        return Mistake("NAME", f"{must} in {hide(self.address)}", f"'{name}'{hint}")

    def _names(self) -> Iterator[str]:
        for run in islice(self.runs(), _RECENT):
            yield from parts(run) or [self.experiments[run.info.experiment_id].name]


def tagged(tag: str, name: str) -> str:
    """Return a filter that lets a name through, maybe others too: MLflow knows no quote in quotes.

    >>> tagged("study", "quickstart-1"), tagged("sweep", "it's")
    ("tags.study = 'quickstart-1'", "tags.sweep LIKE 'it_s'")
    """
    plain = re.sub(r"[^\w .,:/+-]", "_", name)
    return f"tags.{tag} {'=' if plain == name else 'LIKE'} '{plain}'"


def parts(run: "Run") -> list[str]:
    """Return the names of the study or sweep that a run is a part of."""
    return [run.data.tags[tag] for tag in PARTS if tag in run.data.tags]


def _experiments(client: "MlflowClient") -> Iterator["Experiment"]:
    token: str | None = None
    while token != "":
        found = client.search_experiments(max_results=_PAGE, page_token=token)
        yield from found
        token = found.token or ""


def _restore(experiment_id: str) -> str:
    return f"experiments restore --experiment-id {experiment_id}"


def _deleted(what: str, name: str, restore: str) -> Mistake:
    return Mistake("NAME", f"must not be a deleted {what}", f"'{name}'", f"mlflow {restore}")
