"""`ckpt-chaos`, which tests others' checkpoints, over a run that keeps states.

It tears what `open` and `torch.save` write; test_kills.py what is written here.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

END = Path(__file__).with_name("end.py")
RUN = (
    "model=quadratic dataset=none schedule=constant optimizer=adam lr=0.1 train.steps=6 threads=1 "
    "train.eval_every=3 tracking=off"
)


@pytest.mark.stress
@pytest.mark.timeout(1500)
def test_a_run_passes_at_every_event_of_a_save(folder: Path) -> None:
    chaos = [sys.executable, "-m", "ckpt_chaos", "run", "--modes", "before", "--max-points", "9"]
    chaos += [
        "--step-regex",
        r"reused +(\d+) of",
        "--result-cmd",
        f"{sys.executable} {END} {{out}}",
    ]
    chaos += ["--jobs", "2", "--work", "chaos", "--"]
    command = [sys.executable, "-m", "runner", *RUN.split(), "states.folder={out}"]
    done = subprocess.run([*chaos, *command], capture_output=True, text=True, timeout=1400)
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = re.findall(r"PASS|HARD_FAIL|SILENT_DIVERGENCE|LOST_WORK|INCONCLUSIVE", done.stdout)
    assert verdicts.count("PASS") >= 9, done.stdout
