"""What a study leaves in MLflow for a person who opens its page: names, tags, notes, a summary."""

import csv
import io
import re
import shlex
import shutil
import statistics
import urllib.parse
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

NOTE, MOST = "mlflow.note.content", 7500
SHORT = (
    "hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd threads=1 "
    "train.steps=20 train.eval_every=10"
)
DRAWN = """\
import torch

from runner.training.models import Quadratic


class Drawn(Quadratic):
    def __init__(self):
        super().__init__(4 + float(torch.rand(())))
"""
RATES = "'lr=choice(0.05, 0.09, 0.1, 1e30)' study/sampler=grid"
PRUNED = "study/pruner=threshold study.pruner.upper=1"
LINE = (
    f"-m {SHORT} model._target_=drawn.Drawn '~model.w' {RATES} {PRUNED} study.confirm_seeds=3 "
    "'study.name=first try'"
)
FREE = f"-m {SHORT} 'lr=interval(0.1, 0.4)' study.name=mine"


@dataclass(frozen=True)
class Told:
    """A study that is done. out: what it printed."""

    folder: Path
    store: Any
    out: str

    def runs(self, kind: str) -> list[Any]:
        return [run for run in self.store.runs() if run.data.tags["kind"] == kind]

    @property
    def summary(self) -> Any:
        (run,) = self.runs("summary")
        return run

    def confirming(self, setting: str) -> list[Any]:
        found = [run for run in self.runs("confirm") if run.data.tags["setting"] == setting]
        return sorted(found, key=lambda run: run.data.params["seed"])

    @property
    def winner(self) -> str:
        return re.search(r"^(trial \d+) is better than the baseline", self.out, re.MULTILINE)[1]


@pytest.fixture(scope="module")
def told(empty_store: Path, tmp_path_factory: pytest.TempPathFactory, read_back: Any) -> Told:
    """A study with a trial that is pruned and one that diverges, and a start drawn by the seed."""
    from runner.__main__ import main

    folder = tmp_path_factory.mktemp("told") / "work"
    folder.mkdir()
    (folder.parent / "drawn.py").write_text(DRAWN)
    shutil.copy(empty_store, folder / "mlflow.db")
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.chdir(folder)
        patch.syspath_prepend(folder.parent)
        assert main(shlex.split(LINE)) == 0
    return Told(folder, read_back(folder), printed.getvalue())


def command_of(note: str) -> list[str]:
    """The words of the command in a note."""
    (found,) = re.findall(r"^```\n(.*)\n```$", note, re.MULTILINE | re.DOTALL)
    return shlex.split(found)


def filtered(store: Any, experiment: Any, key: str) -> str:
    """The filter of a saved view."""
    from runner.tracking.mlflow import views

    state = views.found(experiment.tags[views.TAG + key])
    return str(re.search(r'"searchFilter":"(.*?)"', state)[1])


def test_the_names_of_runs_say_what_they_differ_by(told: Told) -> None:
    names = {run.info.run_name.partition(" ")[2]: run.info.run_name for run in told.runs("trial")}
    assert set(names) == {
        f"{number} lr={lr}" for number, lr in enumerate(("0.001", "0.05", "0.09", "0.1", "1e+30"))
    }
    confirming = {run.info.run_name for run in told.runs("confirm")}
    labels = ("baseline", "trial 2", "trial 3")
    seeds = range(10_000, 10_003)
    assert confirming == {f"confirm {label} seed {seed}" for label in labels for seed in seeds}
    assert told.summary.info.run_name == "summary"


def test_each_run_has_tags_of_what_it_is_part_of_and_how_it_ended(told: Told) -> None:
    statuses = {}
    for run in told.store.runs():
        tags = run.data.tags
        assert tags["study"] == "first try"
        if tags["kind"] == "trial":
            assert tags["setting"] == " ".join(run.info.run_name.split()[:2])
            statuses[run.data.params["lr"]] = tags["status"]
        elif tags["kind"] == "confirm":
            label = run.info.run_name.removeprefix("confirm ").partition(" seed ")[0]
            assert (tags["setting"], tags["status"]) == (label, "FINISHED")
    ended = ["FINISHED", "PRUNED", "FINISHED", "FINISHED", "DIVERGED"]
    assert list(statuses.values()) == ended
    assert told.summary.data.tags["status"] == "FINISHED"


