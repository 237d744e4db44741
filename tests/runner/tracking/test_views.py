"""Saved views: tags as MLflow's page writes them, and links that work without."""

import base64
import json
import shlex
import urllib.parse
import zlib
from dataclasses import replace
from typing import Any

import pytest

from runner.report import views as reported
from runner.results.definition import Definition, Goal
from runner.results.view import View
from runner.space import Choice, Entry, Interval, Ordered, Space
from runner.tracking import arrange, describe
from runner.tracking.mlflow import MLflow, experiments, pages, views

GOALS = (Goal("val/accuracy", "maximize"),)
DEFINITION = Definition(
    "quick", {"entries": []}, (), {}, GOALS, experiment="quick-1", confirm_seeds=2
)
SPACE = Space(
    [
        Entry("schedule", Choice(["cosine", "piecewise"])),
        Entry("lr", Interval(1e-4, 1e-1, log=True)),
        Entry("schedule.boundaries", Ordered(2, Interval(10, 90, unit="%"))),
        Entry("schedule.factor", Interval(0.1, 0.9), (("schedule", "piecewise"),)),
    ],
    frozenset({"schedule"}),
)
TRIALS = reported.trials("quick-1", DEFINITION, SPACE)


def saved(tag: str) -> Any:
    """Return the state in a tag, read as the page does."""
    state = json.loads(tag)["state"].removeprefix("deflate;")
    return json.loads(zlib.decompress(base64.b64decode(state)))


def test_a_study_has_its_rate_metric_and_loss_in_front() -> None:
    state = saved(views.tag("quick-1", views.written(TRIALS), 7))
    front, *_ = state["compareRunSections"]
    charts = [one for one in state["compareRunCharts"] if one["metricSectionId"] == front["uuid"]]
    assert [one["metricKey"] for one in charts] == ["train/lr", "val/accuracy", "train/loss"]
    assert {one["type"] for one in charts} == {"LINE"}
    assert state["orderByKey"] == "metrics.`val/accuracy`"
    assert state["orderByAsc"] is False
    assert state["searchFilter"] == "attributes.run_name LIKE 'trial %'"
    columns = state["selectedColumns"]
    assert columns[:2] == ["attributes.`Duration`", "metrics.`val/accuracy`"]
    assert {"params.`schedule`", "params.`lr`", "tags.`status`"} < set(columns)


def test_parallel_coordinates_have_what_every_trial_has() -> None:
    state = saved(views.tag("quick-1", views.written(TRIALS), 7))
    (parallel,) = [one for one in state["compareRunCharts"] if one["type"] == "PARALLEL"]
    assert parallel["selectedParams"] == ["schedule", "lr"]  # no list, nothing of some
    assert parallel["selectedMetrics"] == ["val/accuracy"]
    without = json.loads(views.written(replace(TRIALS, axes=())))
    assert "PARALLEL" not in {one["type"] for one in without["compareRunCharts"]}


def test_charts_stand_in_sections_in_this_order_and_none_is_hidden() -> None:
    state = json.loads(views.written(TRIALS))
    sections = {one["uuid"]: one["name"] for one in state["compareRunSections"]}
    charts = [
        (sections[one["metricSectionId"]], one["type"], one.get("metricKey"))
        for one in state["compareRunCharts"]
    ]
    assert charts == [
        *(("curves", "LINE", key) for key in ("train/lr", "val/accuracy", "train/loss")),
        *(("comparison", "BAR", "val/accuracy"), ("comparison", "PARALLEL", None)),
        *(("more curves", "LINE", key) for key in ("train/grad_norm", "val/loss")),
    ]
    assert state["isAccordionReordered"] is True
    assert all(one["display"] for one in state["compareRunSections"])
    shown = state["compareRunSections"] + state["compareRunCharts"]
    assert not any(one["deleted"] for one in shown)
    single = json.loads(views.written(reported.runs("val/accuracy")))
    assert [one["name"] for one in single["compareRunSections"]] == ["curves", "more curves"]


