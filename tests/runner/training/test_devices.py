"""Devices, threads and precision."""

import pytest
import torch

from runner.training import devices
from schedules import ArgumentError


def test_auto_is_the_accelerator_or_the_cpu() -> None:
    assert devices.resolve("auto").type == devices.available()[0]
    assert devices.resolve("cpu") == torch.device("cpu")
    assert devices.resolve("cpu:0").type == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cpu:1", "cuda:99", "cpu:x", ""])
def test_a_device_that_is_not_here_is_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match=rf"device must be one of auto, .*cpu, got '{name}'"):
        devices.resolve(name)


def test_the_threads_are_torchs() -> None:
    before = torch.get_num_threads()
    try:
        devices.use(torch.device("cpu"), 2)
        assert torch.get_num_threads() == 2
        devices.use(torch.device("cpu"), 1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_a_seed_decides_what_a_model_draws() -> None:
    def drawn(seed: int) -> list[float]:
        devices.seed(seed, torch.device("cpu"))
        return torch.rand(3).tolist()

    assert drawn(7) == drawn(7) != drawn(8)


def test_bfloat16_computes_in_bfloat16_and_float32_in_float32() -> None:
    layer, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    with devices.autocast("bfloat16", torch.device("cpu")):
        assert layer(x).dtype == torch.bfloat16
    with devices.autocast("float32", torch.device("cpu")):
        assert layer(x).dtype == torch.float32


def test_a_precision_that_a_device_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.amp, "is_autocast_available", lambda kind: False)
    with pytest.raises(ArgumentError, match="precision=bfloat16 is not available on cpu; use"):
        devices.check_precision("bfloat16", torch.device("cpu"))
    devices.check_precision("float32", torch.device("cpu"))


def test_the_advice_halves_the_batch() -> None:
    assert "try train.batch_size=64," in devices.memory_advice(128)
    assert "try train.batch_size=1," in devices.memory_advice(1)


@pytest.mark.parametrize(
    ("processes", "threads", "advised"),
    [(1, 64, None), (2, 8, None), (16, 1, None), (4, 8, "threads=2"), (16, 8, "threads=1")],
)
def test_many_threads_of_many_processes_are_noted(processes, threads, advised, monkeypatch) -> None:
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 8)
    note = devices.crowded(processes, threads)
    assert (f"{advised} may be faster" in note) if advised else note == ""
