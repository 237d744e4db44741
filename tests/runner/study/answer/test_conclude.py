"""The end of a study: its files are there, whoever reads what it prints."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

QUADRATIC = "model=quadratic dataset=none optimizer=sgd train.steps=4 tracking=off threads=1"
SEARCH = f"study=decay_rate study.trials=3 {QUADRATIC}"
PICTURES = ["history.png", "parallel.png", "slices.png", "traces.png"]


@pytest.mark.stress
def test_a_closed_pipe_costs_no_file(folder: Path) -> None:
    words = [sys.executable, "-m", "runner", *shlex.split(SEARCH), "study.confirm_seeds=2"]
    command = f"{shlex.join(words)} | head -1; echo status ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=200)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 2
    assert done.stdout.endswith("status 0\n")
    (place,) = (folder / ".runner" / "studies").iterdir()
    files = sorted(str(file.relative_to(place)) for file in place.rglob("*.*"))
    assert files == ["description.md", "experiment/best.yaml", *PICTURES]


@pytest.mark.parametrize("name", ["history.png", "experiment/best.yaml", "experiment"])
def test_files_that_cannot_be_written_cost_no_answer(
    command, folder: Path, undrawn, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def draw(picture: object, file: Path) -> None:
        file.unlink(missing_ok=True)

    monkeypatch.setattr("runner.report.pictures.draw", draw)
    line = f"{SEARCH} study.confirm_seeds=0 study.name=mine"
    place = folder / ".runner" / "studies" / "mine" / name
    if name == "experiment":
        place.parent.mkdir(parents=True)
        place.write_text("")
    else:
        place.mkdir(parents=True)
    done = command(line)
    assert (done.status, done.err.count("\n")) == (0, 1)
    said = ".runner/studies/mine cannot be written ("
    assert done.err.startswith(said)
    assert "\nbest      trial " in done.out
    assert said in command(line).err
    place.unlink() if name == "experiment" else place.rmdir()
    again = command(line)
    assert (again.status, again.err) == (0, "")
    assert (place.parents[place.parent.name == "experiment"] / "experiment" / "best.yaml").exists()


def test_the_files_come_before_the_first_line(command, folder: Path, monkeypatch) -> None:
    def closed(*lines: str) -> None:
        raise BrokenPipeError("nobody reads")

    monkeypatch.setattr("runner.study.answer.conclude.say", closed)
    with pytest.raises(BrokenPipeError, match="nobody reads"):
        command(f"{SEARCH} study.confirm_seeds=0")
    (place,) = (folder / ".runner" / "studies").iterdir()
    assert sorted(file.name for file in place.glob("*.png")) == PICTURES
    assert (place / "experiment" / "best.yaml").exists()
