"""What is printed is text that the terminal can show, and lost where nobody takes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.report.say import say, warn

PRINTS = """\
import sys
from runner.report.say import flush_streams, open_streams, say, warn
open_streams()
for _ in range(2):
    say("1 ± 0.5", "\\x1b[31mred")
    warn("a note")
    print("by another hand ±")
flush_streams()
open("kept", "w").write("to the end")
sys.exit(3)
"""


@pytest.mark.parametrize(
    "redirected",
    [">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", ">/dev/full 2>&1", "2>/dev/full", "| true"],
)
def test_what_cannot_be_written_is_lost_and_nothing_else(tmp_path: Path, redirected: str) -> None:
    shell = ["bash", "-c", f'set -o pipefail; "$0" -c "$1" {redirected}', sys.executable, PRINTS]
    done = subprocess.run(shell, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 3
    assert (tmp_path / "kept").read_text() == "to the end"
    out, err = "1 +- 0.5\n\\x1b[31mred\nby another hand +-\n" * 2, "a note\n" * 2
    assert done.stdout.replace("±", "+-") == (out if redirected[0] == "2" else "")
    assert done.stderr == ("" if "2>" in redirected else err)


def test_letters_that_a_terminal_has_not_are_shown_otherwise(tmp_path: Path) -> None:
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-c", PRINTS.replace("a note", "学 █ ±…")]
    done = subprocess.run(command, capture_output=True, text=True, env=ascii_only, cwd=tmp_path)
    assert done.stdout == "1 +- 0.5\n\\x1b[31mred\nby another hand +-\n" * 2
    assert done.stderr == "? # +-...\n" * 2


def test_control_characters_are_written_out(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[2Jb\x07\r\x00", "two\n\tlines", "\x9b31m\x7f", "\u202e\u200fback", "学 ± ok")
    warn("\x1b]0;title\x07")
    done = capsys.readouterr()
    assert done.out.splitlines() == [
        "a\\x1b[2Jb\\x07\\r\\x00",
        "two",
        "\tlines",
        "\\x9b31m\\x7f",
        "\\u202e\\u200fback",
        "学 ± ok",
    ]
    assert done.err == "\\x1b]0;title\\x07\n"
