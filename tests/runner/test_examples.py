"""The worked examples of scripts/examples, each on a few steps."""

import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "scripts" / "examples"


@pytest.fixture(autouse=True)
def examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the examples is where Python looks for modules."""
    monkeypatch.syspath_prepend(EXAMPLES)


def test_a_plain_loop_learns_and_its_run_repeats_to_the_bit(command, store) -> None:
    line = "loop=plain_loop.train train.steps=120 schedule=cosine lr=0.1 threads=1"
    done = command(line)
    assert done.status == 0, done.err
    (run,) = store.runs()
    assert run.data.metrics["test/accuracy"] > 0.85
    assert run.data.params["loop.batch_size"] == "64"
    losses = store.history(run, "train/loss")
    assert list(losses) == list(range(120))
    command(re.search(r"^repeat +python -m runner (.*)$", done.out, re.MULTILINE)[1])
    assert store.history(store.runs()[1], "train/loss") == losses
