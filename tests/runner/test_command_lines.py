"""Whatever is typed ends well, or in a line that names the key, with nothing created.

`python tests/runner/command_lines.py SEED COUNT` tries more of them.
"""

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).with_name("command_lines.py")


@pytest.mark.parametrize(
    ("seed", "count"),
    [
        (1, 120),
        pytest.param(2, 700, marks=[pytest.mark.stress, pytest.mark.timeout(900)]),
    ],
)
def test_odd_command_lines_end_well(folder: Path, seed: int, count: int) -> None:
    words = [sys.executable, str(FUZZ), str(seed), str(count)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(folder.iterdir()) == []
