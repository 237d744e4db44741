"""What is written down so that a run can be repeated."""

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from runner import provenance
from runner.config.command_line import word


def git(*words: str) -> str:
    identity = ["-c", "user.name=me", "-c", "user.email=me@example.org"]
    done = subprocess.run(["git", *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_command_repeats_overrides_and_threads(settings: Any) -> None:
    given = settings("schedule=cosine lr=3e-3 seed=1 threads=2")
    expected = "python -m runner schedule=cosine lr=3e-3 seed=1 threads=2"
    assert provenance.command(given) == expected


def test_the_command_leaves_out_where_a_sweep_put_the_run(settings: Any) -> None:
    given = settings("seed=1 tracking.experiment=grid tracking.run_name=a threads=1")
    assert provenance.command(given) == "python -m runner seed=1 threads=1"


def test_the_command_quotes_what_a_shell_would_read(settings: Any) -> None:
    given = settings("schedule=piecewise 'schedule.boundaries=[20%, 60%, 80%]' threads=1")
    command = provenance.command(given)
    assert shlex.split(command)[4] == "schedule.boundaries=[20%, 60%, 80%]"


def test_the_command_passes_on_what_was_typed(settings: Any) -> None:
    given = settings("seed=1 \"train.eval_every='10%'\" threads=3")
    assert provenance.command(given) == (
        "python -m runner seed=1 \"train.eval_every='10%'\" threads=3"
    )
    odd = "schedule.expression='\"\"'"
    given = settings(f"schedule=expression {shlex.quote(odd)}")
    assert provenance.command(given).endswith(shlex.quote(odd))


def test_the_command_of_a_preset_that_sweeps_runs_alone(settings: Any) -> None:
    given = settings("+experiment=quadratic_rates lr=0.2 threads=1")
    assert provenance.command(given).endswith("lr=0.2 threads=1 hydra.mode=RUN")


def test_a_name_says_what_was_chosen() -> None:
    words = ["model=mlp", "+model.width=8", "lr=0.1", "~warmup", "tracking=off", "device=cpu"]
    assert provenance.name(map(word, words), "run") == "mlp model.width=8 lr=0.1"


def test_a_run_without_overrides_is_named_by_its_schedule() -> None:
    words = map(word, ["tracking.uri=x", "threads=1"])
    assert provenance.name(words, "exponential") == "exponential"


def test_parameters_are_choices_and_resolved_values_without_tracking(settings: Any) -> None:
    params = provenance.params(settings("schedule=cosine model=mlp lr=0.5"))
    assert (params["schedule"], params["model"]) == ("cosine", "mlp")
    assert params["lr"] == "0.5"
    assert "schedule.lr" not in params  # the same, said once
    assert not [key for key in params if key.startswith(("tracking", "study", "hydra"))]
    assert not [key for key in params if key.endswith("_target_")]
    named = provenance.params(settings("model._target_=torch.nn.Identity schedule.lr=0.1 lr=0.5"))
    assert (named["model._target_"], named["schedule.lr"]) == ("torch.nn.Identity", "0.1")
    assert not [value for value in params.values() if "${" in value or value == "None"]


def test_lists_are_recorded_as_json(settings: Any) -> None:
    params = provenance.params(settings("model=mlp model.hidden=[8,16]"))
    assert params["model.hidden"] == "[8, 16]"
    assert "optimizer.groups" not in params  # says nothing: []


def test_tags_name_device_threads_versions_and_overrides(settings: Any) -> None:
    tags = provenance.tags(settings("seed=3 threads=2"), "cpu", {"torch": "2.15.0"})
    assert tags["overrides"] == '["seed=3", "threads=2"]'
    assert tags["command"] == "python -m runner seed=3 threads=2"
    assert (tags["device"], tags["threads"]) == ("cpu", "2")
    assert tags["version.torch"] == "2.15.0"


@pytest.fixture
def committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working folder that is a repository with one file."""
    monkeypatch.chdir(tmp_path)
    git("init")
    Path("a.py").write_text("a = 1")
    git("add", "a.py")
    git("commit", "-m", "one")


@pytest.mark.usefixtures("committed")
def test_git_says_commit_and_whether_files_were_changed() -> None:
    commit = git("rev-parse", "HEAD")
    assert provenance.git() == {"mlflow.source.git.commit": commit, "git.dirty": "false"}
    Path("a.py").write_text("a = 2")
    assert provenance.git()["git.dirty"] == "true"


@pytest.mark.parametrize(
    ("key", "attributes"),
    [
        ("core.fsmonitor", ""),
        ("filter.odd.clean", "a.py filter=odd"),
        ("filter.odd.process", "a.py filter=odd"),
        ("filter.o=d d.clean", "a.py filter=o=d\\ d"),
        ("diff.external", ""),
        ("alias.status", ""),
    ],
)
@pytest.mark.usefixtures("committed")
def test_a_folder_cannot_have_git_run_a_program_of_its_own(
    tmp_path: Path, key: str, attributes: str
) -> None:
    Path("odd").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    Path("odd").chmod(0o700)
    Path(".git/info/attributes").write_text(attributes)
    git("config", key, str(tmp_path / "odd"))
    Path("a.py").write_text("a = 2")
    assert provenance.git()["git.dirty"] == "true"
    assert not Path("ran").exists()


def test_outside_git_the_commit_is_that_of_the_package_or_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    package = Path(provenance.__file__).parent
    asked = ["git", "-C", str(package), "rev-parse", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    assert provenance.git().get("mlflow.source.git.commit", "") == commit
    monkeypatch.setattr(provenance, "__file__", str(tmp_path / "installed" / "provenance.py"))
    assert provenance.git() == {}
