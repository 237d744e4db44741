"""Which weights a run keeps, and that nothing odd in a model costs it its record."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

# Its loss on the validation data follows a script, whatever the weights are.
SCRIPTED = """\
import torch
from torch import nn

class Scripted(nn.Module):
    def __init__(self, losses: list, breaks: int = 10**9):
        super().__init__()
        self.w = nn.Parameter(torch.tensor(0.0))
        self.losses, self.breaks, self.updates = losses, breaks, 0

    def forward(self):
        if not self.training:
            return 0 * self.w + self.losses[max(0, self.updates - 1)]
        self.updates += 1
        return self.w * float("nan") if self.updates > self.breaks else self.w

class Tied(nn.Module):
    def __init__(self, input_shape, classes):
        super().__init__()
        self.a, self.b = nn.Linear(784, classes), nn.Linear(784, classes)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.a(x.flatten(1)) + self.b(x.flatten(1))
"""
STEPS = "dataset=none optimizer=sgd schedule=constant lr=1.0 train.steps=4 train.eval_every=1"


@pytest.fixture
def own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine.py").write_text(SCRIPTED)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)


def kept(folder: Path) -> dict[str, torch.Tensor]:
    (file,) = (folder / "mlartifacts").rglob("weights.safetensors")
    return load_file(file)


# w is 0 at the start and falls by 1 with each update, so that it tells after which one it was kept
@pytest.mark.parametrize(
    ("keep", "w", "loss"), [("last", -4.0, 4.0), ("best", -2.0, 1.0)], ids=["last", "best"]
)
def test_the_weights_of_the_last_or_the_best_evaluation(
    command, store, own, folder, keep, w, loss
) -> None:
    model = "model=quadratic ~model.w model._target_=mine.Scripted +model.losses=[3.0,1.0,2.0,4.0]"
    done = command(f"{STEPS} {model} train.keep={keep}")
    assert done.status == 0, done.err
    assert kept(folder)["w"].item() == w
    assert f"\nval loss {loss:g}" in done.out


@pytest.mark.parametrize(("keep", "w"), [("last", -3.0), ("best", -2.0)])
def test_a_run_that_diverged_keeps_finite_weights(command, store, own, folder, keep, w) -> None:
    model = "model=quadratic ~model.w model._target_=mine.Scripted +model.losses=[3.0,1.0,2.0,4.0]"
    done = command(f"{STEPS} {model} +model.breaks=3 train.keep={keep}")
    assert done.status == 3
    assert "DIVERGED: train/loss is nan at step 3, learning rate 1" in done.out
    assert kept(folder)["w"].item() == w
    (run,) = store.runs()
    assert run.info.status == "FAILED"
    assert run.data.tags["diverged"] == "train/loss is nan at step 3, learning rate 1"
    assert len(store.history(run, "train/lr")) == 4  # the step that broke is in the record


def test_the_best_is_the_most_accurate_one(command, store, folder) -> None:
    line = "model=mlp lr=0.05 train.epochs=3 train.eval_every=8 train.keep=best"
    assert command(line).status == 0
    (run,) = store.runs()
    records = store.records(run)
    best = records["val/accuracy"].max()
    assert records["val/accuracy"][-1] < best  # else the test would show nothing
    from runner.training import datasets, models
    from runner.training.evaluation import evaluate
    from runner.training.tasks import Classification

    model = models.MLP((1, 28, 28), 10)
    model.load_state_dict(kept(folder))
    found = evaluate(model, Classification(), datasets.mnist_5k().val, "float32")
    assert found["accuracy"] == best
    (step,) = store.history(run, "test/accuracy")
    assert records["val/accuracy"][records["val/accuracy@step"] == step].item() == best
    assert run.data.tags["kept_step"] == str(step)
    assert np.isclose(found["loss"], records["val/loss"][records["val/accuracy"] == best]).any()


def test_tied_weights_are_trained_and_kept(command, store, own, folder) -> None:
    done = command("model=linear model._target_=mine.Tied train.steps=2")
    assert done.status == 0, done.err
    assert torch.equal(kept(folder)["a.weight"], kept(folder)["b.weight"])
    assert store.runs()[0].info.status == "FINISHED"


def test_a_model_that_cannot_be_written_still_ends(command, store, monkeypatch) -> None:
    from runner import artifacts

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(artifacts, "write", full)
    assert command("model=linear train.steps=2").status == 0
    (run,) = store.runs()
    assert run.info.status == "FINISHED"
    assert "No space left on device" in run.data.tags["artifacts"]
    assert len(store.history(run, "train/lr")) == 2


def test_the_fingerprint_is_the_same_from_another_folder(job, folder, monkeypatch) -> None:
    one = job("model=linear dataset.split_seed=3")
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    assert job("model=linear dataset.split_seed=3").trial.recipe == one.trial.recipe
    assert job("model=linear dataset.split_seed=4").trial.recipe != one.trial.recipe


def test_a_run_that_learns_nothing_says_so(command) -> None:
    line = (
        "model=quadratic dataset=none schedule=constant optimizer=sgd tracking=off train.steps=60"
    )
    note = "training has made nothing better: loss 36 at first, 36 at last"
    assert f"\nnote      {note}\n" in command(f"{line} tracking=off lr=1.0").out
    swept = command(f"-m {line} tracking=off lr=0.1,1.0").out
    assert swept.count(note) == 1
    assert f"FINISHED  {note}" in swept


def said(out: str, what: str) -> list[str]:
    """What the lines of a summary say that begin so."""
    return [line.split(maxsplit=1)[1] for line in out.splitlines() if line.startswith(f"{what} ")]


@pytest.mark.parametrize(
    ("words", "layers"),
    [
        ("", []),
        (
            "optimizer.groups=[{pattern:'dense1.*',lr_scale:0.01},{pattern:'*.bias',frozen:true}]",
            ["dense1.*: lr 0.001; *.bias: frozen; others: lr 0.1"],
        ),
        ("optimizer.layer_decay=0.5", ["all: lr 0.05 (first of 2 layers) to 0.1 (last)"]),
    ],
)
def test_rates_of_layers_that_have_their_own_are_said_at_the_peak(command, words, layers) -> None:
    line = "model=mlp lr=0.1 schedule=exponential train.steps=2 tracking=off"
    done = command(f'{line} "{words}"' if words else line)
    assert done.status == 0, done.err
    assert said(done.out, "layers") == layers


@pytest.mark.parametrize(
    ("clipping", "share"),
    [
        ("none", []),
        ("global_norm clipping.max_norm=1e9", ["0 % of 8 updates"]),
        # the gradient 2 * (w + 1) is 12, and less by 1.6 after each update: above 4 for 5 of them
        ("global_norm clipping.max_norm=4", ["62.5 % of 8 updates"]),
    ],
)
def test_the_share_of_clipped_updates_is_said_where_a_clipping_is_chosen(
    command, clipping, share
) -> None:
    line = "model=quadratic dataset=none schedule=constant optimizer=sgd tracking=off train.steps=8"
    assert said(command(f"{line} lr=0.2 clipping={clipping}").out, "clipped") == share


def test_the_picture_is_said_where_it_lies(command, store, folder, monkeypatch) -> None:
    line = "model=linear train.steps=2"
    (inside,) = said(command(line).out, "picture")
    (run,) = store.runs()
    assert inside == f"mlartifacts/{run.info.run_id}/artifacts/trace.png"
    assert (folder / inside).read_bytes() == store.file(run, "trace.png").read_bytes()
    assert said(command(f"{line} tracking=off").out, "picture") == []
    (folder / "elsewhere").mkdir()
    monkeypatch.chdir(folder / "elsewhere")
    (outside,) = said(command(f"{line} tracking.uri=sqlite:///{folder}/mlflow.db").out, "picture")
    assert outside.startswith(f"{folder}/mlartifacts/")
    assert Path(outside).is_file()
