"""Grids on MLflow's pages: tags of each run, a view and a section of the note for each grid."""

import json
import re
import statistics
import urllib.parse
from collections.abc import Callable
from typing import Any

import pytest

from runner.tracking.mlflow import views

NOTE = "mlflow.note.content"
GRID = (
    "-m model=quadratic dataset=none schedule=constant optimizer=sgd train.steps=3 threads=1 "
    "train.eval_every=3"
)
MINE = "tracking.experiment=mine"


def experiment_of(store: Any) -> Any:
    (found,) = store.client.search_experiments(filter_string="name != 'Default'")
    return found


def state(experiment: Any, look: str) -> str:
    """The state of the view that a link opens."""
    asked = urllib.parse.parse_qs(look.partition("?")[2])
    return views.found(experiment.tags[views.TAG + asked["viewStateShareKey"][0]])


def search(text: str) -> str:
    """The filter in a view's state."""
    return str(json.loads(text)["searchFilter"])


def look(out: str) -> str:
    (found,) = set(re.findall(r"^look +(.*)$", out, re.MULTILINE))
    return str(found)


def found_by(store: Any, experiment: Any, query: str) -> list[str]:
    runs = store.client.search_runs([experiment.experiment_id], query)
    return sorted(run.info.run_name for run in runs)


@pytest.mark.parametrize(
    "launcher", ["", pytest.param("hydra/launcher=joblib", marks=pytest.mark.stress)]
)
def test_each_run_of_a_grid_has_tags_of_what_it_is_part_of(
    command: Callable[[str], Any], store: Any, launcher: str
) -> None:
    done = command(f"{GRID} lr=0.1,0.2 seed=0,1 {launcher}")
    assert done.status == 0, done.err
    experiment = experiment_of(store)
    runs = store.runs()
    assert len(runs) == 4
    assert {run.data.tags["sweep"] for run in runs} == {experiment.name}
    assert {run.data.tags["kind"] for run in runs} == {"job"}
    for run in runs:
        assert run.data.tags["setting"] == f"lr={run.data.params['lr']}"
        assert run.data.tags[NOTE].startswith(f"**{run.info.run_name}** of sweep {experiment.name}")
        assert "tracking.tags" not in run.data.tags["command"]
    query = search(state(experiment, look(done.out)))
    assert len(found_by(store, experiment, query)) == 4


def test_the_last_seed_of_a_setting_says_how_far_they_lie_apart(
    command: Callable[[str], Any], store: Any
) -> None:
    line = "-m model=linear train.steps=4 train.eval_every=2 threads=1 lr=0.01,0.1 seed=0,1,2"
    done = command(line)
    assert done.status == 0, done.err
    for rate in ("0.01", "0.1"):
        runs = [run.data.metrics for run in store.runs() if run.data.params["lr"] == rate]
        values = [one["val/accuracy"] for one in runs]
        *others, last = runs
        assert last["val/accuracy/deviation"] == pytest.approx(statistics.stdev(values), rel=1e-12)
        assert not any("val/accuracy/deviation" in one for one in others)
    shown = state(experiment_of(store), look(done.out))
    assert "metrics.`val/accuracy/deviation`" in json.loads(shown)["selectedColumns"]


def test_two_grids_of_one_experiment_have_a_view_and_a_section_each(
    command: Callable[[str], Any], store: Any
) -> None:
    first = command(f"{GRID} lr=0.1,0.2 {MINE}")
    second = command(f"{GRID} lr=0.2 seed=1,2 {MINE}")
    assert (first.status, second.status) == (0, 0)
    experiment = experiment_of(store)
    assert experiment.name == "mine"
    assert sum(key.startswith(views.TAG) for key in experiment.tags) == 2
    names = [
        found_by(store, experiment, search(state(experiment, look(one.out))))
        for one in (first, second)
    ]
    assert names == [["lr=0.1", "lr=0.2"], ["seed=1", "seed=2"]]
    heads = re.findall(
        r"^#### (\w+) [\d-]+ [\d:]+: best: \*\*(.*)\*\*$", experiment.tags[NOTE], re.M
    )
    assert [name for name, _ in heads] == ["seed", "lr"]
    assert heads[1][1] == "lr=0.2"
    links = re.findall(r"\]\((.*?)\)", experiment.tags[NOTE])
    assert len(links) == 2
    assert all(one.startswith(f"#/experiments/{experiment.experiment_id}/") for one in links)


def test_an_experiment_that_a_person_has_made_stays_as_it_is(
    command: Callable[[str], Any], store: Any, folder: Any
) -> None:
    store.client.create_experiment("mine", artifact_location=f"{folder}/mlartifacts/mine")
    before = experiment_of(store).tags
    done = command(f"{GRID} lr=0.1,0.2 {MINE}")
    assert done.status == 0
    assert experiment_of(store).tags == before
    asked = urllib.parse.parse_qs(look(done.out).partition("?")[2])
    assert "viewStateShareKey" not in asked
    names = found_by(store, experiment_of(store), asked["searchFilter"][0])
    assert names == ["lr=0.1", "lr=0.2"]


def test_a_grid_ends_well_where_the_experiment_takes_no_tags(
    command: Callable[[str], Any], store: Any, no_helper: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    def refuse(*_: Any) -> None:
        raise PermissionError("no tags here")

    monkeypatch.setattr(MlflowClient, "set_experiment_tag", refuse)
    done = command(f"{GRID} lr=0.1,0.2")
    assert done.status == 0
    assert "\nbest      lr=0.2\n" in done.out
    assert "searchFilter=" in look(done.out)
    said = done.err.splitlines()
    assert [line.startswith("note: sqlite:///mlflow.db takes no ") for line in said] == [True, True]
    assert all("no tags here" in line for line in said)


@pytest.mark.parametrize("tracking", ["tensorboard", "off"])
def test_a_grid_without_mlflow_ends_well(
    command: Callable[[str], Any], folder: Any, tracking: str
) -> None:
    done = command(f"{GRID} lr=0.1,0.2 tracking={tracking}")
    assert (done.status, done.err) == (0, "")
    assert "\nbest      lr=0.2\n" in done.out
    assert "look " not in done.out
    assert not (folder / "mlflow.db").exists()


def test_odd_names_stay_text_in_the_notes_of_a_grid(
    command: Callable[[str], Any], store: Any
) -> None:
    odd = "a|b <b>it is</b> \U0001f389 `x`"
    done = command(
        f"{GRID} lr=0.1,0.2 'tracking.experiment=\"my <i>{odd}</i>\"' "
        f"'tracking.run_name=\"{odd} ${{lr}}\"' '+tracking.tags.mine=\"{odd}\"'"
    )
    assert done.status == 0, done.err
    experiment = experiment_of(store)
    for run in store.runs():
        assert run.info.run_name == f"{odd} {run.data.params['lr']}"
        assert run.data.tags["mine"] == odd
        check_note(run.data.tags[NOTE])
    check_note(experiment.tags[NOTE])
    assert len(found_by(store, experiment, search(state(experiment, look(done.out))))) == 2


def check_note(note: str) -> None:
    """No markup of a person's outside of the command, and tables of even width."""
    shown = re.sub(r"^(`{3,})\n.*?\n\1$", "", note, flags=re.MULTILINE | re.DOTALL)
    assert "<" not in shown
    for table in re.findall(r"(?:^\|.*\|\n?)+", shown, re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(widths) == 1, table