def test_every_run_that_is_not_deleted_is_listed_and_the_first_are_charted() -> None:
    state = json.loads(views.written(replace(TRIALS, charted=20)))
    filters = ("startTime", "lifecycleFilter", "datasetsFilter", "modelVersionFilter")
    assert [state[key] for key in filters] == ["ALL", "Active", [], "All Runs"]
    assert (state["runListHidden"], state["runsHiddenMode"]) == (False, "FIRST_20_RUNS")


def test_less_is_better_where_the_study_says_so() -> None:
    definition = replace(DEFINITION, goals=(Goal("val/loss", "minimize"),))
    state = json.loads(views.written(reported.trials("a", definition, SPACE)))
    assert (state["orderByKey"], state["orderByAsc"]) == ("metrics.`val/loss`", True)


def test_seeds_are_grouped_and_groups_are_closed() -> None:
    view = reported.confirmations("quick-1", DEFINITION, ["trial 2", "baseline"])
    state = json.loads(views.written(view))
    assert state["groupBy"]["groupByKeys"] == [{"mode": "tag", "groupByData": "setting"}]
    assert state["groupBy"]["aggregateFunction"] == "average"
    assert state["useGroupedValuesInCharts"] is True
    closed = {"tag.setting.trial 2": False, "tag.setting.baseline": False}
    assert state["groupsExpanded"] == closed
    assert json.loads(views.written(TRIALS))["groupBy"] is None


def test_a_link_without_views_filters_and_sorts_itself() -> None:
    link = pages.view_link("http://host", "1", "e", TRIALS, has_view=False)
    asked = urllib.parse.parse_qs(link.partition("?")[2])
    assert asked["searchFilter"] == ["attributes.run_name LIKE 'trial %'"]
    assert asked["orderByKey"] == ["metrics.`val/accuracy`"]
    assert asked["orderByAsc"] == ["false"]
    assert "viewStateShareKey" not in asked


def test_a_link_says_what_is_started_before_and_no_password() -> None:
    view = replace(TRIALS, name="学 1")
    link = pages.view_link("sqlite:///my runs.db", "1", "e", view, has_view=True)
    before, _, page = link.partition(", then ")
    words = ["python", "-m", "runner.ui", "学 1", "tracking.uri=sqlite:///my runs.db"]
    assert shlex.split(before) == words
    assert page.startswith("http://127.0.0.1:5000/#/experiments/1/runs?")
    assert page.partition("viewStateShareKey=")[2].startswith("%E5%AD%A6-1-")
    single = pages.view_link(
        "sqlite:///mlflow.db", "1", "mine", reported.runs("val/loss"), has_view=True
    )
    assert single.startswith("python -m runner.ui mine, then ")  # the view is in each experiment
    link = pages.view_link("postgresql://me:***@db/runs", "1", "e", TRIALS, has_view=True)
    assert link.startswith("python -m runner.ui quick-1, then http://127.0.0.1:5000/#/")
    link = pages.view_link("https://me:secret@host/mlflow/", "1", "e", TRIALS, has_view=True)
    assert link.startswith("https://host/mlflow/#/experiments/1/runs?")


@pytest.mark.parametrize(
    "name", ["it's", 'a "b"', "<b>", "学習率", "a\\b", "\U0001f389", "a" * 300]
)
def test_runs_of_any_name_are_found_by_the_views_filter(store: Any, folder: Any, name: str) -> None:
    tracker = MLflow(None)
    tracker.prepare("mine")
    client = store.client
    (experiment,) = client.search_experiments(filter_string="name = 'mine'")
    mine = client.create_run(experiment.experiment_id, tags={"sweep": name}).info.run_id
    client.create_run(experiment.experiment_id, tags={"sweep": "another"})
    view = View(name, ("train/lr",), {"sweep": name}, metric="val/loss")
    warnings: list[str] = []
    (link,) = arrange([tracker], "mine", [view], warnings.append).values()
    assert not warnings
    key = urllib.parse.unquote(link.partition("viewStateShareKey=")[2])
    state = saved(client.get_experiment(experiment.experiment_id).tags[views.TAG + key])
    found = client.search_runs([experiment.experiment_id], state["searchFilter"])
    assert [run.info.run_id for run in found] == [mine]


