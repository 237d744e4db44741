"""What of a machine decides the bits of a run."""

import functools
import hashlib
import os
import platform
import re
import sys
from pathlib import Path
from typing import Any

import torch

_CHOOSES = (  # variables that choose other kernels
    *("ATEN_CPU_CAPABILITY", "DNNL_MAX_CPU_ISA", "ONEDNN_MAX_CPU_ISA"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "MKL_DYNAMIC"),
    *("OMP_DYNAMIC", "OPENBLAS_CORETYPE"),
)
_CHOOSES_CUDA = (
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
_PRECISIONS = tuple(f"{room}.{what}" for room in ("cudnn", "mkldnn") for what in ("conv", "rnn"))
_PRECISIONS += ("cuda.matmul", "mkldnn.matmul")


def machine_of(device: torch.device) -> dict[str, Any]:
    """Return what of this machine, and of torch's switches as they are now, decides the bits of a
    run on a device: plain data, as in JSON.

    Threads are none of it, nor is the random state.

    >>> machine_of(torch.device("cpu"))["device"]
    'cpu'
    """
    is_cuda = device.type == "cuda"
    chosen = _CHOOSES + _CHOOSES_CUDA * is_cuda
    variables = {name: os.environ[name] for name in chosen if name in os.environ}
    return {
        "device": device.type,
        **(_cuda(device) if is_cuda else {}),
        **_processor(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "variables": variables,
        **_switches(),
        **(_switches_of_cuda() if is_cuda else {}),
    }


def _switches_of_cuda() -> dict[str, Any]:
    """Return what a script can set, and the runner does, that a CPU knows nothing of."""
    backends: Any = torch.backends
    return {
        "reduced": [
            backends.cuda.matmul.allow_fp16_reduced_precision_reduction,
            backends.cuda.matmul.allow_bf16_reduced_precision_reduction,
        ],
        "cudnn": [
            backends.cudnn.enabled,
            backends.cudnn.deterministic,
            backends.cudnn.benchmark,
        ],
    }


def _switches() -> dict[str, Any]:
    """Return what a script can set."""
    backends: Any = torch.backends
    return {
        "precisions": {name: _precision(name) for name in _PRECISIONS},
        "attention": [
            backends.cuda.flash_sdp_enabled(),
            backends.cuda.mem_efficient_sdp_enabled(),
            backends.cuda.math_sdp_enabled(),
            backends.cuda.cudnn_sdp_enabled(),
        ],
        "mkldnn": [backends.mkldnn.is_available(), backends.mkldnn.enabled],
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "flushes_denormals": sys.float_info.min / 2 == 0,
        "dtype": str(torch.get_default_dtype()),
    }


def _precision(name: str) -> str:
    """Return the precision of products in float32; the older switches, such as
    set_float32_matmul_precision, set the same."""
    found: Any = functools.reduce(getattr, name.split("."), torch.backends)
    return str(found.fp32_precision).replace("none", "ieee")  # what nobody has chosen


@functools.lru_cache(maxsize=1)
def _processor() -> dict[str, str]:
    """Return the processor's model and a hash of what it can."""
    text = _cpuinfo()
    model = re.search(r"^model name\s*:\s*(.*)", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*:\s*(.*)", text, re.MULTILINE)
    able = " ".join(sorted(flags[1].split())) if flags else ""
    return {
        "processor": model[1] if model else platform.processor() or platform.machine(),
        "instructions": hashlib.sha256(able.encode()).hexdigest(),
    }


def _cpuinfo() -> str:
    file = Path("/proc/cpuinfo")
    return file.read_text().split("\n\n")[0] if file.is_file() else ""


@functools.lru_cache(maxsize=64)
def _cuda(device: torch.device) -> dict[str, Any]:
    """Return what an accelerator is, MIG slices of it told apart, and its libraries."""
    backends: Any = torch.backends
    known = torch.cuda.get_device_properties(device)
    return {
        "name": known.name,
        "compute": [known.major, known.minor, known.multi_processor_count],
        "cuda": torch.version.cuda,
        "cudnn_version": backends.cudnn.version(),
        "rates": "float32",
    }