def test_the_note_of_each_run_has_its_figures_and_a_command_that_parses_back(told: Told) -> None:
    from runner.results.metrics import number

    for run in told.runs("trial") + told.runs("confirm"):
        note, tags = run.data.tags[NOTE], run.data.tags
        assert note.startswith(f"**{run.info.run_name}** of study first try\n\n")
        assert f"\n{tags['status']}" in note
        assert command_of(note) == shlex.split(tags["command"])
        assert {f"lr={run.data.params['lr']}", "threads=1"} < set(command_of(note))
        if tags["status"] == "FINISHED":
            assert f"| {number('val/loss', run.data.metrics['val/loss'])} |" in note
            assert "20 of 20 steps" in note
        if tags["status"] == "DIVERGED":
            assert "\nDIVERGED: train/loss is inf at step " in note
        if tags["status"] == "PRUNED":
            assert "\nPRUNED: pruned after 10 of 20 steps; 10 of 20 steps" in note


def test_the_summary_has_the_means_over_the_runs_that_confirm(told: Told) -> None:
    found = [run.data.metrics["val/loss"] for run in told.confirming(told.winner)]
    assert len(set(found)) == 3
    metrics = told.summary.data.metrics
    assert metrics["val/loss"] == pytest.approx(np.mean(found), rel=1e-15)
    assert metrics["val/loss/deviation"] == pytest.approx(np.std(found, ddof=1), rel=1e-12)
    assert set(metrics) == {"train/lr", "val/loss", "val/loss/deviation"}
    mean, deviation = (f"{value:.4g}" for value in (np.mean(found), np.std(found, ddof=1)))
    told_by = told.confirming(told.winner)[-1].data.metrics  # for the page that groups them
    assert told_by["val/loss/deviation"] == metrics["val/loss/deviation"]
    row = next(line for line in told.out.splitlines() if line.startswith(f"{told.winner}  "))
    assert mean in row
    assert f"± {float(deviation):.2g}" in row


def test_the_summary_has_files_of_the_run_in_the_middle(told: Told) -> None:
    runs = told.confirming(told.winner)
    losses = [run.data.metrics["val/loss"] for run in runs]
    middle = runs[losses.index(statistics.median(losses))]
    store, summary = told.store, told.summary
    weights = [store.file(run, "weights.safetensors").read_bytes() for run in (summary, middle)]
    assert weights[0] == weights[1]
    others = [store.file(run, "weights.safetensors").read_bytes() for run in runs]
    assert others.count(weights[0]) == 1
    assert store.history(summary, "train/lr") == store.history(middle, "train/lr")
    with store.file(summary, "trace.csv").open() as stream:
        trace = {int(row["step"]): float(row["lr"]) for row in csv.DictReader(stream)}
    assert trace == store.history(middle, "train/lr")
    seed = middle.data.params["seed"]
    said = f"weights.safetensors and trace.csv: of {told.winner}, seed {seed}, the median one"
    assert said in summary.data.tags[NOTE]


def test_the_summary_has_pictures_and_the_configuration(told: Told) -> None:
    client, run_id = told.store.client, told.summary.info.run_id
    files = {file.path for file in client.list_artifacts(run_id)}
    pictures = {"history.png", "parallel.png", "slices.png", "traces.png", "trace.png"}
    assert pictures | {"description.md", "weights.safetensors", "trace.csv"} <= files
    (best,) = client.list_artifacts(run_id, "experiment")
    assert best.path == "experiment/best.yaml"
    text = told.store.file(told.summary, "description.md").read_text()
    assert text == told.summary.data.tags[NOTE]