def test_a_view_is_written_once(store: Any, folder: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = MLflow(None)
    tracker.prepare("mine")
    arrange([tracker], "mine", [TRIALS], print)
    before = store.client.get_experiment_by_name("mine").tags
    arrange([tracker], "mine", [TRIALS], print)
    assert store.client.get_experiment_by_name("mine").tags == before  # the time in it, too
    arrange([tracker], "mine", [replace(TRIALS, keys=("seed",))], print)
    assert store.client.get_experiment_by_name("mine").tags != before


@pytest.mark.parametrize("version", ["3.18.0", "4.0.0"])
def test_another_version_of_mlflow_gets_a_plain_link(
    store: Any, folder: Any, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr("mlflow.version.VERSION", version)
    tracker = MLflow(None)
    tracker.prepare("mine")
    (link,) = arrange([tracker], "mine", [TRIALS], print).values()
    assert "searchFilter" in link
    assert not [key for key in store.client.get_experiment_by_name("mine").tags if "View" in key]


@pytest.mark.parametrize("tags", [{}, {"mlflow.note.content": "hands off"}])
def test_an_experiment_of_others_stays_as_it_is(
    store: Any, folder: Any, tags: dict[str, str]
) -> None:
    MLflow(None).prepare("ours")
    store.client.create_experiment("theirs", tags=tags)
    before = store.client.get_experiment_by_name("theirs").tags
    (link,) = arrange([MLflow(None)], "theirs", [TRIALS], print).values()
    describe([MLflow(None)], "theirs", "quick-1", "an answer", print)
    assert "searchFilter" in link
    assert store.client.get_experiment_by_name("theirs").tags == before


def test_a_store_that_takes_no_tags_costs_a_line(
    store: Any, folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    def refuse(*_: Any) -> None:
        raise PermissionError("no tags here\nat all")

    MLflow(None).prepare("mine")
    monkeypatch.setattr(MlflowClient, "set_experiment_tag", refuse)
    warnings: list[str] = []
    found = arrange([MLflow(None)], "mine", [TRIALS, replace(TRIALS, name="b")], warnings.append)
    describe([MLflow(None)], "mine", "quick-1", "an answer", warnings.append)
    assert ["searchFilter" in link for link in found.values()] == [True, True]
    assert [("no tags here" in line) for line in warnings] == [True, True]
    assert not any("\n" in line for line in warnings)


def test_a_description_says_what_was_found_last_first(store: Any, folder: Any) -> None:
    tracker = MLflow(None)
    tracker.prepare("mine")

    def text() -> str:
        return str(store.client.get_experiment_by_name("mine").tags["mlflow.note.content"])

    tracker.describe("mine", "one", "first\n\nwhy")
    tracker.describe("mine", "two", "second")
    tracker.describe("mine", "one", "third")
    assert text() == "#### one: third\n\n#### two: second"
    for number in range(20):
        tracker.describe("mine", f"study {number}", "x" * 1000)
    assert len(text()) <= 7500
    assert text().startswith("#### study 19: x")


def test_a_description_that_a_person_has_written_stays(store: Any, folder: Any) -> None:
    tracker = MLflow(None)
    tracker.prepare("mine")
    tracker.describe("mine", "one", "first")
    experiment = store.client.get_experiment_by_name("mine").experiment_id
    store.client.set_experiment_tag(experiment, "mlflow.note.content", "my own words")
    tracker.describe("mine", "one", "second")
    tags = store.client.get_experiment_by_name("mine").tags
    assert tags["mlflow.note.content"] == "my own words"


def test_a_description_tells_no_password(
    store: Any, folder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_TOKEN", "Xy12-3z")
    tracker = MLflow(None)
    tracker.prepare("mine")
    tracker.describe("mine", "with Xy12-3z", "best: Xy12-3z")
    tags = store.client.get_experiment_by_name("mine").tags
    assert tags["mlflow.note.content"] == "#### with ***: best: ***"


def test_a_section_of_its_own_is_replaced_whatever_stands_in_it() -> None:
    before = experiments.described("", "a", "b: c\n\n#x\n\n## y")
    assert experiments.described(before, "a", "new") == "#### a: new"
