"""What a person sees of a run."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest

from runner.report.say import say, warn
from runner.report.terminal import Console, summary
from runner.results.events import Chunk, Evaluation
from runner.results.result import Link, Result, Status

AT_10 = Evaluation(10, {"val/loss": 0.25, "val/accuracy": 0.9}, 0)
LINE = "step  10  epoch 2.5     lr 0.2        val loss 0.25     val accuracy 90.00 %"


class Screen(io.StringIO):
    """A terminal that keeps what was written."""

    def isatty(self) -> bool:
        return True


def listened(**options) -> None:
    console = Console(200, 4, **options)
    some = np.full(10, 0.2)
    console.hear(Chunk(0, {"train/lr": some}, some))
    console.hear(AT_10)
    console.line("a remark")
    console.close()


def test_a_pipe_has_the_lines_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    listened()
    done = capsys.readouterr()
    assert (done.out.splitlines(), done.err) == ([LINE, "a remark"], "")


def test_the_rate_is_that_of_the_last_update(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(200, 4)
    falling = np.array([0.5, 0.25, 0.125])
    console.hear(Chunk(0, {"train/lr": falling}, falling))
    console.hear(AT_10)
    assert "  lr 0.125  " in capsys.readouterr().out


def test_lines_of_several_runs_begin_with_their_name(capsys: pytest.CaptureFixture[str]) -> None:
    listened(name="seed=1")
    assert capsys.readouterr().out.splitlines() == [f"seed=1  {LINE}", "seed=1  a remark"]


def test_a_quiet_one_prints_nothing(capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Screen())
    listened(quiet=True)
    assert (capsys.readouterr().out, sys.stderr.getvalue()) == ("", "")


def test_on_a_terminal_lines_stand_above_a_bar_that_goes_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    listened()
    written = screen.getvalue()
    assert f"\r\x1b[2K{LINE}\n" in written  # over the bar, not wrapped
    assert "200" in written
    assert written.endswith("\r\x1b[1A\x1b[2K")
    assert (sys.stdout, sys.stderr) == (screen, screen)


def test_a_file_has_the_lines_while_a_terminal_has_the_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    listened()
    assert capsys.readouterr().out.splitlines() == [LINE, "a remark"]
    assert "steps" in screen.getvalue()
    assert "val loss" not in screen.getvalue()


def test_an_evaluation_appears_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.TextIOWrapper(io.BufferedWriter(raw := io.BytesIO(), 10_000))
    monkeypatch.setattr(sys, "stdout", pipe)
    Console(200, 4).hear(AT_10)
    assert raw.getvalue().startswith(b"step  10")


def test_a_summary_has_the_figures_and_where_they_are() -> None:
    link = Link("id", "7", "lr", "sqlite:///mlflow.db", look="there")
    metrics = {"val/loss": 0.25, "val/accuracy": 0.9, "test/loss": 0.5}
    more = {"layers": {"conv*": [1e-5], "": [1e-3]}, "clipped": 3, "picture": "there/trace.png"}
    run = Result(
        "a", Status.FINISHED, metrics, 4, 8, command="python", link=link, delivered=False, **more
    )
    waiting = Path(".runner") / "outbox"
    assert summary(run) == [
        "val loss 0.25  val accuracy 90.00 %  (weights after step 4)",
        "test loss 0.5  (weights after step 4)",
        "layers    conv*: lr 1e-05; others: lr 0.001",
        "clipped   37.5 % of 8 updates",
        "recorded  run id in experiment 'lr', sqlite:///mlflow.db",
        "look      there",
        "picture   there/trace.png",
        f"waiting   records are in {waiting}; send: python -m runner.deliver",
        "repeat    python",
    ]
    assert summary(Result("a", Status.DIVERGED, reason="nan")) == ["DIVERGED: nan"]


def test_nobody_reads_a_password_at_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", "Xy12-3z")
    say("at http://me:PW@host", "with Xy12-3z")
    warn("at me:PW@host")
    assert capsys.readouterr() == ("at http://me:***@host\nwith ***\n", "at me:***@host\n")
