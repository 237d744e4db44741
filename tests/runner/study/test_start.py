"""Searches as people type them: what they print, leave behind, repeat, go on with and refuse."""

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from runner.config.options import group_options

SMALL = "model=linear train.epochs=null train.steps=12 train.eval_every=4 threads=1"
QUADRATIC = (
    "model=quadratic dataset=none optimizer=sgd schedule=constant train.steps=8 train.eval_every=4 "
    "threads=1"
)
SEARCH = f"-m hydra/sweeper=optuna {QUADRATIC} 'lr=tag(log, interval(1e-3, 0.5))'"
RATE, DROPS = "study=decay_rate", "study=boundaries"
FEW = "study.trials=3 study.confirm_seeds=0"
STUDIES = ", ".join(group_options()["study"])
DRAWN = ["history", "importance", "slices", "parallel", "traces"]


@pytest.fixture
def refused(command: Callable[[str], Any], folder: Path) -> Callable[[str], str]:
    """The one line of a refused command, which left nothing behind."""

    def run(line: str) -> str:
        done = command(line)
        assert done.status == 2, done.err
        assert (done.out, done.err.count("\n")) == ("", 1)
        assert done.err.startswith("error: ")
        assert list(folder.rglob("*")) == []
        return str(done.err)

    return run


def names(store: Any) -> list[str]:
    return [store.label(run) for run in store.runs()]


def after(word: str, out: str) -> str:
    found = re.search(rf"^{word} +(.*)$", out, re.MULTILINE)
    assert found is not None, out
    return found[1]


