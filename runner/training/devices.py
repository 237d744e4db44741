"""The accelerator, the precision and the CPU threads of a run."""

import random
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from numpy.random import bit_generator

from runner.training import kernels, memory
from schedules.errors import ArgumentError

DEFAULT_THREADS = torch.get_num_threads()  # all cores, or what OMP_NUM_THREADS says


def available() -> list[str]:
    """Return the kinds of device there are, the accelerator first.

    >>> "cpu" in available()
    True
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return [accelerator.type, "cpu"] if accelerator else ["cpu"]


def count() -> int:
    """Return the number of accelerators; 0 where there is only a CPU."""
    return torch.accelerator.device_count() if available()[0] != "cpu" else 0


def crowded(processes: int, threads: int) -> str:
    """Return a note where so many processes of so many threads are slow together, or nothing: up to
    twice the cores, threads that wait passively lose nothing.

    >>> crowded(2, 1), crowded(1, 10_000)
    ('', '')
    """
    if processes == 1 or processes * threads <= 2 * max(DEFAULT_THREADS, processes):
        return ""
    own = max(1, DEFAULT_THREADS // processes)
    return (
        f"{processes} runs at a time of {threads} threads each share {DEFAULT_THREADS} cores: "
        f"threads={own} may be faster, with other last digits"
    )


def resolve(name: str) -> torch.device:
    """Return the device of a name: auto, cpu, cuda, cuda:1, mps, xpu.

    Raises ValueError for a device that is not here.

    >>> resolve("cpu")
    device(type='cpu')
    """
    kinds = available()
    if name == "auto":
        return torch.device(kinds[0])
    kind, colon, index = name.partition(":")
    most = 1 if kind == "cpu" else count()
    if kind not in kinds or (colon and not (index.isdigit() and int(index) < most)):
        here = [f"{k}:{i}" for k in kinds if k != "cpu" for i in range(count())]
        raise ArgumentError(
            "device", f"must be one of auto, {', '.join([*here, 'cpu'])}", f"'{name}'"
        )
    return torch.device(name)


def let_go() -> None:
    """Give back the memory of a device that this process keeps and does not use."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()


def use(device: torch.device, threads: int) -> None:
    """Make this process compute on a device with so many CPU threads."""
    torch.set_num_threads(threads)
    if device.type == "cpu":
        memory.keep()
    if device.index is not None and device.type != "cpu":
        torch.accelerator.set_device_index(device.index)
    kernels.fix(device)


def seed(value: int, device: torch.device) -> None:
    """Seed what code may draw from: torch on the CPU and on a device, numpy and `random`.

    torch.manual_seed does so for every kind of device there might be, which takes 0.2 ms.
    """
    torch.default_generator.manual_seed(value)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(value)
    np.random.seed(value % 2**32)
    random.seed(value)


@contextmanager
def kept_generators(device: torch.device) -> Iterator[None]:
    """Put back, at the end, all that `seed` seeds.

    >>> with kept_generators(torch.device("cpu")):
    ...     first = torch.rand(())
    >>> bool(torch.rand(()) == first)
    True
    """
    module = None if device.type == "cpu" else torch.get_device_module(device)
    own, theirs = torch.get_rng_state(), module.get_rng_state() if module else None
    drawn, plain = np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        torch.set_rng_state(own)
        if module:
            module.set_rng_state(theirs)
        np.random.set_state(drawn)
        random.setstate(plain)


@contextmanager
def seeded(value: int) -> Iterator[None]:
    """Seed the same, on every device; while open, also what numpy's generators without a seed take
    from the system.

    >>> with seeded(3):
    ...     first = np.random.default_rng().random()
    >>> with seeded(3):
    ...     bool(np.random.default_rng().random() == first)
    True
    """
    torch.manual_seed(value)
    seed(value, torch.device("cpu"))
    before = bit_generator.randbits  # type: ignore[attr-defined]
    bit_generator.randbits = random.Random(value).getrandbits  # type: ignore[attr-defined]
    try:
        yield
    finally:
        bit_generator.randbits = before  # type: ignore[attr-defined]


@contextmanager
def borrowed() -> Iterator[None]:
    """Put back, at the end, what training changes for the whole process: what `use` sets, but for
    how warnings of kernels are heard and what memory is kept, and what `seed` seeds.

    >>> with borrowed():
    ...     torch.set_num_threads(1 + DEFAULT_THREADS)
    >>> torch.get_num_threads() == DEFAULT_THREADS
    True
    """
    threads, exact = torch.get_num_threads(), torch.backends.cudnn.deterministic
    try:
        with kept_generators(resolve("auto")):
            yield
    finally:
        torch.set_num_threads(threads)
        kernels.fix(torch.device("cpu"))
        torch.backends.cudnn.deterministic = exact


def check_precision(precision: str, device: torch.device) -> None:
    """Raise ValueError where the device cannot compute with this precision."""
    if precision == "bfloat16" and not torch.amp.is_autocast_available(device.type):
        raise ArgumentError(
            "precision=bfloat16", f"is not available on {device.type}", advice="use float32"
        )
    if precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        name = torch.cuda.get_device_name(device)
        raise ArgumentError(
            "precision=bfloat16", f"is not available on {name}", advice="use float32"
        )


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which models compute."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def memory_advice(batch_size: int) -> str:
    """Return what to try when memory ran out."""
    return (
        f"out of memory at train.batch_size={batch_size}; try train.batch_size="
        f"{max(1, batch_size // 2)}, a smaller model, or precision=bfloat16"
    )


def describe(device: torch.device) -> str:
    """Return a device's kind and, for an accelerator, its product name."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
