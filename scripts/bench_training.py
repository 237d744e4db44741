"""Training through the runner, everything recorded, against a bare loop and the usual loop.

One epoch of MNIST at batch 128, adam, clipping at global norm 1.0, float32. All loops train on
54,000 images; the bare loop has the fused Adam that the runner uses, the usual loop torch's
default. Times run from the end of the first update to the end of the last one, with no evaluation
between them; `delivered` runs to the last metric that MLflow's SQLite database holds. The runner
takes one CPU thread for a small model, a bare loop all cores; `alike` is a bare loop of as many
threads as the runner's.

    MNIST_ROOT=... python scripts/bench_training.py --model mlp --save
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import bench_common as bench

BATCH = 128
LR = 1e-3


def bare(model_name: str, channels_last: bool = False) -> dict[str, Any]:
    """Nothing but the training: data in memory, nothing recorded."""
    import torch

    from runner.training import datasets
    from runner.training.data import order

    data = datasets.mnist(bench.mnist_root())
    model, optimizer = build(model_name)
    if channels_last:
        model.to(memory_format=torch.channels_last)
    inputs, targets = data.train.inputs, data.train.targets
    index = order(0, 0, len(targets))
    times = []
    for start in range(0, len(targets), BATCH):
        batch = index[start : start + BATCH]
        optimizer.zero_grad()
        scores = model(inputs[batch].float().div_(255))
        torch.nn.functional.cross_entropy(scores, targets[batch]).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        times.append(time.perf_counter())
    return {"training_s": times[-1] - times[0], "images": len(targets)}


def bare_alike(model_name: str) -> dict[str, Any]:
    """The bare loop with as many threads as the runner takes."""
    import torch

    from runner.training.arithmetic import counting, threads_for

    model, _ = build(model_name)
    with counting() as operations, torch.no_grad():
        model(torch.zeros(2, 1, 28, 28))
    most = torch.get_num_threads()
    torch.set_num_threads(threads_for(operations.of_a_sample(model, 2), BATCH, most))
    return bare(model_name)


def bare_channels_last(model_name: str) -> dict[str, Any]:
    """The bare loop with images in the layout that the runner uses on a CPU."""
    return bare(model_name, channels_last=True)


def usual(model_name: str) -> dict[str, Any]:
    """The loop that people write: torchvision, DataLoader, mlflow.log_metric every step."""
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    import mlflow
    import torch
    from torch.utils.data import DataLoader, Subset
    from torchvision import datasets, transforms

    raw = Path("data/MNIST/raw")
    raw.mkdir(parents=True)
    for file in (Path(bench.mnist_root()) / "MNIST" / "raw").glob("*.gz"):
        (raw / file.name).symlink_to(file.resolve())
    transform = transforms.ToTensor()
    train = datasets.MNIST("data", train=True, download=True, transform=transform)
    loader = DataLoader(Subset(train, range(54_000)), batch_size=BATCH, shuffle=True)
    model, _ = build(model_name)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    scheduler = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    times = []
    with mlflow.start_run():
        for step, (inputs, targets) in enumerate(loader):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs), targets)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            mlflow.log_metric("lr", scheduler.get_last_lr()[0], step=step)
            mlflow.log_metric("train/loss", loss.item(), step=step)
            mlflow.log_metric("grad_norm", norm.item(), step=step)
            scheduler.step()
            times.append(time.perf_counter())
    return {"training_s": times[-1] - times[0], "images": 54_000}


def runner(model_name: str) -> dict[str, Any]:
    """The runner's own command line."""
    import numpy as np

    from runner.__main__ import main
    from runner.results import events
    from runner.tracking import delivery

    sent, send = [], delivery.send

    def timed(client: Any, run_id: str, message: Any) -> None:
        send(client, run_id, message)
        if any(key == events.LR for key, *_ in message.get("points", ())):
            sent.append(time.time())

    delivery.send = timed
    status = main(
        [
            f"model={model_name}",
            "dataset=mnist",
            f"dataset.root={bench.mnist_root()}",
            f"train.batch_size={BATCH}",
            "train.epochs=1",
            "schedule=constant",
            f"lr={LR}",
            "clipping=global_norm",
        ]
    )
    assert status == 0
    (file,) = Path("mlartifacts").rglob("records.npz")
    with np.load(file) as records:
        first, last = records["time_ms"][[0, -1]] / 1000
    return {"training_s": last - first, "delivered_s": sent[-1] - first, "images": 54_000}


def build(model_name: str) -> tuple[Any, Any]:
    """Return the model and its optimizer, as the runner builds them."""
    import torch

    from runner.training import models

    torch.manual_seed(0)
    kinds = {"mlp": models.MLP, "keras_cnn": models.KerasCNN}
    model = kinds[model_name]((1, 28, 28), 10)
    return model, torch.optim.Adam(model.parameters(), lr=LR, fused=True)


def main() -> None:
    """Measure the three loops in turn, each in a process and a folder of its own."""
    parser = bench.arguments(__doc__)
    parser.add_argument("--model", choices=("mlp", "keras_cnn"), default="mlp")
    parser.add_argument(
        "--same-layout", action="store_true", help="only the runner over a channels-last bare loop"
    )
    args = parser.parse_args()
    if args.child:
        loops = {
            "bare": bare,
            "alike": bare_alike,
            "channels_last": bare_channels_last,
            "usual": usual,
        }
        found = (loops | {"runner": runner})[args.child](args.model)
        print(json.dumps({**found, "peak_mb": round(bench.peak_mb())}))
        return
    os.environ["MNIST_ROOT"] = str(Path(bench.mnist_root()).resolve())

    mode = bench.modes(__file__, "--model", args.model)

    if args.same_layout:
        runs = bench.alternate(args.repeats, bare=mode("channels_last"), runner=mode("runner"))
        seconds = {name: [r["training_s"] for r in found] for name, found in runs.items()}
        result = {"runner_over_bare": bench.ratios(seconds["runner"], seconds["bare"])}
        bench.report(f"training_{args.model}_same_layout", result, args.save)
        return
    runs = bench.alternate(
        args.repeats,
        bare=mode("bare"),
        alike=mode("alike"),
        runner=mode("runner"),
        usual=mode("usual"),
    )
    seconds = {name: [r["training_s"] for r in found] for name, found in runs.items()}
    delivered = [r["delivered_s"] for r in runs["runner"]]
    result = {
        "model": args.model,
        "runner_over_bare": bench.ratios(seconds["runner"], seconds["bare"]),
        "delivered_over_bare": bench.ratios(delivered, seconds["bare"]),
        "runner_over_alike": bench.ratios(seconds["runner"], seconds["alike"]),
        "delivered_over_alike": bench.ratios(delivered, seconds["alike"]),
        "usual_over_runner": bench.ratios(seconds["usual"], seconds["runner"]),
        "images_per_s": {
            name: round(max(r["images"] / r["training_s"] for r in found))
            for name, found in runs.items()
        },
        "peak_mb_over_bare": max(
            r["peak_mb"] - b["peak_mb"] for r, b in zip(runs["runner"], runs["bare"], strict=True)
        ),
    }
    bench.report(f"training_{args.model}", result, args.save)


if __name__ == "__main__":
    main()