SPACES = {
    f"{RATE} 'lr=interval(0.5, 0.5)'": "lr must have its low end below its high end, got "
    "interval(0.5, 0.5)",
    f"{RATE} 'lr=interval(1, 0.5)'": "lr must have its low end below its high end, got",
    f"{RATE} 'lr=tag(log, interval(0, 1))'": "lr must be above 0 everywhere to be log, got",
    f"{RATE} 'lr=interval(0, 1'": "cannot read 'lr=interval(0, 1'; write key=value",
    f"{DROPS} \"schedule.boundaries='ordered(20, interval(10%, 90%), step=5%)'\"": "schedule."
    "boundaries must have room for 20 values between 10% and 90% in steps of 5%, which has 17",
    f"{DROPS} 'schedule.boundaries=ordered(2, interval(10%, 90%), step=5%)'": "write "
    "\"schedule.boundaries='ordered(2, interval(10%, 90%), step=5%)'\"",
    f"{RATE} schedule=cosine": "schedule.decay_rate is searched, but no trial has such a "
    "key; it belongs to schedule=cyclic, exponential, inverse_time or natural_exponential",
    f"{RATE} 'warmup.fraction=interval(0, 1)'": "warmup.fraction is searched, but no trial",
    f"{RATE} 'foo=interval(0, 1)'": "foo is searched, but no trial has such a key",
    f"{RATE} 'schedule.decay_rate=interval(0.5, 1.5)'": "the search may try "
    "schedule.decay_rate=1.5, but schedule.decay_rate must lie in (0, 1], got 1.5",
    f"{RATE} model=linear,quadratic": "the search may try model=quadratic lr=0.0001",
    f"{RATE} model=linear,mpl": "model must be one of gpt, keras_cnn, lenet, linear, mlp, "
    "quadratic, resnet9, got 'mpl' (did you mean 'mlp'?)",
    f"{RATE} seed=1,2": "seed must not be searched, got choice(1, 2); study.seeds=3 makes",
    f"{RATE} study.seeds=1,2": "study.seeds must not be searched, got choice(1, 2)",
    f"{RATE} tracking=off,mlflow": "tracking must not be searched, got choice(off, mlflow)",
    f"{RATE} +experiment=one_cycle,finetune": "experiment must not be searched, got",
    "-m hydra/sweeper=optuna lr=0.1": "study.space must hold what is searched, got nothing; give a",
    f"{RATE} study.space=lr": "study.space is written in files; on the command line write KEY=",
    "study=warmup study.space.warmup.fraction=0.2": "study.space.warmup.fraction is written in "
    "files; on the command line write warmup.fraction=0.2",
    "study=warmup 'study.space.lr=interval(1, 2)'": "on the command line write lr=interval(1, 2)",
    f"{RATE} study/sampler=grid": "lr must be finite for study/sampler=grid: tag(log, "
    "interval(0.0001, 0.1)) is continuous; list its values instead",
    f"{RATE} study/sampler=grid lr=range(1,99999) schedule.decay_rate=0.9": "study/sampler="
    "grid must have at most 10,000 combinations, got more; search fewer values, or use",
}
OPTIONS = {
    "study=decay_rat": f"study must be one of {STUDIES}, got 'decay_rat' (did you mean 'decay_rate",
    "study=null": f"study must be one of {STUDIES}, got null",
    "-m study=decay_rate,warmup": f"study must be one of {STUDIES}, got decay_rate,warmup",
    f"{RATE} study/sampler=tpee": "study/sampler must be one of cmaes, gp, grid, nsga2, qmc,"
    " random, tpe, got 'tpee' (did you mean 'tpe'?)",
    f"{RATE} study/pruner=medium": "study/pruner must be one of asha, hyperband, median,",
    f"{RATE} study.sampler=tpe": "study.sampler is chosen with a slash: study/sampler=tpe",
    f"{RATE} study.pruner=asha": "study.pruner is chosen with a slash: study/pruner=asha",
    f"{RATE} study/sampler=gp study.sampler.foo=1": "'study.sampler.foo'; study/sampler=gp "
    "has study.sampler.n_startup_trials, study.sampler.deterministic_objective,",
    f"{RATE} study/sampler=gp study.sampler.n_ei_candidates=1": "unknown key "
    "'study.sampler.n_ei_candidates' with study/sampler=gp; it belongs to study/sampler=tpe",
    f"{RATE} study/pruner=hyperband study.pruner.reduction_factor=1": "study.pruner."
    "reduction_factor must be at least 2, got 1",
    f"{RATE} study.trails=3": "'study.trails' (did you mean 'study.trials'?)",
    f"{RATE} +study.trails=3": "'study.trails' (did you mean 'study.trials'?)",
    f"{RATE} study.trials=0": "study.trials must be at least 1, got 0",
    f"{RATE} study.trials=many": "study.trials must be a whole number, got 'many'",
    f"{RATE} study.workers=-1": "study.workers must be auto or a whole number of at least 0, "
    "got -1",
    f"{RATE} study.workers=0 study.timeout=5": "study.timeout must be null with study.workers=0, "
    "whose workers have ends of their own, got 5",
    f"{RATE} study.timeout=0": "study.timeout must be greater than 0, got 0",
    f"{RATE} study.baseline=maybe": "study.baseline must be true or false, got 'maybe'",
    f"{RATE} study.of=lst": "study.of must be best, last or mean, got 'lst' (did you mean",
    f"{RATE} study.name={'a' * 251}": "study.name must have at most 250 bytes, got 251",
    f"{RATE} study.name=a/b": "study.name must be letters, digits, spaces, dots, dashes and",
    f"{RATE} hydra/launcher=joblib study.workers=3": "hydra.launcher.n_jobs must be at least"
    " study.workers, got 2 and 3",
    "study.trials=3": "study.trials must stand beside a search, got none; choose one, such",
    "-m seed=0,1 study/sampler=gp": "study/sampler must stand beside a search, got none; choose",
    "'lr=interval(0, 1)'": "lr is searched, interval(0, 1): add -m hydra/sweeper=optuna, or a st",
    "-m 'lr=interval(0, 1)'": "got interval(0, 1); hydra/sweeper=optuna searches a range",
}
GOALS = {
    f"{RATE} study.metric=val/acuracy": "study.metric must be val/loss or val/accuracy, got "
    "'val/acuracy' (did you mean 'val/accuracy'?)",
    f"{SEARCH} study.metric=val/accuracy": "study.metric must be val/loss, got 'val/accuracy'",
    f"{RATE} study.metric=test/accuracy": "study.metric must not be of the test data, got",
    f"{RATE} study.metric=[]": "study.metric must list at least one, got []",
    f"{RATE} study.metric=[val/loss,val/loss]": "study.metric must list each metric once",
    f"{RATE} study.direction=up": "study.direction must be maximize or minimize, got 'up'",
    f"{RATE} study.direction=[maximize,minimize]": "study.direction must be one for each of",
    f"{RATE} study.metric=[val/loss,val/accuracy] study/sampler=cmaes": "study.metric must suit "
    "the sampler, got ['val/loss', 'val/accuracy']: If the study is being used for multi-objective",
    f"{RATE} study.metric=[val/loss,val/accuracy] study/pruner=asha": "study.metric must be "
    "one metric with a pruner, got ['val/loss', 'val/accuracy']; or use study/pruner=none",
}
PLACES = {
    f"{RATE} study.storage=studies": "study.storage must be sqlite:///FILE, journal:FILE or",
    f"{RATE} study.storage=sqlite://": "study.storage must be sqlite:///FILE, journal:FILE or",
    f"{RATE} study.storage=sqlite:///:memory:": "study.storage must be sqlite:///FILE, journal:",
    f"{RATE} study.storage=sqlite:///no/such/folder.db": "study.storage must lie in a folder",
    f"{RATE} study.storage=postgresql+psycopg://me@127.0.0.1:9/x": "study.storage must be a "
    "database that",
    f"{RATE} study.storage=postgresql://me:secret@host/x": "study.storage must hold no pass",
    f"{RATE} tracking.uri=http://127.0.0.1:9": "tracking.uri must be a server that answers",
}
CASES = SPACES | OPTIONS | GOALS | PLACES


