"""What decides bits changes what is said of a machine; what does not, does not."""

import hashlib
import json
import platform
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from runner.build import machine
from runner.build.machine import machine_of
from runner.training import devices

CPU = torch.device("cpu")
EPYC = "processor : 0\nmodel name\t: EPYC 7\nflags\t\t: sse avx avx2\n\nmodel name : B\n"


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], dict[str, Any]]]:
    """What says what is said of a processor whose /proc/cpuinfo is given."""

    def said(text: str) -> dict[str, Any]:
        machine._processor.cache_clear()
        monkeypatch.setattr(machine, "_cpuinfo", lambda: text)
        return machine_of(CPU)

    yield said
    machine._processor.cache_clear()


def test_it_is_plain_data_and_stays_as_it_is() -> None:
    first = machine_of(CPU)
    assert json.loads(json.dumps(first)) == first == machine_of(CPU)
    assert first["device"] == "cpu"
    assert first["capability"] == torch.backends.cpu.get_cpu_capability()
    assert first["dtype"] == "torch.float32"


def test_a_processor_counts_by_its_model_and_what_it_can(processor) -> None:
    first = processor(EPYC)
    assert first["processor"] == "EPYC 7"
    assert first["instructions"] == hashlib.sha256(b"avx avx2 sse").hexdigest()
    assert processor(EPYC.replace("sse avx avx2", "avx2 sse avx")) == first
    assert processor(EPYC.replace("EPYC 7", "EPYC 9")) != first
    assert processor(EPYC.replace("avx2", "avx512")) != first


def test_a_processor_of_arm_counts_by_its_features(processor) -> None:
    first = processor("processor\t: 0\nFeatures\t: fp asimd\n")
    assert first["processor"] == (platform.processor() or platform.machine())
    assert first["instructions"] == hashlib.sha256(b"asimd fp").hexdigest()


def test_a_system_that_lists_no_processor_names_it_all_the_same(processor, monkeypatch) -> None:
    monkeypatch.setattr(platform, "processor", lambda: "arm")
    assert processor("")["processor"] == "arm"


def _settable(room: Any, name: str, value: Any) -> Callable[[], Callable[[], None]]:
    def change() -> Callable[[], None]:
        before = getattr(room, name)
        setattr(room, name, value)
        return lambda: setattr(room, name, before)

    return change


def _turned(room: Any, name: str) -> Callable[[], Callable[[], None]]:
    return lambda: _settable(room, name, not getattr(room, name))()


def _called(function: Callable[[Any], Any], value: Any, before: Any) -> Callable[[], Any]:
    def change() -> Callable[[], None]:
        function(value)
        return lambda: function(before) and None

    return change


BACKENDS: Any = torch.backends


@pytest.mark.parametrize(
    "change",
    [
        _settable(BACKENDS.cuda.matmul, "allow_tf32", True),
        _called(torch.set_float32_matmul_precision, "high", "highest"),
        _settable(BACKENDS.cudnn, "allow_tf32", False),
        _turned(BACKENDS.cudnn, "deterministic"),
        _settable(BACKENDS.cudnn, "benchmark", True),
        _settable(BACKENDS.cudnn, "enabled", False),
        _settable(BACKENDS.mkldnn, "enabled", False),
        _settable(BACKENDS.mkldnn.matmul, "fp32_precision", "bf16"),
        _settable(BACKENDS.cuda.matmul, "allow_bf16_reduced_precision_reduction", False),
        _called(BACKENDS.cuda.enable_flash_sdp, False, True),
        _called(torch.use_deterministic_algorithms, True, False),
        _called(torch.set_flush_denormal, True, False),
        _called(torch.set_default_dtype, torch.float64, torch.float32),
    ],
)
def test_a_switch_of_torch_counts(change: Callable[[], Callable[[], None]], monkeypatch) -> None:
    monkeypatch.setattr(machine, "_cuda", lambda device: {})
    gpu = torch.device("cuda:0")
    first = machine_of(gpu)
    put_back = change()
    try:
        changed = machine_of(gpu)
    finally:
        put_back()
    assert changed != first
    assert machine_of(gpu) == first


def test_on_a_cpu_it_does_not_count_that_an_accelerator_was_used_before(monkeypatch) -> None:
    first = machine_of(CPU)
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    monkeypatch.setattr(BACKENDS.cudnn, "deterministic", not BACKENDS.cudnn.deterministic)
    assert machine_of(CPU) == first


def test_choosing_what_holds_anyway_does_not_count() -> None:
    first = machine_of(CPU)
    torch.set_float32_matmul_precision("highest")
    BACKENDS.cuda.matmul.allow_tf32 = False
    assert machine_of(CPU) == first


@pytest.mark.parametrize("name", ["MKL_CBWR", "ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY"])
def test_a_variable_that_chooses_kernels_counts(monkeypatch, name) -> None:
    first = machine_of(CPU)
    monkeypatch.setenv(name, "AVX2")
    assert machine_of(CPU)["variables"] == {**first["variables"], name: "AVX2"}
    assert machine_of(CPU) != first


def test_threads_seeds_and_other_variables_do_not_count(monkeypatch) -> None:
    first = machine_of(CPU)
    with devices.borrowed():
        torch.set_num_threads(1 + torch.get_num_threads())
        torch.manual_seed(5)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///a.db")
        assert machine_of(CPU) == first


def test_an_accelerator_counts_by_its_name_and_what_it_can(monkeypatch) -> None:
    class Known:
        name, major, minor, multi_processor_count = "H200", 9, 0, 132

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Known)
    machine._cuda.cache_clear()
    found = machine_of(torch.device("cuda:0"))
    machine._cuda.cache_clear()
    assert found["device"] == "cuda"  # its index decides nothing
    assert (found["name"], found["compute"]) == ("H200", [9, 0, 132])
    assert "name" not in machine_of(CPU)
