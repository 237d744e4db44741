"""Workers of one grid on one store, of which one is killed now and again, end as one alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import runner

SCRIPT = Path(__file__).with_name("crowd.py")
KILLS, MAX_BYTES, STATE_BYTES = 12, 6_000_000, 1_300_000


@pytest.mark.stress
@pytest.mark.timeout(600)
def test_four_workers_of_which_one_is_killed_at_every_third_use_end_as_one_alone(
    tmp_path: Path,
) -> None:
    out = subprocess.run(
        [sys.executable, str(SCRIPT), str(KILLS), str(MAX_BYTES)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(runner.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    alone, crowd = map(json.loads, out.splitlines())
    assert (alone["status"], len(alone["table"]), alone["trained"]) == (0, 6, None), alone["out"]
    assert crowd["killed"] == KILLS
    # while files are listed each of the four may save one
    assert STATE_BYTES < crowd["most"] <= MAX_BYTES + 4 * STATE_BYTES
    for worker in crowd["workers"]:
        assert (worker["status"], worker["table"]) == (0, alone["table"]), worker["out"]
        assert worker["trained"] < 960
