"""What cannot be trained is found before the first trial."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Mistake
from runner.study.plan.plan import Plan
from runner.study.plan.plan import plan as planned

SMALL = "model=linear train.epochs=2 tracking=off threads=1"


def plan(line: str, **more: Any) -> Plan:
    return planned(shlex.split(line), None, **more)


def searched(found: Plan) -> dict[str, str]:
    return {entry.key: entry.spec.text() for entry in found.configurator.space.entries}


def test_a_value_that_would_be_refused_is_named_with_its_key(folder: Path) -> None:
    message = r"the search may try schedule.decay_rate=1.5, but schedule.decay_rate must lie in \("
    with pytest.raises(Mistake, match=message):
        plan(f"study=decay_rate {SMALL} 'schedule.decay_rate=interval(0.5, 1.5)'")
    message = re.escape("the search may try model=quadratic lr=0.0001 schedule.decay_rate=0.5, but")
    with pytest.raises(Mistake, match=message):
        plan(f"study=decay_rate {SMALL} model=linear,quadratic")


def test_a_baseline_that_cannot_be_trained_may_be_left_out(folder: Path) -> None:
    line = f"{SMALL} schedule=piecewise schedule.boundaries=[50%] schedule.factors=[1,0.5],[1,0.1]"
    message = "cannot be trained: schedule.factors must be given, 2 of them for boundaries"
    with pytest.raises(Mistake, match=message):
        plan(line)
    assert searched(plan(f"{line} study.baseline=false")) == {
        "schedule.factors": "choice([1, 0.5], [1, 0.1])"
    }
