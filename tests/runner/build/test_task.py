"""Losses, metrics and targets of a person's own, from the command line to the record."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import metrics as sklearn

from runner.results.metrics import METRICS

CODE = """
import torch
from torch import nn
from runner.training import Dataset, Split

W = torch.arange(1.0, 6.0)

def numbers(n=40, columns=0):
    x = torch.randn(3 * n, 5, generator=torch.Generator().manual_seed(0))
    y = 1000 + 50 * (x @ W)
    y = torch.stack([y, -y], 1) if columns else y
    return Dataset(*(Split(x[i::3], y[i::3]) for i in range(3)))

def labels(n=40, how=""):
    x = torch.randn(3 * n, 5, generator=torch.Generator().manual_seed(0))
    y = (x[:, 0] > 0.8).long()
    parts = [Split(x[i::3], y[i::3]) for i in range(3)]
    if how == "one":
        parts[1] = Split(x[1::3], torch.zeros(n).long())
    kinds = {
        "int32": lambda y: y.int(),
        "bool": lambda y: y.bool(),
        "column": lambda y: y[:, None],
        "one-hot": lambda y: nn.functional.one_hot(y, 2),
    }
    if how in kinds:
        parts = [Split(one.inputs, kinds[how](one.targets)) for one in parts]
    return Dataset(*parts, classes=None if how == "no classes" else 2)

def nothing(inputs, generator):
    return None

def fewer(inputs, generator):
    return inputs[1:]

def scaled(scores, targets, gamma=1.0):
    return gamma * nn.functional.cross_entropy(scores, targets)

class Alone(nn.Linear):
    def __init__(self):
        super().__init__(5, 2)

class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2, 2)
    def forward(self, scores, targets):
        return nn.functional.cross_entropy(self.head(scores), targets)

def named(n=40):
    data = labels(n)
    split = lambda one: Split({"a": one.inputs[:, :1], "b": one.inputs[:, 1:]}, one.targets)
    return Dataset(*map(split, (data.train, data.val, data.test)), classes=2)

def words(how=""):
    ids = torch.randint(0, 7, (30, 6), generator=torch.Generator().manual_seed(0))
    targets = ids.roll(-1, 1)
    targets[:, -1] = 6 if how == "sixes" else -100
    if how == "padding":
        targets[:] = -100
    return Dataset(*(Split(ids[i::3], targets[i::3]) for i in range(3)), classes=7)

class Named(nn.Module):
    def __init__(self, input_shape, classes):
        super().__init__()
        assert input_shape == {"a": (1,), "b": (4,)}
        self.layer = nn.Linear(5, classes)
    def forward(self, *, b, a):
        return self.layer(torch.cat([a, b], 1))

class Bigrams(nn.Embedding):
    def __init__(self, classes, outputs):
        assert classes == outputs == 7
        super().__init__(classes, classes)

