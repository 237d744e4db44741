"""Kernels without a fixed order of sums, as torch says of them where there are such ones.

The switches are torch's own; a device is only named here. `put_` has no fixed order on a CPU too.
"""

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from runner.states import LoopKeeper
from runner.training import kernels

CUDA = torch.device("cuda")


def put() -> None:
    torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with warnings.catch_warnings():
        yield
    kernels.fix(torch.device("cpu"))


def test_on_a_cpu_nothing_changes() -> None:
    kernels.fix(torch.device("cpu"))
    kernels.demand()
    assert not torch.are_deterministic_algorithms_enabled()
    put()
    assert kernels.seen() == ""


def test_a_kernel_without_a_fixed_order_is_noted_and_not_warned_of() -> None:
    with warnings.catch_warnings(record=True) as told:
        kernels.fix(CUDA)
        put()
    assert (kernels.seen(), told) == ("put_", [])


def test_it_is_noted_again_for_the_next_run() -> None:
    for _ in range(2):
        kernels.fix(CUDA)
        assert kernels.seen() == ""
        put()
        assert kernels.seen() == "put_"


def test_it_is_heard_where_all_warnings_are_silenced_since() -> None:
    kernels.fix(CUDA)
    warnings.simplefilter("ignore")
    put()
    assert kernels.seen() == ""
    kernels.listen()
    put()
    assert kernels.seen() == "put_"


def test_the_keeper_of_a_loop_listens_between_its_steps() -> None:
    keeper = object.__new__(LoopKeeper)
    keeper._off, keeper._stock = False, SimpleNamespace(cuts=SimpleNamespace(always={3}))
    kernels.fix(CUDA)
    warnings.simplefilter("ignore")
    assert keeper.is_due(3)
    put()
    assert kernels.seen() == "put_"


def test_other_warnings_are_shown() -> None:
    kernels.fix(CUDA)
    shown: list[str] = []
    before = warnings.showwarning
    try:
        warnings.showwarning = lambda message, *rest, **named: shown.append(str(message))
        warnings.simplefilter("default")
        kernels.fix(CUDA)
        warnings.warn("of somebody else", stacklevel=1)
    finally:
        warnings.showwarning = before
    assert shown == ["of somebody else"]


def test_what_is_demanded_is_refused_by_its_name() -> None:
    kernels.fix(CUDA)
    kernels.demand()
    with pytest.raises(RuntimeError, match="put_ does not have a deterministic") as refused:
        put()
    error = ValueError("of the model")
    error.__cause__ = refused.value
    assert kernels.named(error) == "put_"
    kernels.allow()
    put()
    assert kernels.seen() == "put_"


@pytest.mark.parametrize(
    ("text", "kernel"),
    [
        (
            "Memory Efficient attention defaults to a non-deterministic algorithm. To explicitly",
            "Memory Efficient attention",
        ),
        ("Flash Attention defaults to a non-deterministic algorithm. To", "Flash Attention"),
        (
            "Deterministic behavior was enabled with either `torch...` but this operation is not "
            "deterministic because it uses CuBLAS and you have CUDA >= 10.2",
            "cuBLAS",
        ),
        ("CUDA out of memory. Tried to allocate 2.00 GiB", ""),
    ],
)
def test_what_torch_says_of_others(text: str, kernel: str) -> None:
    assert kernels.named(RuntimeError(text)) == kernel


NET = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, input_shape, classes, kind="put"):
        super().__init__()
        self.dense, self.kind = nn.Linear(784, classes), kind

    def forward(self, x):
        if self.kind == "put":
            torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))
        return self.dense(x.flatten(1))

def train(run):
    net = Net((784,), 10)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    run.hand_over(model=net, optimizer=optimizer)
    for step in run.steps():
        run.set_rate(optimizer)
        optimizer.zero_grad()
        loss = net(torch.rand(4, 784)).square().mean()
        loss.backward()
        optimizer.step()
        run.log({"train/loss": loss})
        run.report(val_loss=loss.detach())
"""
WORDS = "dataset=mnist_5k train.steps=4 threads=1"


@pytest.fixture
def as_cuda(folder: Path, store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that is treated as an accelerator, and a module of a person's own."""
    real = kernels.fix
    monkeypatch.setattr(kernels, "fix", lambda device: real(CUDA))
    (folder / "mine.py").write_text(NET)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    yield
    sys.modules.pop("mine", None)


def test_nothing_of_a_run_with_such_a_kernel_is_shared(as_cuda, command, store, folder) -> None:
    for _ in range(2):
        done = command(f"model=mine.Net {WORDS}")
        assert done.status == 0
        assert "no states are kept" in done.err
        assert "put_ adds in no fixed order here, so no two runs are alike" in done.err
        assert "reused" not in done.out
    assert [run.data.tags["nondeterministic"] for run in store.runs()] == ["put_"] * 2
    assert not (folder / ".runner" / "states").exists()


def test_a_run_without_such_a_kernel_is_shared(as_cuda, command, store) -> None:
    assert command(f"model=mine.Net model.kind=plain {WORDS}").status == 0
    assert "reused    4 of 4 steps" in command(f"model=mine.Net model.kind=plain {WORDS}").out
    assert all("nondeterministic" not in run.data.tags for run in store.runs())
    assert not torch.is_deterministic_algorithms_warn_only_enabled()


def test_nothing_of_a_loop_with_such_a_kernel_is_shared(as_cuda, command, store, folder) -> None:
    for _ in range(2):
        done = command("loop=mine.train train.steps=4 threads=1")
        assert done.status == 0, done.err
        assert "reused" not in done.out
    assert [run.data.tags["nondeterministic"] for run in store.runs()] == ["put_"] * 2
    assert not list((folder / ".runner" / "states").glob("*/*.safetensors"))


def test_a_device_of_another_kind_is_not_trusted() -> None:
    kernels.fix(torch.device("mps"))
    assert kernels.seen() == "some kernel of mps"


def test_what_a_person_has_asked_for_stays() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        kernels.fix(CUDA)
        kernels.fix(torch.device("cpu"))
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)
