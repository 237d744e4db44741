"""Updates as a graph: on a CPU what would be captured is called again instead; where a GPU is, it
is captured."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from runner.__main__ import main
from runner.build.setup import Setup
from runner.results.events import LR, Chunk, Evaluation
from runner.training import graph
from runner.training.graph import WARM, Graph, why_not
from runner.training.loop import train

LINE = "tracking=off states=off threads=1 "
SMALL = "model=mlp 'model.hidden=[8]' "
LINE += "train.steps=24 train.batch_size=200 train.eval_every=11 "  # one of 50 among them
EXACT = "schedule=piecewise 'schedule.values=[0.0625,0.03125,0.0078125]' "  # in float32
EXACT += "'schedule.boundaries=[9,17]' "
CASES = [
    SMALL,
    SMALL + "clipping=global_norm clipping.max_norm=0.5",
    SMALL + "model.dropout=0.5 optimizer=adamw",
    SMALL + "optimizer=sgd optimizer.momentum=0.9",
    SMALL + "'optimizer.groups=[{pattern: \"*bias\", lr_scale: 0.5}]'",
    "model=resnet9 model.width=2 dataset=samples25.data train.batch_size=7 train.steps=9",
]
DATA = """
import torch
from runner.training.data import Dataset, Split

def data():
    torch.manual_seed(0)
    parts = [Split(torch.rand(25, 3, 16, 16), torch.arange(25) % 3) for _ in range(3)]
    return Dataset(*parts, classes=3)
"""


def replayed(calls: list[int]) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def capture(update: Callable[[], None]) -> Callable[[], None]:
        def again() -> None:
            calls.append(1)
            update()

        return again

    return capture


def trained(setup: Setup, updates: Graph | None) -> tuple[dict[str, np.ndarray], list[Any]]:
    state: Any = setup.state
    events = [*train(state, setup.trial, setup.data, updates=updates)]
    chunks = [one for one in events if isinstance(one, Chunk)]
    columns = {k: np.concatenate([one.columns[k] for one in chunks]) for k in chunks[0].columns}
    found = [one.metrics for one in events if isinstance(one, Evaluation)]
    held = [*state.model.state_dict().values()]
    for values in state.optimizer.state_dict()["state"].values():
        held += values.values()
    return columns, [found, *(one.tolist() for one in held)]


@pytest.mark.parametrize("more", CASES)
def test_gives_the_bits_of_updates_one_by_one(job: Any, own_module: Any, more: str) -> None:
    own_module("samples25", DATA)
    plain, calls = trained(job(LINE + EXACT + more), None), list[int]()
    columns, rest = trained(job(LINE + EXACT + more), Graph(must=True, capture=replayed(calls)))
    assert columns.keys() == plain[0].keys()
    for name, column in plain[0].items():
        assert column.dtype == columns[name].dtype
        np.testing.assert_array_equal(columns[name], column)
    assert rest == plain[1]
    steps, whole = len(columns[LR]), 9 - 2 if "resnet9" in more else 24 - 1
    assert len(calls) == whole - WARM < steps - WARM  # another shape is none of a graph's


def test_reads_each_rate_on_the_device_as_float32(job: Any) -> None:
    more = SMALL + "schedule=cosine lr=0.1 optimizer=sgd optimizer.momentum=0"
    setup, calls = job(LINE + more), list[int]()
    rates: list[float] = []
    step = setup.state.optimizer.step

    def heard() -> None:
        rates.append(float(setup.state.optimizer.param_groups[0]["lr"]))
        step()

    setup.state.optimizer.step = heard
    columns, _ = trained(setup, Graph(must=True, capture=replayed(calls)))
    expected = columns[LR].astype(np.float32).astype(np.float64)
    captured = [i for i in range(24) if i >= WARM and i != 20]  # a shorter batch
    assert [rates[i] for i in captured] == [expected[i] for i in captured]
    assert len(set(rates)) == 24
    assert isinstance(setup.state.optimizer.param_groups[0]["lr"], float)
    assert "capturable" not in setup.state.optimizer.param_groups[0]


def test_captures_again_where_other_tensors_were_put_in(job: Any) -> None:
    setup, calls, captures = job(LINE + SMALL + EXACT), list[int](), list[int]()
    make = replayed(calls)

    def capture(update: Callable[[], None]) -> Callable[[], None]:
        captures.append(len(calls))
        return make(update)

    updates = Graph(must=True, capture=capture)
    for event in train(setup.state, setup.trial, setup.data, updates=updates):
        if isinstance(event, Evaluation) and event.step == 11:
            weight = next(iter(setup.state.model.parameters()))
            weight.data = weight.data.clone()
    assert captures == [0, 11 - WARM]


@pytest.mark.parametrize("must", [True, False])
def test_a_capture_that_fails_ends_the_run_or_is_said(job: Any, must: bool) -> None:
    def capture(update: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("operation not permitted when stream is capturing")

    line, updates = LINE + SMALL + EXACT, Graph(must=must, capture=capture)
    if must:
        with pytest.raises(RuntimeError, match="not permitted"):
            trained(job(line), updates)
        return
    assert trained(job(line), updates)[1] == trained(job(line), None)[1]
    assert "not permitted when stream is capturing" in updates.why


def test_a_diverging_update_leaves_everything_as_it_was(job: Any) -> None:
    more = SMALL + "schedule=constant lr=1e30 optimizer=sgd optimizer.momentum=0"
    found = []
    for updates in (None, Graph(must=True, capture=replayed([]))):
        setup = job(LINE + more)
        with pytest.raises(ArithmeticError, match="at step") as error:
            trained(setup, updates)
        found.append((str(error.value), [p.tolist() for p in setup.state.model.parameters()]))
    assert found[0] == found[1]


ODD = """
import random
import torch
from torch import nn