def test_the_notes_say_the_verdict_and_link_to_the_pages_of_this_server(told: Told) -> None:
    (verdict,) = re.findall(r"^trial \d+ is better than the baseline.*$", told.out, re.MULTILINE)
    note = told.summary.data.tags[NOTE]
    plain = re.sub(r"\\(.)", r"\1", note)
    assert plain.startswith(f"**{verdict}**\n\n")
    links = re.findall(r"\]\((.*?)\)", note)
    experiment = told.store.client.get_experiment(told.summary.info.experiment_id)
    assert len(links) == 2
    assert all(link.startswith(f"#/experiments/{experiment.experiment_id}/") for link in links)
    assert experiment.tags[NOTE].startswith(f"#### first try: {note.splitlines()[0]}\n\n")
    for link, kind in zip(links, ("trial", "confirm"), strict=True):
        key = urllib.parse.parse_qs(link.partition("?")[2])["viewStateShareKey"][0]
        query = filtered(told.store, experiment, key)
        found = told.store.client.search_runs([experiment.experiment_id], query)
        assert {run.info.run_id for run in found} == {run.info.run_id for run in told.runs(kind)}
    repeat = re.search(r"^repeat +(.*)$", told.out, re.MULTILINE)[1]
    assert command_of(note) == shlex.split(repeat)


def test_no_note_is_longer_than_mlflow_keeps_whatever_the_command_is(
    command: Callable[[str], Any], store: Any, undrawn: list[str]
) -> None:
    words = " ".join(f"+tracking.tags.word{i}={'a' * 500}" for i in range(20))
    done = command(
        f"-m {SHORT} 'lr=choice(0.1, 0.2)' study/sampler=grid study.confirm_seeds=1 {words}"
    )
    assert (done.status, done.err) == (0, "")
    for run in store.runs():
        note = run.data.tags[NOTE]
        assert len(note) <= MOST
        assert note.count("```") % 2 == 0
        named = re.findall(r"the whole is among the artifacts, (\S+)\)", note)
        files = {file.path for file in store.client.list_artifacts(run.info.run_id)}
        assert set(named) <= files
        assert named
    (experiment,) = store.client.search_experiments(filter_string="name != 'Default'")
    assert experiment.tags[NOTE].startswith(f"#### {experiment.name}: **no trial is shown")


RATES = ("0.001", "0.1", "0.3")


def test_a_study_of_two_seeds_that_confirms_nothing(
    command: Callable[[str], Any], store: Any, folder: Path, undrawn: list[str]
) -> None:
    done = command(
        f"-m {SHORT} 'lr=choice(0.1, 0.3)' study/sampler=grid study.seeds=2 study.confirm_seeds=0"
    )
    assert (done.status, done.err) == (0, "")
    *trials, summary = store.runs()
    names = {run.info.run_name for run in trials}
    rates = enumerate(RATES)
    assert names == {f"trial {i} lr={lr} seed {seed}" for i, lr in rates for seed in (0, 1)}
    found = {run.info.run_name: run.data.metrics for run in trials}
    pairs = [[found[f"trial {i} lr={lr} seed {n}"] for n in (0, 1)] for i, lr in enumerate(RATES)]
    for first, second in pairs:
        values = [one["val/loss"] for one in (first, second)]
        assert "val/loss/deviation" not in first
        assert second["val/loss/deviation"] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    settings = [run.data.tags["setting"] for run in trials]
    assert sorted(settings) == ["trial 0", "trial 0", "trial 1", "trial 1", "trial 2", "trial 2"]
    files = {file.path for file in store.client.list_artifacts(summary.info.run_id)}
    assert "trace.csv" in files
    assert "weights.safetensors" not in files
    note = summary.data.tags[NOTE]
    assert note.startswith("**trial 2, not confirmed on fresh seeds (study.confirm\\_seeds=0)")
    assert "trace.csv: of trial 2; trials keep no weights, the command trains them" in note
    assert re.findall(r"\[(\w+)\]\(#/", note) == ["trials"]