@pytest.mark.parametrize("line", CASES, ids=str)
def test_a_mistake_is_one_line_and_creates_nothing(refused, line: str) -> None:
    assert CASES[line] in refused(line)


def test_a_file_that_is_no_database_is_refused(command, folder: Path) -> None:
    (folder / "studies.db").write_text("a diary")
    done = command("study=decay_rate study.storage=sqlite:///studies.db")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert "study.storage must be a database" in done.err
    assert "got sqlite:///studies.db: file is not a database" in done.err


@pytest.mark.parametrize("text", ["a diary", "a diary\n", "\xfe"], ids=repr)
def test_a_file_that_is_no_journal_is_refused(command, folder: Path, text: str) -> None:
    (folder / "studies.log").write_bytes(text.encode("latin-1"))
    done = command("study=decay_rate study.storage=journal:studies.log")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert "study.storage must be a journal file that can be read and written" in done.err
    assert (folder / "studies.log").read_bytes() == text.encode("latin-1")


def test_a_storage_that_never_answers_is_refused_within_10_seconds(refused, monkeypatch) -> None:
    from runner.study.queue import storage

    monkeypatch.setattr(storage, "ANSWER_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        address = f"postgresql+psycopg://me@127.0.0.1:{port}/x"
        assert "study.storage must be a database" in refused(f"{SEARCH} study.storage={address}")


def test_a_search_without_m_prints_its_trials_and_the_answer(command, store, folder: Path) -> None:
    done = command(f"study=decay_rate {SMALL} study.trials=4 study.confirm_seeds=2")
    assert done.status == 0, done.err
    assert re.match(
        r"study     (decay_rate-[0-9a-f]{8}): 0 of 4 trials done\n"
        r"look      python -m runner.ui \1, then http://\S+=\1\n\[1/4\] trial 0 ",
        done.out,
    )
    assert "4 trials: 4 complete\n" in done.out
    assert "trained again on 2 fresh seeds, mean ± deviation, 95 % interval of each" in done.out
    place = folder / after("pictures", done.out)
    assert sorted(file.name for file in place.rglob("*.*")) == [
        "best.yaml",
        "description.md",
        *(f"{name}.png" for name in ("history", "parallel", "slices")),  # no importance of so few
        "trace.csv",
        "trace.png",
        "traces.png",
        "weights.safetensors",
    ]


def test_a_best_rate_at_the_end_of_the_search_is_said(command, folder: Path) -> None:
    line = f"study/sampler=grid study.baseline=false {QUADRATIC} study.confirm_seeds=0"
    assert "\nnote" not in command(f"-m hydra/sweeper=optuna lr=0.1,0.5,0.9 {line}").out
    high = command(f"-m hydra/sweeper=optuna lr=0.01,0.1 {line}")
    assert "\nnote      the best lr, 0.1, is the highest that was tried" in high.out


def test_only_what_confirms_looks_at_the_test_data_on_fresh_seeds(command, store, undrawn) -> None:
    assert command(f"study=decay_rate {SMALL} study.trials=4 study.confirm_seeds=2").status == 0
    runs = {store.label(run): run for run in store.runs()}
    trials = [name for name in runs if name.startswith("trial ")]
    again = [name for name in runs if name.startswith("confirm ")]
    assert (len(trials), len(again), len(runs)) == (4, 8, 13)
    for name in trials:
        assert not any(
            "test" in key for key in {*store.records(runs[name]), *runs[name].data.metrics}
        )
        assert runs[name].data.params["seed"] == "0"
    for name in again:
        assert {"test/loss", "test/accuracy"} <= set(runs[name].data.metrics)
        assert runs[name].data.params["seed"] in ("10000", "10001")
    assert not any("mlflow.parentRunId" in run.data.tags for run in runs.values())
    assert {run.info.status for run in runs.values()} == {"FINISHED"}


def test_the_command_and_best_yaml_repeat_the_best_run_bit_for_bit(command, store, undrawn) -> None:
    done = command(f"study=boundaries {SMALL} study.trials=4 study.confirm_seeds=0")
    assert command(after("repeat", done.out).removeprefix("python -m runner ")).status == 0
    place = after("pictures", done.out)
    assert command(f"--config-dir {place} +experiment=best").status == 0
    best = int(after("best", done.out).split()[1].rstrip(","))
    runs = {store.label(run): run for run in store.runs()}
    repeated, from_file = store.runs()[-2:]
    trial = store.records(runs[f"trial {best}"])
    for run in (repeated, from_file):
        again = store.records(run)
        assert all(np.array_equal(trial[key], again[key]) for key in ("train/lr", "train/loss"))
        assert run.data.tags["fingerprint"] == runs[f"trial {best}"].data.tags["fingerprint"]
        assert "test/accuracy" in run.data.metrics
    line = after("repeat", done.out)
    assert line.endswith("threads=1 hydra.mode=RUN")
    assert repeated.data.tags["command"] == line


def test_the_same_command_goes_on_and_more_trials_are_the_total(command, store, undrawn) -> None:
    assert "0 of 3 trials done" in command(f"{SEARCH} {FEW}").out
    again = command(f"{SEARCH} {FEW} tracking.experiment=mine")
    (name,) = store.experiments()
    told = f"note: tracking.experiment=mine is not used: {name} is the experiment\n"
    assert (again.status, again.err) == (0, told)
    assert "3 of 3 trials done" in again.out
    assert len(undrawn) == len(DRAWN)
    more = command(f"{SEARCH} {FEW} study.trials=5")
    assert "3 of 5 trials done" in more.out
    assert "5 trials: 5 complete" in more.out
    assert len(undrawn) == 2 * len(DRAWN)
    assert sorted(names(store)) == ["summary", *(f"trial {number}" for number in range(5))]


def test_a_changed_search_is_a_new_study_and_says_so(command, store, undrawn) -> None:
    first = after("study", command(f"{SEARCH} {FEW}").out).partition(":")[0]
    other = command(f"{SEARCH} {FEW} train.steps=12")
    assert f"it differs from {first} (train.steps: 8 there, 12 here)\n" in other.out
    assert len(store.experiments()) == 2


def test_a_named_study_that_differs_is_refused_with_what_differs(command, store, undrawn) -> None:
    assert command(f"{SEARCH} {FEW} study.name=mine").status == 0
    refused = command(f"{SEARCH} {FEW} study.name=mine train.steps=12 study.seeds=2")
    assert (refused.status, refused.out) == (2, "")
    assert refused.err == (
        "error: study.name 'mine' is another study (study.seeds: 1 there, 2 here; train.steps: 8 "
        "there, 12 here); choose another name, or leave it out\n"
    )
    assert command(f"{SEARCH} {FEW} study.name=mine study/sampler=random").status == 0


def test_a_study_of_something_else_is_refused(command, store, folder: Path) -> None:
    theirs = optuna.create_study(storage=f"sqlite:///{folder}/optuna.db", study_name="theirs")
    theirs.set_user_attr("made by", "somebody else")
    refused = command(f"{SEARCH} {FEW} study.name=theirs")
    assert (refused.status, refused.err.count("\n")) == (2, 1)
    assert (
        "must not be the name of a study that something else has made, got 'theirs'" in refused.err
    )


def test_a_study_without_tracking_leaves_no_mlflow_database(command, folder, undrawn) -> None:
    done = command(f"{SEARCH} {FEW} tracking=off study.baseline=false")
    assert done.status == 0
    assert "compare" not in done.out
    assert "baseline" not in done.out
    assert not (folder / "mlflow.db").exists()


def test_several_metrics_print_the_trials_that_no_other_beats(command, folder, undrawn) -> None:
    line = f"study=decay_rate {SMALL} {FEW} tracking=off study.metric=[val/accuracy,val/loss]"
    assert "trials that no other one beats in every goal" in command(line).out


def test_the_grid_sweeper_is_the_default_and_study_none_changes_nothing(command, store) -> None:
    line = f"-m {QUADRATIC} lr=0.1,0.2"
    assert command(line).status == 0
    assert command(f"{line} study=none").status == 0
    assert names(store) == ["lr=0.1", "lr=0.2"] * 2
    assert not list(Path.cwd().glob("optuna.db*"))


def test_a_run_of_a_study_alone_trains_its_baseline(command, store) -> None:
    done = command(f"study=decay_rate {SMALL} hydra.mode=RUN")
    assert done.status == 0
    assert [run.data.params["schedule.decay_rate"] for run in store.runs()] == ["0.9"]


@pytest.mark.parametrize("words", ["study=boundaries", f"{SEARCH} schedule=piecewise lr=0.1,0.2"])
def test_a_preview_of_a_search_shows_its_baseline(words, folder, capsys) -> None:
    from runner import preview

    assert preview.main([word.strip("'") for word in re.findall(r"'[^']*'|\S+", words)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("baseline: ")
    assert out.count("drops") >= 2
    assert [file.name for file in folder.iterdir()] == ["preview.png"]


def test_a_search_of_ones_own_needs_its_first_line(refused, tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    text = "defaults: [override /hydra/sweeper: optuna]\n"
    (tmp_path / "study" / "mine.yaml").write_text(text)
    said = refused(f"--config-dir {tmp_path} study=mine")
    assert said == (
        "error: study/mine.yaml overrides other groups, so its first line must be "
        "'# @package _global_'\n"
    )


def test_a_state_that_others_may_write_is_not_unpickled_without_a_word(
    command: Any, folder: Path
) -> None:
    line = f"study=decay_rate {SMALL} study/sampler=cmaes study.trials=1 study.confirm_seeds=0"
    quiet = command(line)
    assert (quiet.status, quiet.err) == (0, "")
    (folder / "optuna.db").chmod(0o666)
    again = command(line)
    assert (again.status, again.err) == (
        0,
        "note: optuna.samplers.CmaEsSampler unpickles what study.storage holds: who may write it "
        "can run code here\n",
    )
    assert command(line.replace("cmaes", "random")).err == ""
