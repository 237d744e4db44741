"""The end of a study: its files are there, whoever reads what it prints."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

QUADRATIC = "model=quadratic dataset=none optimizer=sgd train.steps=4 tracking=off threads=1"
SEARCH = f"study=decay_rate study.trials=3 {QUADRATIC}"
PICTURES = ["history.png", "parallel.png", "slices.png", "traces.png"]


@pytest.mark.parametrize("lines", [0, 1])
@pytest.mark.parametrize("seeds", [0, 2])
def test_a_closed_pipe_costs_no_file(lines: int, seeds: int, folder: Path) -> None:
    words = [sys.executable, "-m", "runner", *shlex.split(SEARCH), f"study.confirm_seeds={seeds}"]
    command = f"{shlex.join(words)} | head -{lines}; echo status ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=200)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == lines + 1
    assert done.stdout.endswith("status 0\n")
    (place,) = (folder / ".runner" / "studies").iterdir()
    files = sorted(str(file.relative_to(place)) for file in place.rglob("*.*"))
    assert files == ["experiment/best.yaml", *PICTURES]


def test_a_disk_that_takes_no_picture_is_no_answer_lost(command, monkeypatch) -> None:
    """The files come first: who reads the answer can rely on them."""
    from runner.report import pictures

    def full(*given, **more) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(pictures, "history", full)
    with pytest.raises(OSError, match="no space left"):
        command(f"{SEARCH} study.confirm_seeds=0")