def test_a_study_that_goes_on_has_one_summary_of_all_that_is_known(
    command: Callable[[str], Any], store: Any, folder: Path, undrawn: list[str]
) -> None:
    assert command(f"{FREE} study.trials=2 study.confirm_seeds=1").status == 0
    kept = folder / ".runner" / "studies" / "mine" / "weights.safetensors"
    assert kept.exists()
    first = store.runs()[-1].data.tags[NOTE]
    assert command(f"{FREE} study.trials=4 study.confirm_seeds=0").status == 0
    summaries = [run for run in store.runs() if run.data.tags["kind"] == "summary"]
    (summary,) = summaries
    note = summary.data.tags[NOTE]
    assert note != first
    assert "4 trials: 4 complete" in note
    assert not kept.exists()
    files = {file.path for file in store.client.list_artifacts(summary.info.run_id)}
    assert "weights.safetensors" not in files
    told = store.client.get_experiment(summary.info.experiment_id).tags[NOTE]
    assert told.startswith(f"#### mine: {note.splitlines()[0]}\n")
    assert told.count("#### ") == 1


def test_a_study_whose_store_is_gone_says_its_answer_and_is_found_again(
    command: Callable[[str], Any],
    store: Any,
    folder: Path,
    undrawn: list[str],
    forget_databases: Callable[[], None],
) -> None:
    line = f"{FREE} study.trials=2 study.confirm_seeds=1"
    command(line)
    first = command(line)
    weights = (folder / ".runner" / "studies" / "mine" / "weights.safetensors").read_bytes()
    store.client.create_experiment("so that another id is next")
    (folder / "mlflow.db").unlink()
    shutil.rmtree(folder / "mlartifacts")
    forget_databases()
    again = command(line)
    assert (again.status, again.err) == (0, "")
    lines = again.out.splitlines()
    lost = [line for line in lines if "has this study's earlier runs no more" in line]
    assert lost == ["note      sqlite:///mlflow.db has this study's earlier runs no more"]
    same = [line for line in first.out.splitlines() if line.startswith(("repeat", "trial ", "ran"))]
    assert set(same) <= set(lines)
    now = type(store)(folder)
    (summary,) = now.runs()
    assert summary.info.run_name == "summary"
    ids = {one.name: one.experiment_id for one in now.client.search_experiments()}
    (look,) = {line for line in lines if line.startswith("look ")}
    assert f"/#/experiments/{ids['mine']}/runs?" in look
    links = re.findall(r"\]\(#/experiments/(\d+)/", summary.data.tags[NOTE])
    assert links == [ids["mine"]] * 2
    kept = now.file(summary, "weights.safetensors")  # they lie in the folder still
    assert kept.read_bytes() == weights
    third = command(line)
    assert (third.status, third.err) == (0, "")
    assert len(now.runs()) == 1


