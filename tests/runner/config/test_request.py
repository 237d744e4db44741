"""What a command line asks for."""

import shlex
from pathlib import Path

import pytest

from runner.config.request import Request, read_line, request
from runner.errors import Mistake


def asked(line: str) -> Request:
    return request(read_line(shlex.split(line)))


def texts(found: Request) -> list[str]:
    return [" ".join(one.text for one in job) for job in found.jobs()]


def test_a_run_is_one_job() -> None:
    found = asked("schedule=cosine lr=0.1")
    assert (found.is_multirun, found.is_study) == (False, False)
    assert texts(found) == ["schedule=cosine lr=0.1"]


def test_a_grid_is_asked_for_by_a_flag_or_by_the_configuration() -> None:
    assert texts(asked("-m schedule=cosine,step lr=0.1")) == [
        "schedule=cosine lr=0.1",
        "schedule=step lr=0.1",
    ]
    found = asked("+experiment=quadratic_rates seed=0,1")
    assert len(texts(found)) == 8
    assert texts(found)[0] == "lr=0.001 +experiment=quadratic_rates seed=0"


def test_a_preset_that_sweeps_can_run_alone() -> None:
    found = asked("+experiment=quadratic_rates lr=0.2 hydra.mode=RUN")
    assert texts(found) == ["+experiment=quadratic_rates lr=0.2 hydra.mode=RUN"]
    assert not asked("study=decay_rate hydra.mode=RUN").is_study


def test_a_value_may_belong_to_the_options_of_a_list() -> None:
    found = asked("-m schedule=piecewise,interpolation schedule.boundaries=[10,20]")
    assert len(texts(found)) == 2


@pytest.mark.parametrize(
    "line",
    ["study=decay_rate", "-m hydra/sweeper=optuna lr=interval(0,1)", "study=warmup"],
)
def test_a_study_searches(line: str) -> None:
    assert asked(line).is_study


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("seed=0,1", "seed has several values, 0,1: add -m to sweep over them"),
        (
            "lr=interval(0,1)",
            "lr is searched, interval(0,1): add -m hydra/sweeper=optuna",
        ),
        ("study.trials=3", "study.trials must stand beside a search, got none; choose one, such"),
        ("-m study/sampler=tpe seed=0,1", "study/sampler must stand beside a search, got none"),
        ("study=decay_rate,schedule", "study must be one of boundaries, decay_rate,"),
        (
            "study.space.lr=0.1,0.2",
            "study.space.lr is written in files; on the command line",
        ),
        ("-m schedule=cosine study.sampler=tpe", "study.sampler is chosen with a slash: study/sam"),
    ],
)
def test_what_does_not_fit_together_is_refused(line: str, text: str) -> None:
    with pytest.raises(Mistake) as caught:
        asked(line)
    assert str(caught.value).startswith(text)


def test_a_flag_of_hydras_wants_one_value() -> None:
    with pytest.raises(Mistake, match=r"^seed has several values, 0,1: add -m to sweep over them$"):
        read_line(["--cfg", "job", "seed=0,1"])


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("seed=1", False),
        ("-m seed=0,1", False),
        ("study=decay_rate", False),
        ("seed=1 hydra/launcher=joblib", False),
        ("-m seed=0,1 hydra/launcher=joblib", True),
        ("study=decay_rate hydra/launcher=joblib", True),
        ("-m seed=0,1 hydra/sweeper=basic", True),
        ("seed=1 hydra.job.chdir=true", True),
        ("seed=1 +hydra.job.env_set.NAME=1", True),
        ("seed=1 +hydra.callbacks.mine._target_=mine.Callback", True),
    ],
)
def test_launchers_and_what_hydra_does_around_jobs_are_left_to_hydra(line: str, left: bool) -> None:
    assert asked(line).is_left_to_hydra == left


@pytest.mark.parametrize("brings", ["override /hydra/sweeper: optuna", "override /study: warmup"])
def test_a_sweep_over_experiments_that_search_is_refused(brings: str, tmp_path: Path) -> None:
    file = tmp_path / "experiment" / "mine.yaml"
    file.parent.mkdir()
    file.write_text(f"# @package _global_\ndefaults: [{brings}]\n")
    line = f"-m --config-dir {tmp_path} +experiment=quadratic_decay,mine"
    with pytest.raises(Mistake, match="one of its options is a search itself, got mine; run it al"):
        asked(line)


def test_an_option_of_any_group_may_be_a_sweep(tmp_path: Path) -> None:
    file = tmp_path / "model" / "mine.yaml"
    file.parent.mkdir()
    file.write_text("# @package _global_\nhydra: {sweeper: {params: {lr: '0.1,0.2'}}}\n")
    for options in ("mine,linear", "linear,mine"):
        with pytest.raises(Mistake, match=r"model must not be swept over where one .* got mine; "):
            asked(f"-m --config-dir {tmp_path} model={options}")
