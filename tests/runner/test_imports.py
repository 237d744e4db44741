"""What a run does not load: the seconds before its first step are a person's."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

RUN = """
import json, sys
from runner.__main__ import main
status = main(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]))
"""
WORDS = ["model=mlp", "dataset=mnist_5k", "train.steps=3", "seed=1"]
HEAVY = {"mlflow", "pandas", "sqlalchemy", "matplotlib", "sklearn", "pyarrow", "optuna", "scipy"}


def loaded(folder: Path, *words: str) -> set[str]:
    """What is loaded when a run has ended well."""
    command = [sys.executable, "-c", RUN, *WORDS, *words]
    out = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    status, modules = json.loads(out.splitlines()[-1])
    assert status == 0
    assert "torch.optim" in modules
    return set(modules)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "rmsprop", "sgd"])
def test_a_run_does_not_load_torchs_compiler(optimizer: str, tmp_path: Path) -> None:
    assert "torch._dynamo" not in loaded(tmp_path, "tracking=off", f"optimizer={optimizer}")


def test_a_run_loads_nothing_that_records_or_draws(tmp_path: Path, empty_store: Path) -> None:
    shutil.copy(empty_store, tmp_path / "mlflow.db")
    assert HEAVY & loaded(tmp_path) == set()
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        assert store.execute("SELECT status FROM runs").fetchall() == [("FINISHED",)]
        assert store.execute("SELECT max(step) FROM metrics WHERE key = 'train/lr'").fetchone() == (
            2,
        )
    (picture,) = tmp_path.glob("mlartifacts/*/artifacts/trace.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


PREVIEW = RUN.replace("runner.__main__", "runner.preview")


def test_a_preview_loads_nothing_that_trains_or_draws(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PREVIEW, *WORDS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    status, modules = json.loads(done.stdout.splitlines()[-1])
    assert status == 0
    assert (HEAVY | {"torch"}).intersection(modules) == set()
    assert (tmp_path / "preview.png").read_bytes().startswith(b"\x89PNG")


def test_a_study_begins_without_what_its_answer_needs() -> None:
    script = "import sys, runner.study.start; print(*sys.modules)"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "runner.study.answer.conclude" in modules
    assert {"sklearn", "scipy", "matplotlib", "mlflow", "pandas"} & modules == set()


@pytest.mark.skipif("MNIST_ROOT" not in os.environ, reason="MNIST_ROOT names no folder with MNIST")
def test_mnist_that_lies_there_needs_no_torchvision(tmp_path: Path) -> None:
    words = ["dataset=mnist", f"dataset.root={os.environ['MNIST_ROOT']}", "tracking=off"]
    found = loaded(tmp_path, *words, "dataset.train_size=500")
    assert not {name for name in found if name.startswith("torchvision")}
