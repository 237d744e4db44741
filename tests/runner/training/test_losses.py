"""Losses of torch's and of a person's own."""

import functools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from runner.training.losses import total_loss
from runner.training.tasks import Classification

LINE = "model=linear train.steps=3 tracking=off"


def test_the_sum_of_a_loss_with_and_without_a_reduction() -> None:
    scores, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 1, 0])
    expected = functional.cross_entropy(scores, labels, reduction="none").sum()
    batch = torch.zeros(5, 1), labels
    torch.testing.assert_close(total_loss(Classification(), scores, batch), expected)
    own = Classification(loss=lambda s, t: functional.cross_entropy(s, t))
    torch.testing.assert_close(total_loss(own, scores, batch), expected)


def test_a_loss_of_a_persons_own_trains_and_is_evaluated(
    job, command, store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "mine_loss.py").write_text(
        "from torch.nn.functional import cross_entropy\n"
        "def scaled(outputs, targets, by=1.0):\n"
        "    return by * cross_entropy(outputs, targets)\n"
    )
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine_loss", raising=False)
    line = "model=linear lr=0 schedule=constant train.steps=3"
    own = "task.loss._target_=mine_loss.scaled +task.loss.by=2"
    assert command(line).status == 0
    assert command(f"{line} {own}").status == 0
    usual, scaled = (store.records(run) for run in store.runs())
    np.testing.assert_allclose(scaled["train/loss"], 2 * usual["train/loss"], rtol=1e-6)
    np.testing.assert_allclose(scaled["val/loss"], 2 * usual["val/loss"], rtol=1e-6)
    assert scaled["val/accuracy"].tolist() == usual["val/accuracy"].tolist()
    assert job(f"{line} {own}").trial.fingerprint(0) != job(line).trial.fingerprint(0)


def test_a_loss_that_cannot_be_found_is_refused(command) -> None:
    done = command(f"{LINE} task.loss._target_=nowhere.loss")
    assert done.status == 2
    assert done.err.startswith("error: task.loss._target_ must name a class that can be imported")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "task.loss.label_smoothing=3",
            "error: task.loss must take outputs (2, 10) and targets (2,); "
            "it fails with RuntimeError: label_smoothing must be",
        ),
        (
            "+task.loss.reduction=none",
            "error: task.loss must return the mean over the samples, got (2,)",
        ),
    ],
)
def test_a_loss_that_fails_on_the_data_is_refused_before_the_run(
    command, folder: Path, words: str, message: str
) -> None:
    done = command(f"model=linear train.steps=3 {words}")
    assert (done.status, done.err[: len(message)]) == (2, message)
    assert not (folder / "mlflow.db").exists()


def test_the_loop_calls_the_loss_itself_and_not_through_hydras_checks(job) -> None:
    loss = job(f"{LINE} task.loss.label_smoothing=0.1").state.task.loss
    assert type(loss) is functools.partial  # Hydra's is a class of its own
    assert (loss.func, loss.keywords) == (functional.cross_entropy, {"label_smoothing": 0.1})