class Brings(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(5, 1)
    def forward(self, x, y):
        loss = nn.functional.mse_loss(self.layer(x)[:, 0], (y - 1000) / 400)
        return {"loss": loss, "logits": x}

def maps(n=40):
    x = torch.randn(3 * n, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    return Dataset(*(Split(x[i::3], (x[i::3, 0] > 0).long()) for i in range(3)), classes=2)

def boxes(n=40):
    data = labels(n)
    both = lambda one: {"label": one.targets, "box": one.inputs[:, :2]}
    parts = (Split(one.inputs, both(one)) for one in (data.train, data.val, data.test))
    return Dataset(*parts)

class Ragged(torch.utils.data.Dataset):
    def __len__(self):
        return 40
    def __getitem__(self, i):
        return torch.ones(1 + i), torch.ones(1 + i)

def padded(samples):
    pad = torch.nn.utils.rnn.pad_sequence
    return pad([x for x, _ in samples], True), pad([y for _, y in samples], True)

def ragged():
    return Dataset(Ragged(), Ragged(), Ragged(), collate=padded)

class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.by = nn.Parameter(torch.ones(1))
    def forward(self, x):
        return x * self.by

class Pixels(nn.Conv2d):
    def __init__(self):
        super().__init__(1, 2, 1)

class Boxes(nn.Linear):
    def __init__(self):
        super().__init__(5, 4)
    def forward(self, x):
        out = super().forward(x)
        return {"scores": out[:, :2], "box": out[:, 2:]}

class Quantiles(nn.Linear):
    def __init__(self):
        super().__init__(5, 3)

def box_loss(outputs, targets):
    scores, far = outputs["scores"], outputs["box"] - targets["box"]
    return nn.functional.cross_entropy(scores, targets["label"]) + far.square().mean()

def box_recall(outputs, targets):
    return recall(outputs["scores"], targets["label"])

def pinball(outputs, targets):
    far = targets[:, None] / 1000 - outputs
    levels = torch.tensor([0.1, 0.5, 0.9])
    return torch.maximum(levels * far, (levels - 1) * far).mean()

def recall(scores, targets):
    found = scores.argmax(1)[targets == 1]
    return found.float().mean()

def two_classes(scores, targets):
    if len(set(targets.tolist())) < 2:
        raise ValueError("needs two classes")
    return scores.softmax(1)[:, 1].mean()

class Score:
    higher_is_better = True
    def __init__(self, beta=1.0):
        self.beta = beta
    def reset(self):
        self.n = 0
    def update(self, outputs, targets):
        self.n += len(targets)
    def compute(self):
        return torch.tensor(self.beta * self.n)

class Unsure(Score):
    higher_is_better = None
"""
LINE = "dataset=none model=linear train.batch_size=20 train.epochs=4 lr=0.05"
NUMBERS = f"{LINE} dataset._target_=mine.numbers task=regression"
LABELS = f"{LINE} dataset._target_=mine.labels"
ANY = f"{LINE} task=none schedule=constant dataset._target_=mine"
WORDS = f"{LINE} dataset._target_=mine.words train.batch_size=4"


@pytest.fixture(autouse=True)
def mine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code above as a module, and metrics that are forgotten afterwards."""
    from runner.build import data

    (folder / "mine.py").write_text(CODE)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    monkeypatch.setattr("runner.results.metrics.METRICS", {**METRICS})
    data._load.cache_clear()


def predicted(store, run, split: str = "test") -> tuple[np.ndarray, np.ndarray]:
    """What the recorded weights say of the data, and the targets: by hand."""
    data = importlib.import_module("mine").numbers()
    weights = load_weights(store, run)
    weight, bias = (weights[name] for name in sorted(weights, reverse=True))
    part, train = getattr(data, split), data.train.targets.double()
    outputs = part.inputs.double() @ weight[0].double() + bias.double()
    real = outputs * train.std(correction=0) + train.mean()
    return part.targets.numpy(), real.numpy()


def load_weights(store, run) -> dict[str, torch.Tensor]:
    """The recorded weights of a run."""
    from safetensors.torch import load_file

    return load_file(store.file(run, "weights.safetensors"))


def scored(store, run, split) -> tuple[torch.Tensor, torch.Tensor]:
    """The scores that a run's recorded weights give, and the labels: by hand."""
    weights = load_weights(store, run)
    weight, bias = (weights[name] for name in sorted(weights, reverse=True))
    return split.inputs @ weight.T + bias, split.targets


def test_a_regression_learns_standardised_targets_and_says_errors_in_their_unit(
    command, store
) -> None:
    done = command(NUMBERS)
    assert done.status == 0
    (run,) = store.runs()
    found, pair = run.data.metrics, predicted(store, run)
    rmse = float(np.sqrt(sklearn.mean_squared_error(*pair)))
    assert found["test/rmse"] == pytest.approx(rmse, rel=1e-4)
    assert found["test/mae"] == pytest.approx(sklearn.mean_absolute_error(*pair), rel=1e-4)
    assert found["test/r2"] == pytest.approx(sklearn.r2_score(*pair), rel=1e-4)
    scale = importlib.import_module("mine").numbers().train.targets.double().std(correction=0)
    assert found["test/loss"] == pytest.approx((rmse / scale.item()) ** 2, rel=1e-4)
    assert 0.5 < store.records(run)["train/loss"][0] < 3.0
    assert f"val rmse {found['val/rmse']:.4g}" in done.out


def test_a_regression_in_its_own_unit_and_of_several_columns(command, store) -> None:
    assert command(f"{NUMBERS} task.standardize=false").status == 0
    (run,) = store.runs()
    found = run.data.metrics
    assert found["test/loss"] == pytest.approx(found["test/rmse"] ** 2, rel=1e-5)
    assert store.records(run)["train/loss"][0] > 900**2
    assert command(f"{NUMBERS} +dataset.columns=2 task.standardize=false").status == 0
    found = store.runs()[-1].data.metrics
    assert found["test/loss"] == pytest.approx(found["test/rmse"] ** 2, rel=1e-5)
    huber = "task.loss._target_=torch.nn.HuberLoss"
    assert command(f"{NUMBERS} +dataset.columns=2 {huber}").status == 0


def test_a_language_counts_tokens_and_no_padding(command, store) -> None:
    line = f"{WORDS} task=language model._target_=mine.Bigrams"
    assert command(f"{line} train.eval_every=50samples schedule=constant").status == 0
    (run,) = store.runs()
    found = run.data.metrics
    assert found["test/perplexity"] == pytest.approx(np.exp(found["test/loss"]), rel=1e-5)
    assert "test/accuracy" not in found
    sixes = "+dataset.how=sixes +task.loss.ignore_index=6 lr=0"
    assert command(f"{line} {sixes}").status == 0
    other = store.runs()[-1]
    data = importlib.import_module("mine").words("sixes").test
    scores = load_weights(store, other)["weight"][data.inputs].flatten(0, 1)
    counted = data.targets.flatten() != 6
    loss = torch.nn.functional.cross_entropy(scores[counted], data.targets.flatten()[counted])
    assert other.data.metrics["test/loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert other.data.metrics["test/perplexity"] == pytest.approx(loss.exp().item(), rel=1e-5)
    # 10 texts of 5 tokens in batches of 4: an epoch is 3 steps and 50 samples
    assert list(store.history(run, "val/loss")) == [3, 6, 9, 12]
    assert (
        command(f"{line} task.metrics.accuracy._target_=runner.training.measures.Accuracy").status
        == 0
    )


def test_inputs_by_name_and_a_model_that_brings_its_loss(command, store) -> None:
    named = "dataset._target_=mine.named model._target_=mine.Named"
    assert command(f"{LINE} {named} lr=0").status == 0
    own = "dataset._target_=mine.numbers task=none model._target_=mine.Brings"
    assert command(f"{LINE} {own} train.epochs=30 schedule=constant").status == 0
    run = store.runs()[-1]
    assert {key for key in run.data.metrics if key.startswith("test")} == {"test/loss"}
    assert run.data.metrics["test/loss"] < 0.1 * store.records(run)["train/loss"][0]
    data = importlib.import_module("mine").numbers().test
    weights = load_weights(store, run)
    outputs = data.inputs @ weights["layer.weight"][0] + weights["layer.bias"]
    loss = (outputs - (data.targets - 1000) / 400).square().mean().item()
    assert run.data.metrics["test/loss"] == pytest.approx(loss, rel=1e-4)


def test_a_loss_of_outputs_and_targets_of_any_shape(command, store) -> None:
    mine = importlib.import_module("mine")
    cross_entropy = torch.nn.functional.cross_entropy
    pixels = "task.loss._target_=torch.nn.functional.cross_entropy +task.loss.weight=[1,3]"
    done = command(f"{ANY}.maps model._target_=mine.Pixels {pixels}")
    assert done.status == 0, done.err
    run = store.runs()[-1]
    weights, data = load_weights(store, run), mine.maps().test
    scores = torch.nn.functional.conv2d(data.inputs, weights["weight"], weights["bias"])
    expected = cross_entropy(scores, data.targets, torch.tensor([1.0, 3.0])).item()
    assert run.data.metrics["test/loss"] == pytest.approx(expected, rel=1e-5)

    done = command(f"{ANY}.numbers model._target_=mine.Quantiles task.loss._target_=mine.pinball")
    assert done.status == 0, done.err
    run = store.runs()[-1]
    weights, data = load_weights(store, run), mine.numbers().test
    outputs = data.inputs @ weights["weight"].T + weights["bias"]
    expected = mine.pinball(outputs, data.targets).item()
    assert run.data.metrics["test/loss"] == pytest.approx(expected, rel=1e-5)


def test_targets_and_outputs_by_name_with_a_metric_of_all_of_them(command, store) -> None:
    mine = importlib.import_module("mine")
    metric = "'task.metrics.found={_target_: mine.box_recall, direction: maximize}'"
    loss = "task.loss._target_=mine.box_loss task.metric=found train.accumulate=2"
    done = command(f"{ANY}.boxes +dataset.n=300 model._target_=mine.Boxes {loss} {metric}")
    assert done.status == 0, done.err
    (run,) = store.runs()
    weights, data = load_weights(store, run), mine.boxes(300).test
    out = data.inputs @ weights["weight"].T + weights["bias"]
    outputs = {"scores": out[:, :2], "box": out[:, 2:]}
    found = run.data.metrics
    assert found["test/loss"] == pytest.approx(
        mine.box_loss(outputs, data.targets).item(), rel=1e-5
    )
    assert found["test/found"] == pytest.approx(mine.box_recall(outputs, data.targets).item())


def test_a_metric_of_all_outputs_decides_is_kept_and_searched(command, store) -> None:
    own = "{recall: {_target_: mine.recall, direction: maximize}}"
    line = f"{LABELS} 'task.metrics={own}' task.metric=recall"
    done = command(f"{line} -m lr=0,0.05,0.5")
    assert done.status == 0
    runs = [run for run in store.runs() if "val/recall" in run.data.metrics]
    found = [run.data.metrics for run in runs]
    best = max(found, key=lambda one: (one["val/recall"], -one["val/loss"]))
    assert f"best      {runs[found.index(best)].info.run_name}" in done.out
    assert re.search(r"rank  run +val recall +val loss +val accuracy", done.out)
    done = command(f"{line} train.keep=best lr=0.5")
    run = store.runs()[-1]
    recalls = store.history(run, "val/recall")
    kept = int(run.data.tags["kept_step"])
    assert recalls[kept] == max(recalls.values())
    study = "study=decay_rate study.trials=3 study.confirm_seeds=2 study.metric=val/recall"
    done = command(f"{line} {study}")
    assert done.status == 0
    assert "minus baseline" in done.out
    assert "val recall" in done.out


def test_metrics_are_an_open_mapping(command, store) -> None:
    line = f"{LABELS} 'task.metrics={{score: {{_target_: mine.Score, beta: 2}}, accuracy: null}}'"
    top = "'task.metrics.top2={_target_: runner.training.measures.Accuracy, k: 2}'"
    assert command(f"{line} {top}").status == 0
    (run,) = store.runs()
    names = {key.partition("/")[2] for key in run.data.metrics if key.startswith("val")}
    assert names == {"loss", "score", "top2"}
    assert (run.data.metrics["val/score"], run.data.metrics["val/top2"]) == (80.0, 1.0)


def test_class_weights_and_label_smoothing_are_pytorchs(command, store) -> None:
    more = "lr=0 schedule=constant task.loss.weight=[1,5] task.loss.label_smoothing=0.1"
    assert command(f"{LABELS} {more}").status == 0
    (run,) = store.runs()
    loss = torch.nn.CrossEntropyLoss(torch.tensor([1.0, 5.0]), label_smoothing=0.1)
    expected = loss(*scored(store, run, importlib.import_module("mine").labels().test)).item()
    assert run.data.metrics["test/loss"] == pytest.approx(expected, rel=1e-5)


def test_the_average_that_a_study_searches_by_is_what_is_tested_and_kept(command, store) -> None:
    study = "study=decay_rate study.trials=2 study.confirm_seeds=2 study.metric=ema/val/accuracy"
    assert command(f"{LABELS} train.ema=0.5 {study} train.keep=best").status == 0
    for run in store.runs():
        if "test/loss" in run.data.metrics and run.data.tags["kind"] != "summary":
            values = store.history(run, "ema/val/accuracy")
            assert max(values.values()) == values[int(run.data.tags["kept_step"])]
            break
    else:
        raise AssertionError("no run was tested")
    data = importlib.import_module("mine").labels()
    scores, labels = scored(store, run, data.test)
    right = scores.argmax(1) == labels
    assert run.data.metrics["test/accuracy"] == pytest.approx(right.double().mean().item())
    found = torch.nn.functional.cross_entropy(*scored(store, run, data.val)).item()
    step = int(run.data.tags["kept_step"])
    assert store.history(run, "ema/val/loss")[step] == pytest.approx(found, rel=1e-5)
    assert store.history(run, "val/loss")[step] != pytest.approx(found, rel=1e-5)


def test_metrics_of_torchmetrics_say_themselves_which_way_is_better(command, store) -> None:
    own = "{f1: {_target_: torchmetrics.F1Score, task: multiclass, num_classes: 2, average: macro}}"
    done = command(f"{LABELS} 'task.metrics={own}' task.metric=f1 -m lr=0,0.5")
    assert done.status == 0
    assert "best      lr=0.5" in done.out
    run = next(run for run in store.runs() if run.info.run_name == "lr=0.5")
    scores, labels = scored(store, run, importlib.import_module("mine").labels().test)
    f1 = sklearn.f1_score(labels, scores.argmax(1), average="macro")
    assert run.data.metrics["test/f1"] == pytest.approx(f1, rel=1e-6)


def test_a_schedule_free_optimizer_by_its_path(command, store) -> None:
    own = "optimizer._target_=schedulefree.AdamWScheduleFree schedule=constant"
    assert command(f"{LABELS} {own} lr=0.5 train.epochs=9").status == 0
    (run,) = store.runs()
    records = store.records(run)
    assert records["val/loss"][-1] < 0.7 * records["train/loss"][0]


def test_an_update_of_several_batches_is_one_step_of_all_that_counts_steps(command, store) -> None:
    assert command(f"{LABELS} train.accumulate=2 train.epochs=4").status == 0
    (run,) = store.runs()
    assert len(store.records(run)["train/lr"]) == 4
    assert list(store.history(run, "val/loss")) == [1, 2, 3, 4]


def test_a_run_ends_where_nothing_becomes_better(command, store) -> None:
    done = command(f"{NUMBERS} lr=0 schedule=constant train.stop_after=2ep train.epochs=9")
    assert done.status == 0
    (run,) = store.runs()
    assert run.info.status == "FINISHED"
    assert list(store.history(run, "val/loss")) == [2, 4, 6]
    assert "note      val/rmse is no better than at step 2" in done.out
    assert "test/rmse" in run.data.metrics
    done = command(f"{NUMBERS} lr=0 schedule=constant train.stop_after=2ep train.epochs=3")
    assert "no better than" not in done.out  # it has come to its end


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            f"{LINE} dataset._target_=mine.numbers",
            "dataset.targets must be (n,) of int64 with task=classification, got (n,) of float32; "
            "task=regression takes (n,) or (n, columns) of float32",
        ),
        (
            f"{LABELS} task=regression",
            "dataset.targets must be (n,) or (n, columns) of float32 with task=regression, got "
            "(n,) of int64; task=classification takes (n,) of int64",
        ),
        (
            f"{WORDS}",
            "dataset.targets must be (n,) of int64 with task=classification, got (n, 6) of int64; "
            "task=language takes (n, context) of int64, the next tokens",
        ),
        (
            f"{LABELS} '+dataset.how=no classes'",
            "dataset.classes must be the number of classes, or of different tokens, with "
            "task=classification, got none",
        ),
        (
            f"{WORDS} task=language model._target_=mine.Bigrams +dataset.how=padding",
            "dataset.train's targets must hold one that is no padding, got none",
        ),
        (
            f"{LABELS} 'task.metrics={{f1: {{_target_: mine.recall}}}}'",
            "task.metrics.f1.direction must be given, maximize or minimize; "
            "task.metrics.f1._target_=mine.recall does not say which way is better",
        ),
        (
            f"{LABELS} task.metrics.f1._target_=mine.Unsure",
            "task.metrics.f1.direction must be given, maximize or minimize; "
            "task.metrics.f1._target_=mine.Unsure does not say which way is better",
        ),
        (
            f"{LABELS} task.metrics.f1._target_=mine.Score +task.metrics.f1.direction=up",
            "task.metrics.f1.direction must be maximize or minimize, got 'up'",
        ),
        (
            f"{LABELS} task.metrics.loss._target_=mine.Score",
            "task.metrics must be named by few letters, digits and underscores, and not 'loss', "
            "got 'loss'",
        ),
        (
            f"{LABELS} task.metric=f1",
            "task.metric must be accuracy or loss, got 'f1'",
        ),
        (
            f"{LABELS} +dataset.how=one 'task.metrics.auc={{_target_: mine.two_classes, "
            "direction: maximize}'",
            "task.metrics.auc must take outputs (40, 2) and targets (40,); it fails with "
            "ValueError: needs two classes (mine.py, line 147)",
        ),
        (f"{LABELS} task.kind=clasification", None),
        (f"{LABELS} task.kind=[null]", None),
        (
            f"{LABELS} +dataset.how=int32",
            "dataset.targets must be (n,) of int64 with task=classification, got (n,) of int32; "
            "targets.long() makes them so",
        ),
        (
            f"{LABELS} +dataset.how=bool",
            "dataset.targets must be (n,) of int64 with task=classification, got (n,) of bool; "
            "targets.long() makes them so",
        ),
        (
            f"{LABELS} +dataset.how=column",
            "dataset.targets must be (n,) of int64 with task=classification, got (n, 1) of int64; "
            "targets[:, 0].long() makes them so",
        ),
        (
            f"{LABELS} '+dataset.how=one-hot'",
            "dataset.targets must be (n,) of int64 with task=classification, got (n, 2) of int64; "
            "targets.argmax(1) makes labels of one-hot targets",
        ),
        (
            f"{ANY}.labels model._target_=mine.Alone",
            "model must take input of shape (batch, 5), targets (batch,) behind it, and return its "
            "loss, as there is no task.loss; it fails with TypeError: Linear.forward() takes 2 "
            "positional arguments but 3 were given",
        ),
        (
            f"{LABELS} dataset.augment._target_=mine.nothing",
            "dataset.augment must return the inputs of a batch, of 20 rows here, got NoneType",
        ),
        (
            f"{LABELS} dataset.augment._target_=mine.fewer",
            "dataset.augment must return the inputs of a batch, of 20 rows here, got (19, 5)",
        ),
        (
            f"{LABELS} task.metric=accuracy task.metrics.accuracy=null",
            "task.metric must be loss, got 'accuracy'",
        ),
        (f"{NUMBERS} task.standardize=abc", "task.standardize must be true or false, got 'abc'"),
        (f"{NUMBERS} task.standardize=null", "task.standardize must be true or false, got null"),
        (
            f"{NUMBERS} task.loss._target_=torch.nn.BCEWithLogitsLoss",
            "task.standardize must be false with BCEWithLogitsLoss, which targets in another unit "
            "do not fit, got true",
        ),
        (
            f"{LINE} dataset._target_=mine.ragged model._target_=mine.Scale task=regression",
            "task.standardize must be false where targets are of several shapes, which have no "
            "mean, got true",
        ),
        (
            f"{ANY}.numbers model._target_=mine.Brings 'task.metrics.f1={{_target_: mine.recall, "
            "direction: maximize}'",
            "task.metrics must stand beside task.loss with task=none, as the model returns its "
            "loss alone, got f1",
        ),
        (
            f"{ANY}.boxes model._target_=mine.Boxes task.loss._target_=mine.recall",
            None,
        ),
        (f"{LABELS} +task.padding=3", None),
        (
            f"{NUMBERS} +task.center=3",
            "task.center is not a key of task.kind=regression",
        ),
        (f"{LABELS} train.ema=1", "train.ema must lie in (0, 1), got 1"),
        (
            f"{LABELS} train.accumulate=3",
            "train.accumulate must be at most 2, the batches of an epoch, got 3",
        ),
        (
            f"{LABELS} train.keep=ema",
            "train.keep must stand beside an average, got 'ema'; train.ema=0.999 takes it",
        ),
        (
            f"{LABELS} study=decay_rate study.metric=ema/val/accuracy",
            "study.metric must be val/loss or val/accuracy, got 'ema/val/accuracy' "
            "(did you mean 'val/accuracy'?)",
        ),
    ],
)
def test_what_does_not_fit_is_one_line_and_creates_nothing(
    command, folder: Path, line: str, message: str | None
) -> None:
    done = command(line)
    assert done.status == 2
    if message is not None:
        assert done.err.removesuffix("\n") == f"error: {message}"
    assert (done.out, done.err.count("\n")) == ("", 1)
    assert not (folder / "mlflow.db").exists()


def test_metrics_that_need_two_classes_see_the_whole_split(command) -> None:
    own = "task.metrics.auc={_target_: mine.two_classes, direction: maximize}"
    assert command(f"{LABELS} tracking=off '{own}'").status == 0


def test_a_loss_whose_weights_nobody_trains_is_noted(command) -> None:
    done = command(f"{LABELS} tracking=off task.loss._target_=mine.Head")
    assert done.status == 0
    told = "task.loss has weights, which are not trained: head.weight, head.bias; those of the"
    assert told in " ".join(done.out.split()) + done.err
    done = command(f"{LABELS} tracking=off task.loss._target_=mine.scaled")
    assert "not trained" not in done.out + done.err


def test_the_next_metric_decides_where_the_first_is_taken_away(command) -> None:
    own = "'task.metrics.recall={_target_: mine.recall, direction: maximize}'"
    done = command(f"{LABELS} tracking=off task.metrics.accuracy=null {own} -m lr=0,0.5")
    assert done.status == 0, done.err
    assert re.search(r"rank  run +val recall +val loss", done.out)
