"""A run that is killed at any moment: the same command ends with the bits of one in one go."""

from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("random_kills.py")


@pytest.mark.stress
@pytest.mark.timeout(900)
def test_a_run_that_is_killed_at_any_moment_ends_as_one_in_one_go(killed: Any) -> None:
    plain, *found = killed(SCRIPT, ["4"], [1])
    assert (plain["statuses"], plain["twice"], plain["steps"]) == (["FINISHED"], 0, 900)
    assert len(found) == 4
    for one in found:
        assert set(one["statuses"]) == {"FINISHED"}, one  # killed behind its end, there are two
        assert (one["twice"], one["steps"]) == (0, 900), one
        assert one["losses"] == plain["losses"], one
        assert one["weights"] == plain["weights"], one
    assert any(one["reused"] for one in found)
