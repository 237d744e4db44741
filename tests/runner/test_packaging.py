"""The wheel holds all that the command needs, wherever it is unpacked."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runner.config.options import CONF

pytestmark = pytest.mark.stress
ROOT = CONF.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    uv = shutil.which("uv")
    if uv:
        words = [uv, "build", "--wheel", "--out-dir", str(folder), str(ROOT)]
    else:
        words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(folder), str(ROOT)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    zipfile.ZipFile(wheel).extractall(folder)
    return folder


def run(words: list[str], path: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder with the wheel, and the packages that it needs, on the path."""
    packages = next(p for p in map(Path, sys.path) if p.name == "site-packages")
    code = (  # -I leaves out the working folder, -S the editable installation
        f"import sys; sys.path += [{str(path)!r}, {str(packages)!r}]; sys.argv[0] = 'runner'; "
        f"from runner.__main__ import main; import runner; "
        f"assert runner.__file__.startswith({str(path)!r}), runner.__file__; "
        f"sys.exit(main({words!r}))"
    )
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if not k.startswith(("MLFLOW_", "PYTHON"))},
    )


def test_the_wheel_holds_the_configuration_and_the_plugins(unpacked: Path) -> None:
    inside = {file.relative_to(unpacked).as_posix() for file in unpacked.rglob("*")}
    files = {f"runner/conf/{file.relative_to(CONF).as_posix()}" for file in CONF.rglob("*.yaml")}
    assert files <= inside
    assert {"runner/plugins/hydra_plugins/runner_plugins.py", "schedules/py.typed"} <= inside
    assert {file.split("/")[0].split("-")[0] for file in inside} == {
        "runner",
        "schedules",
        "schedule_runner",
    }


def test_help_works_from_an_empty_folder(unpacked: Path, tmp_path: Path) -> None:
    done = run(["--help"], unpacked, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "python -m runner +experiment=bert_recipe" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_works_from_an_empty_folder(unpacked: Path, tmp_path: Path) -> None:
    words = ["+experiment=quadratic_rates", "train.steps=3", "threads=1"]
    done = run(words, unpacked, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "lr=1.2" in done.stdout
    assert {p.name for p in tmp_path.iterdir()} == {".runner", "mlartifacts", "mlflow.db"}
