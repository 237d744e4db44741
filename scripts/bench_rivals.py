"""The runner beside Keras, the usual PyTorch loop and Lightning: speed, and seconds to an accuracy.

`throughput`: images a second of the articles' CNN, adam at 1e-3, clipping at global norm 1.0, from
the end of the first update to the end of the last one, nothing evaluated between them. Behind it
all are asked for the 10,000 test images, as a speed counts at an equal accuracy. bfloat16 is
`precision=bfloat16` of the runner and `mixed_bfloat16` of Keras.

`accuracy`: seconds from the start of the command, with all its imports, to the first look at the
test images that finds 97 % (`mlp`) or 99 % (`keras_cnn`) right. All look at the same steps of one
cosine, from 8e-3 or 1e-3 down to 0, made by the means of each tool. The runner looks at its
validation part, which here is the 10,000 test images, and MLflow says when. All train on 54,000.

The runner records everything in MLflow, as do the usual loop and Lightning with rate, loss and
gradient norm of each step; Keras records nothing. Programs of the others: `scripts/rivals/`.

    MNIST_ROOT=... python scripts/bench_rivals.py throughput --batch 31 --keras-python PYTHON --save
    MNIST_ROOT=... python scripts/bench_rivals.py accuracy --model mlp --save
"""

import gzip
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bench_common as bench
from rivals.job import Job

PROGRAMS = Path(__file__).resolve().parent / "rivals"
ACCURACY = {  # the share to reach, updates in all and between two looks, the first rate
    "mlp": {"until": 0.97, "steps": 1200, "every": 100, "lr": 8e-3},
    "keras_cnn": {"until": 0.99, "steps": 600, "every": 100},
}
VERSIONS = """
import importlib.metadata as metadata, json, sys
known = {one.name.replace("_", "-"): one.version for one in metadata.distributions()}
print(json.dumps({name: known[name] for name in sys.argv[1:] if name in known}))
"""
Found = dict[str, Any]


