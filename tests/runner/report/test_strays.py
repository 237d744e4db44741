"""What other hands print shows no password and no control character."""

import subprocess
import sys
from pathlib import Path

import pytest

HANDS = {
    "an error": "raise RuntimeError(text)",
    "an error's cause": "try: 1 / 0\nexcept ArithmeticError as e: raise OSError(text) from e",
    "an error of a thread": "threading.Thread(target=lambda: fail(text)).start()",
    "a warning": "warnings.warn(text)",
    "a log record": "logging.getLogger('mlflow.store').warning('cannot open %s', text)",
    "a log record's error": "try: fail(text)\nexcept OSError: logging.exception('odd')",
}
BEFORE = """\
import logging, sys, threading, warnings
from runner.report.strays import tame
tame()
def fail(text): raise OSError(text)
text = "no http://me:PW@host, Xy12-3z\\x1b[31m"
"""


@pytest.mark.parametrize("hand", HANDS)
def test_what_other_hands_print_is_shown_as_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hand: str
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "Xy12-3z")
    (tmp_path / "odd.py").write_text(BEFORE + HANDS[hand])
    done = subprocess.run([sys.executable, "odd.py"], capture_output=True, text=True, cwd=tmp_path)
    assert "no http://me:***@host, ***\\x1b[31m" in done.stderr
    assert "\x1b" not in done.stderr
