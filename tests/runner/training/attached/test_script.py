"""A script whose run somebody has enough of."""

import sys
from pathlib import Path

import pytest
import torch

from runner.results.events import Chunk, Evaluation
from runner.training.attached import follow
from runner.training.own_loop import Start
from runner.trial import Numbers, Recipe, Trial
from schedules import Constant, Horizon

SCRIPT = """\
from pathlib import Path
from runner.api import attach

run = attach()
for step in run.steps():
    run.lr
    run.log(loss=1.0)
    if run.evaluates:
        run.report(val_loss=1.0)
Path("stopped").write_text(f"{run.step} {run.should_stop} {run.tests()}")
"""


class EnoughError(Exception):
    """What a listener raises."""


@pytest.fixture
def start() -> Start:
    horizon = Horizon(50, 5)
    parts = {key: {} for key in ("model", "dataset", "optimizer", "clipping", "versions")}
    rest = {"precision": "float32", "device": "cpu", "threads": 1, "weights": None}
    recipe = Recipe(**parts, batch_size=0, seed=3, **rest, loop={"keys": {}})
    numbers = Numbers({"lr": Constant(lr=0.1).bind(horizon)}, horizon)
    rest = {"keys": {}, "device": torch.device("cpu"), "threads": 1}
    trial = Trial(recipe, numbers, eval_every=4)
    return Start(trial, frozenset({"loss"}), "loss", **rest, test=True, keeps_best=False)


def test_a_listener_that_has_enough_ends_the_script_in_order(folder, start) -> None:
    Path("script.py").write_text(SCRIPT)
    heard: list[Chunk | Evaluation] = []

    def hear(event: Chunk | Evaluation) -> None:
        heard.append(event)
        if isinstance(event, Evaluation) and event.step == 8:
            raise EnoughError("at step 8")

    state = start.state()
    with pytest.raises(EnoughError, match="at step 8"):
        follow([sys.executable, "script.py"], start, state, hear, lambda: False)
    assert Path("stopped").read_text() == "8 True False"
    assert state.step == 8
    assert sum(len(event) for event in heard if isinstance(event, Chunk)) == 8