def runner(job: Job) -> Found:
    """Run the runner's own command; return what it recorded, in the words of the others."""
    import numpy as np
    from mlflow import MlflowClient

    words = [
        "dataset=digits.mnist",
        f"dataset.root={bench.mnist_root()}",
        f"model={job.model}",
        f"train.batch_size={job.batch}",
        f"train.steps={job.steps}",
        f"train.eval_every={job.every}",
        f"schedule={job.schedule}",
        f"lr={job.lr}",
        f"seed={job.seed}",
        f"precision={job.precision}",
        "clipping=global_norm",
    ]
    paths = os.pathsep.join(filter(None, (str(PROGRAMS), os.environ.get("PYTHONPATH"))))
    with tempfile.TemporaryDirectory() as folder:
        start = time.time()
        subprocess.run(
            [sys.executable, "-m", "runner", *words],
            env={**os.environ, "PYTHONPATH": paths},
            cwd=folder,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        (file,) = Path(folder).rglob("records.npz")
        with np.load(file) as records:
            first, last = (float(ms) / 1000 for ms in records["time_ms"][[0, -1]])
        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        history = client.get_metric_history(file.parents[1].name, "val/accuracy")
    looks = [(one.timestamp / 1000, one.value) for one in history]
    return figures(
        job, start, {"first": first, "last": last, "updates": job.steps, "evaluations": looks}
    )


def program(python: str, name: str) -> Callable[[Job], Found]:
    """Return what runs another tool's program."""

    def run(job: Job) -> Found:
        with tempfile.TemporaryDirectory() as folder:
            start = time.time()
            done = subprocess.run(
                [python, str(PROGRAMS / f"{name}.py"), json.dumps(asdict(job))],
                cwd=folder,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
        return figures(job, start, json.loads(done.stdout.strip().splitlines()[-1]))

    return run


def figures(job: Job, start: float, told: Found) -> Found:
    """Return what the benchmark is about, of times and evaluations."""
    reached = [at - start for at, accuracy in told["evaluations"] if accuracy >= job.until]
    images = job.batch * (told["updates"] - 1)
    return {
        "images_per_s": round(images / (told["last"] - told["first"])),
        "first_update_s": round(told["first"] - start, 2),
        "reached_s": round(reached[0], 2) if reached else None,
        "accuracies": [round(100 * accuracy, 2) for _, accuracy in told["evaluations"]],
    }


def seeded(name: str, run: Callable[[Job], Found], job: Job) -> Callable[[], Found]:
    """Return a mode that takes another seed each time, and tells what it finds."""
    seeds = itertools.count()

    def mode() -> Found:
        found = run(replace(job, seed=next(seeds)))
        print(name, found, file=sys.stderr, flush=True)
        return found

    return mode


def unpacked(root: str, folder: str) -> None:
    """Unpack MNIST's files, as torchvision leaves them behind."""
    raw = Path(folder) / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for file in (Path(root) / "MNIST" / "raw").glob("*.gz"):
        (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))


def versions(python: str) -> dict[str, str]:
    """Return the versions of the other tools."""
    names = ["keras", "tensorflow", "tensorflow-cpu", "numpy"]
    words = [python, "-c", VERSIONS, *names]
    found = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    return {**json.loads(found.stdout), "pytorch-lightning": version("pytorch-lightning")}


def middle(values: list[float]) -> dict[str, float]:
    """Return the median, least and greatest."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def throughput(runs: dict[str, list[Found]]) -> Found:
    """Return speeds and the test accuracy behind them."""
    speeds = {name: [one["images_per_s"] for one in found] for name, found in runs.items()}
    pairs = [("runner", name) for name in ("keras", "usual", "lightning")]
    pairs += [("runner_bfloat16", "keras"), ("runner_bfloat16", "keras_bfloat16")]
    pairs += [("runner_bfloat16", "runner")]
    return {
        **{f"{a}_over_{b}": bench.ratios(speeds[a], speeds[b]) for a, b in pairs},
        "images_per_s": {name: middle(values) for name, values in speeds.items()},
        "test_accuracy": {
            name: middle([one["accuracies"][-1] for one in found]) for name, found in runs.items()
        },
    }


def accuracy(runs: dict[str, list[Found]]) -> Found:
    """Return the seconds to the accuracy; a run that did not reach it has none."""
    seconds = {name: [one["reached_s"] for one in found] for name, found in runs.items()}
    result: Found = {
        "missed": {name: values.count(None) for name, values in seconds.items()},
        "first_update": {
            name: bench.spread([one["first_update_s"] for one in found])
            for name, found in runs.items()
        },
    }
    for name, values in seconds.items():
        result[name] = bench.spread([s for s in values if s is not None] or [float("nan")])
        both = [(a, b) for a, b in zip(values, seconds["runner"], strict=True) if a and b]
        if name != "runner" and both:
            result[f"{name}_over_runner"] = bench.ratios(*map(list, zip(*both, strict=True)))
    return result


def main() -> None:
    """Measure all tools in turn."""
    parser = bench.arguments(__doc__)
    parser.add_argument("what", choices=("throughput", "accuracy"))
    parser.add_argument("--model", choices=tuple(ACCURACY), default="keras_cnn")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--images", type=int, default=12_800, help="of a throughput's training")
    parser.add_argument("--keras-python", default=sys.executable, help="interpreter with Keras")
    args = parser.parse_args()
    os.environ["MNIST_ROOT"] = str(Path(bench.mnist_root()).resolve())
    keras = program(args.keras_python, "keras_program")
    tools = {"runner": runner, "keras": keras, "usual": program(sys.executable, "usual_loop")}
    with tempfile.TemporaryDirectory() as root:
        unpacked(bench.mnist_root(), root)
        if args.what == "accuracy":
            job = Job(root, args.model, args.batch, schedule="cosine", **ACCURACY[args.model])
            modes = {name: seeded(name, run, job) for name, run in tools.items()}
            found, name = accuracy(bench.alternate(args.repeats, **modes)), args.model
        else:
            steps = args.images // args.batch
            job = Job(root, args.model, args.batch, steps, steps, "constant", until=2)
            tools["lightning"] = program(sys.executable, "lightning_program")
            modes = {name: seeded(name, run, job) for name, run in tools.items()}
            job = replace(job, precision="bfloat16")
            for name in ("runner", "keras"):
                modes[f"{name}_bfloat16"] = seeded(f"{name}_bfloat16", tools[name], job)
            found, name = throughput(bench.alternate(args.repeats, **modes)), str(args.batch)
    about = {key: value for key, value in asdict(job).items() if key in ("batch", "steps", "every")}
    result = {"versions": versions(args.keras_python), "model": args.model, **about, **found}
    bench.report(f"rivals_{args.what}_{name}", result, args.save)


if __name__ == "__main__":
    main()