class Odd(nn.Module):
    def __init__(self, input_shape, kind):
        super().__init__()
        self.weight, self.kind, self.calls = nn.Parameter(torch.ones(10, 784)), kind, 0
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, inputs):
        if self.kind == "draws" and self.training:
            inputs = inputs * random.random()
        if self.kind == "counts":
            self.calls += 1
        if self.kind == "assigns":
            self.mean = 0.9 * self.mean + 0.1
        return inputs.flatten(1) @ self.weight.T + self.mean
"""


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("plain", ""),
        ("draws", "the model draws on the CPU in each update"),
        ("counts", "the model or the loss changes what is no weight in each update"),
        ("assigns", "the model takes other tensors in each update"),
    ],
)
def test_what_a_replay_would_not_do_is_made_one_by_one(
    job: Any, own_module: Any, kind: str, why: str
) -> None:
    own_module("odd_for_graphs", ODD)
    line = f"{LINE}{EXACT}model=odd_for_graphs.Odd model.kind={kind}"
    calls = list[int]()
    updates = Graph(capture=replayed(calls))
    assert trained(job(line), updates)[1] == trained(job(line), None)[1]
    assert (updates.why, bool(calls)) == (why, not why)
    if why:
        with pytest.raises(RuntimeError, match=why):
            trained(job(line), Graph(must=True, capture=replayed([])))


OWN = """
import torch
from torch import nn
from torch.nn import functional
from runner.training.clipping import GlobalNorm

class Clip(GlobalNorm):
    pass

class Centred(nn.CrossEntropyLoss):
    def __init__(self):
        super().__init__()
        self.register_buffer("center", torch.zeros(()))

class Counts:
    calls = 0

    def __call__(self, outputs, targets):
        self.calls += 1
        return functional.cross_entropy(outputs, targets)
"""


def test_samples_that_lie_over_each_other_are_said(job: Any, own_module: Any) -> None:
    grey = "lambda inputs, generator: inputs[:, :1].expand(-1, 3, -1, -1)"
    own_module("grey25", DATA.replace("classes=3)", f"classes=3, augment={grey})"))
    line = LINE + "model=resnet9 model.width=2 dataset=grey25.data train.batch_size=5"
    calls = list[int]()
    updates = Graph(capture=replayed(calls))
    trained(job(line), updates)
    assert "no copy of their layout" in updates.why
    assert calls == []
    with pytest.raises(RuntimeError, match="no copy of their layout"):
        trained(job(line), Graph(must=True, capture=replayed([])))


def test_a_loss_that_counts_is_no_graph(job: Any, own_module: Any) -> None:
    own_module("own_losses_in_graphs", OWN)
    line = f"{LINE}{EXACT}{SMALL}task.loss=own_losses_in_graphs.Counts"
    updates = Graph(capture=replayed([]))
    trained(job(line), updates)
    assert updates.why == "the model or the loss changes what is no weight in each update"


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("", ""),
        ("optimizer=rmsprop", "RMSprop has no fused form"),
        ("optimizer/weight_decay_schedule=cosine", "weight_decay follows a schedule"),
        ("train.accumulate=2", "train.accumulate is above 1"),
        ("train.ema=0.9", "train.ema is asked for"),
        (
            "clipping._target_=own_in_graphs.Clip +clipping.max_norm=1.0",
            "Clip is no clipping of ours",
        ),
        ("task.loss=own_in_graphs.Centred", "the loss has buffers"),
    ],
)
def test_what_cannot_be_a_graph(job: Any, own_module: Any, more: str, why: str) -> None:
    own_module("own_in_graphs", OWN)
    setup = job(LINE + SMALL + more)
    assert why in why_not(setup.state, setup.trial, "cpu")
    assert bool(why_not(setup.state, setup.trial, "cpu")) == bool(why)
    assert "the device is cpu" in why_not(setup.state, setup.trial)


def test_a_graph_without_cuda_is_one_line(folder: Path, capsys: Any) -> None:
    assert main([*LINE.split()[:1], "model=mlp", "device=cpu", "train.graph=on"]) == 2
    said = "error: train.graph must be off or auto here, got on; the device is cpu, and CUDA alone "
    assert capsys.readouterr().err == f"{said}has graphs\n"
    assert [*folder.iterdir()] == []


def test_a_note_says_that_updates_are_no_graph(
    command: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def refused(update: Callable[[], None]) -> Callable[[], None]:
        raise RuntimeError("it waits")

    monkeypatch.setattr(graph, "why_not", lambda state, trial: "")
    monkeypatch.setattr("runner.build.setup.why_no_graph", lambda state, trial: "")
    monkeypatch.setattr(Graph.__init__, "__defaults__", (False, refused))
    assert main([*(LINE + SMALL).replace("'", "").split(), "train.graph=auto"]) == 0
    said = "note: train.graph=auto: updates are made one by one: RuntimeError: it waits"
    assert said in capsys.readouterr().err


needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


@needs_cuda
@pytest.mark.parametrize("more", CASES)
def test_a_captured_graph_gives_the_bits_of_updates_one_by_one(
    job: Any, own_module: Any, more: str
) -> None:
    own_module("samples25", DATA)
    line = f"{LINE}device=cuda schedule=cosine lr=0.01 {more}"
    plain, updates = trained(job(line), None), Graph(must=True)
    columns, rest = trained(job(line), updates)
    for name, column in plain[0].items():
        np.testing.assert_array_equal(columns[name], column)
    assert rest == plain[1]