def test_a_study_ends_well_where_the_experiment_takes_no_tags(
    command: Callable[[str], Any], store: Any, undrawn: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient

    def refuse(*_: Any) -> None:
        raise PermissionError("no tags here")

    monkeypatch.setattr(MlflowClient, "set_experiment_tag", refuse)
    done = command(f"{FREE} study.trials=2 study.confirm_seeds=1")
    assert done.status == 0
    assert "\nrepeat    python -m runner " in done.out
    assert store.runs()[-1].info.run_name == "summary"
    said = done.err.splitlines()
    what = ["saved view of the runs", "description of 'mine'"]
    assert [line.split(" takes no ")[1].split(" (")[0] for line in said] == what
    assert all(line.startswith("note: ") and "no tags here" in line for line in said)


@pytest.mark.parametrize("tracking", ["tensorboard", "off"])
def test_a_study_without_mlflow_ends_well(
    command: Callable[[str], Any], folder: Path, undrawn: list[str], tracking: str
) -> None:
    done = command(f"{FREE} study.trials=2 study.confirm_seeds=1 tracking={tracking}")
    assert (done.status, done.err) == (0, "")
    assert "trained again on 1 fresh seed" in done.out
    assert "look " not in done.out
    assert not (folder / "mlflow.db").exists()
    kept = folder / ".runner" / "studies" / "mine"
    assert (kept / "description.md").exists()
    assert (kept / "weights.safetensors").exists() == (tracking == "tensorboard")


OWN = """\
from runner.results.result import Link
from runner.tracking import Tracker


class Lines(Tracker):
    def __init__(self, file):
        self.address = str(file)

    def open(self, header):
        self.write(f"open {header.name}")
        return Link("0" * 32, "1", header.experiment, self.address)

    def points(self, run_id, points):
        self.write("points")

    def close(self, run_id, status, end_ms):
        self.write(f"close {status}")

    def write(self, line):
        with open(self.address, "a") as stream:
            stream.write(line + "\\n")
"""
OWN_TRACKER = (
    "tracking=tensorboard '~tracking.trackers.tensorboard' "
    "'+tracking.trackers.lines={_target_: lines_tracker.Lines, file: lines.txt}'"
)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (
            f"-m {SHORT} 'lr=choice(0.1, 0.2)' study/sampler=grid study.confirm_seeds=1",
            [
                *("trial 0 lr=0.001", "trial 1 lr=0.1", "trial 2 lr=0.2", "summary"),
                *(f"confirm {one} seed 10000" for one in ("baseline", "trial 1", "trial 2")),
            ],
        ),
        (f"-m {SHORT} hydra/sweeper=grid lr=0.1,0.2", ["lr=0.1", "lr=0.2"]),
    ],
    ids=["study", "grid"],
)
def test_a_tracker_that_only_takes_points_is_enough(
    command: Callable[[str], Any],
    folder: Path,
    undrawn: list[str],
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    names: list[str],
) -> None:
    (folder / "lines_tracker.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)
    done = command(f"{line} {OWN_TRACKER}")
    assert (done.status, done.err) == (0, "")
    assert "\nrepeat    python -m runner " in done.out
    lines = (folder / "lines.txt").read_text().splitlines()
    opened = [one.removeprefix("open ") for one in lines if one.startswith("open ")]
    assert sorted(opened) == sorted(names)
    assert lines.count("close FINISHED") == len(names)


WORDED = """\
from runner.training.models import Quadratic


class Worded(Quadratic):
    def __init__(self, word=""):
        super().__init__()
"""


def test_odd_words_stay_text_in_the_notes_of_a_study(
    command: Callable[[str], Any],
    store: Any,
    folder: Path,
    undrawn: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (folder / "worded.py").write_text(WORDED)
    monkeypatch.syspath_prepend(folder)
    option = "sharp \U0001f389 <i>"
    (folder / "own" / "schedule").mkdir(parents=True)
    (folder / "own" / "schedule" / f"{option}.yaml").write_text(
        "_target_: schedules.Constant\nlr: ${lr}\n"
    )
    odd = "a|b <b>it is</b> `x`"
    done = command(
        f"--config-dir own -m {SHORT.replace('schedule=constant', '')} 'schedule=\"{option}\"' "
        f"model._target_=worded.Worded '~model.w' '+model.word=choice(\"{odd}\", c)' "
        "study/sampler=grid study.confirm_seeds=1 lr=0.2"
    )
    assert (done.status, done.err) == (0, "")
    runs = store.runs()
    assert odd in {run.data.params.get("model.word") for run in runs}
    experiment = store.client.get_experiment(runs[0].info.experiment_id)
    notes = [run.data.tags[NOTE] for run in runs]
    for note in (*notes, experiment.tags[NOTE]):
        shown = re.sub(r"^(`{3,})\n.*?\n\1$", "", note, flags=re.MULTILINE | re.DOTALL)
        assert "<" not in shown
        for table in re.findall(r"(?:^\|.*\|\n?)+", shown, re.MULTILINE):
            widths = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
            assert len(widths) == 1, table
    assert any("a\\|b &lt;b&gt;it is&lt;/b&gt; \\`x\\`" in note for note in notes)
