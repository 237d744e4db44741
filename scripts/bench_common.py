"""What the benchmarks share: children with their time and peak memory, ratios, saved results."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "bench_results"
PACKAGES = ("torch", "torchvision", "mlflow", "hydra-core", "numpy")


def arguments(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repeats", type=int, default=3, help="pairs to measure")
    parser.add_argument("--save", action="store_true", help="keep the result in bench_results/")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    return parser


def mnist_root() -> str:
    """Return the folder with MNIST, from MNIST_ROOT or the default."""
    return os.environ.get("MNIST_ROOT", "data")


def child(script: str, mode: str, *more: str, cwd: str | None = None) -> dict[str, Any]:
    """Run a script again as a child and return the JSON of its last line, with `peak_mb`."""
    done = subprocess.run(
        [sys.executable, script, "--child", mode, *more],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=cwd,
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def peak_mb() -> float:
    """Return this process's peak resident memory in MB."""
    import resource

    scale = 1024 if sys.platform != "darwin" else 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / scale


def alternate(repeats: int, **modes: Callable[[], Any]) -> dict[str, list[Any]]:
    """Run all modes in turn, so that the machine's drift meets them alike."""
    found: dict[str, list[Any]] = {name: [] for name in modes}
    for _ in range(repeats):
        for name, run in modes.items():
            found[name].append(run())
    return found


def modes(script: str, *more: str) -> Callable[[str], Callable[[], dict[str, Any]]]:
    """Return what makes a measurement of a mode's name: a script's own child, with more words, in a
    folder of its own; what it finds is also told."""

    def mode(name: str) -> Callable[[], dict[str, Any]]:
        def run() -> dict[str, Any]:
            with tempfile.TemporaryDirectory() as folder:
                found = child(str(Path(script).resolve()), name, *more, cwd=folder)
            print(name, found, file=sys.stderr)
            return found

        return run

    return mode


def ratios(above: list[float], below: list[float]) -> dict[str, float]:
    """Return the median, least and greatest ratio pair by pair."""
    pairs = [a / b for a, b in zip(above, below, strict=True)]
    return {
        "median": round(statistics.median(pairs), 3),
        "min": round(min(pairs), 3),
        "max": round(max(pairs), 3),
        "n": len(pairs),
    }


def spread(seconds: list[float]) -> dict[str, float]:
    """Return the median, least and greatest of some seconds."""
    return {
        "median_s": round(statistics.median(seconds), 2),
        "min_s": round(min(seconds), 2),
        "max_s": round(max(seconds), 2),
        "n": len(seconds),
    }


def machine() -> dict[str, Any]:
    """Return what the figures were measured on."""
    import torch

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        text = cpuinfo.read_text()
        names = [x.split(":")[1].strip() for x in text.splitlines() if x.startswith("model name")]
        flags = [f for f in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if f" {f}" in text]
        model = f"{names[0]} ({', '.join(flags)})"
    cards = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "accelerators": cards,
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def report(name: str, result: dict[str, Any], save: bool) -> None:
    """Print a result and, if wanted, keep it with the machine and the versions."""
    print(json.dumps(result, indent=2))
    if save:
        RESULTS.mkdir(exist_ok=True)
        text = json.dumps({"machine": machine(), **result}, indent=2) + "\n"
        (RESULTS / f"{name}.json").write_text(text)
