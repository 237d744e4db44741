"""Kernels of accelerators that add in no fixed order: no two runs of them are alike.

torch's deterministic mode says which they are, and takes others where there are others.
"""

import os
import re
import warnings
from collections.abc import Callable
from typing import Any

import torch

_NAMED = re.compile(
    r"(?P<kernel>\S+) does not have a deterministic implementation"
    r"|(?P<attention>[A-Z][\w ]*? attention) defaults to a non-deterministic algorithm"
    r"|(?P<products>Deterministic behavior was enabled) .*CuBLAS",
    re.DOTALL | re.IGNORECASE,
)
_WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
_seen: list[str] = []  # since `fix` was called
_is_ours = _is_heard = False


def fix(device: torch.device) -> None:
    """Take kernels of a fixed order where there are such ones, and take note of the others.

    Nothing changes on a CPU, whose kernels have one, nor where a person has asked for it already.
    """
    global _is_ours, _is_heard
    _seen.clear()
    _is_heard = device.type != "cpu"
    if device.type == "cuda":
        os.environ.setdefault(_WORKSPACE, ":4096:8")
        torch.backends.cudnn.deterministic = True
    elif device.type != "cpu":
        _seen.append(f"some kernel of {device.type}")  # torch does not say which
    if _is_ours or (device.type != "cpu" and not torch.are_deterministic_algorithms_enabled()):
        _is_ours = device.type != "cpu"
        # use_deterministic_algorithms would import the compiler
        torch.set_deterministic_debug_mode("warn" if _is_ours else "default")
        torch.utils.deterministic.fill_uninitialized_memory = not _is_ours  # type: ignore[attr-defined]
        torch.set_warn_always(_is_ours)
    listen()


def demand() -> None:
    """Refuse all kernels without a fixed order from now on, until `fix` is called again."""
    if _is_ours:
        torch.set_deterministic_debug_mode("error")


def allow() -> None:
    """Take them again, where there are no others."""
    if _is_ours:
        torch.set_deterministic_debug_mode("warn")


def listen() -> None:
    """Let warnings of kernels be notes of ours, even where a person's code has silenced all."""
    if not _is_heard:
        return
    usual: Callable[..., Any] = warnings.showwarning
    warnings.filterwarnings("always", message=_NAMED.pattern)
    if hasattr(usual, "hears_kernels"):
        return

    def shown(message: Warning | str, *rest: Any, **named: Any) -> Any:
        if kernel := _name(str(message)):
            note(kernel)
            return None
        return usual(message, *rest, **named)

    shown.hears_kernels = True  # type: ignore[attr-defined]
    warnings.showwarning = shown


def seen() -> str:
    """Return the name of a kernel without a fixed order that this process has met, or nothing."""
    return _seen[0] if _seen else ""


def note(kernel: str) -> None:
    """Take note of such a kernel."""
    _seen.append(kernel)


def why(kernel: str) -> str:
    """Return why nothing that it had a part in is shared."""
    return f"{kernel} adds in no fixed order here, so no two runs are alike"


def named(error: BaseException | None) -> str:
    """Return the name of the kernel that was refused, or nothing where that was not the matter.

    >>> named(RuntimeError("cumsum does not have a deterministic implementation, but you set ..."))
    'cumsum'
    """
    while error is not None:
        if isinstance(error, RuntimeError) and (kernel := _name(str(error))):
            return kernel
        error = error.__cause__ or error.__context__
    return ""


def _name(text: str) -> str:
    found = _NAMED.match(text)
    if found is None:
        return ""
    return found["kernel"] or found["attention"] or "cuBLAS"
