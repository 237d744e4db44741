"""A language model, and updates of several batches, through the runner over the same bare loops.

Everything is recorded; AdamW, clipping at global norm 1.0, float32, channels-last images in both.
Times run from the end of the first update to the end of the last one, with no evaluation between
them. `gpt` reads 64 characters of Python's reference at a time, `keras_cnn` 5,000 digits.

    python scripts/bench_tasks.py --case gpt --save
"""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bench_common as bench

LR = 1e-3
CONTEXT = 64


@dataclass(frozen=True)
class Case:
    """What is trained. batch_size: samples of a forward pass. accumulate: passes of an update."""

    model: str
    batch_size: int
    accumulate: int
    steps: int


CASES = {
    "gpt": Case("gpt", 32, 1, 150),
    "gpt_accumulate": Case("gpt", 8, 4, 150),
    "keras_cnn_accumulate": Case("keras_cnn", 32, 4, 120),
}


def bare(case: Case) -> dict[str, Any]:
    """Nothing but the training: data in memory, nothing recorded."""
    import torch
    from torch.nn.functional import cross_entropy

    from runner.training import datasets, models
    from runner.training.data import order
    from runner.training.devices import use

    use(torch.device("cpu"), torch.get_num_threads())
    torch.manual_seed(0)
    if case.model == "gpt":
        data = datasets.python_docs(context=CONTEXT)
        model: Any = models.GPT(data.input_shape, data.classes)
    else:
        data = datasets.mnist_5k()
        model = models.KerasCNN(data.input_shape, 10).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, fused=True)
    inputs, targets = data.train.inputs, data.train.targets
    whole = case.batch_size * case.accumulate
    times: list[float] = []
    epoch = 0
    while len(times) < case.steps:
        index = order(0, epoch, len(inputs))
        epoch += 1
        for start in range(0, len(index) - whole + 1, whole):
            optimizer.zero_grad()
            for k in range(case.accumulate):
                batch = index[start + k * case.batch_size : start + (k + 1) * case.batch_size]
                x = inputs[batch]
                scores = model(x.float().div_(255) if x.dtype == torch.uint8 else x)
                loss = cross_entropy(scores.flatten(0, -2), targets[batch].flatten())
                (loss / case.accumulate if case.accumulate > 1 else loss).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            times.append(time.perf_counter())
            if len(times) == case.steps:
                break
    return {"training_s": times[-1] - times[0]}


def runner(case: Case) -> dict[str, Any]:
    """The runner's own command line."""
    import numpy as np
    import torch

    from runner.__main__ import main

    language = ["task=language", "dataset=python_docs", f"dataset.context={CONTEXT}"]
    status = main(
        [
            *(language if case.model == "gpt" else []),
            f"model={case.model}",
            "optimizer=adamw",
            "schedule=constant",
            f"lr={LR}",
            "clipping=global_norm",
            f"threads={torch.get_num_threads()}",
            f"train.batch_size={case.batch_size}",
            f"train.accumulate={case.accumulate}",
            f"train.steps={case.steps}",
            "train.eval_every=100%",
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
    parser.add_argument("--case", choices=tuple(CASES), default="gpt")
    args = parser.parse_args()
    if args.child:
        print(json.dumps({"bare": bare, "runner": runner}[args.child](CASES[args.case])))
        return

    mode = bench.modes(__file__, "--case", args.case)

    runs = bench.alternate(args.repeats, bare=mode("bare"), runner=mode("runner"))
    seconds = {name: [r["training_s"] for r in found] for name, found in runs.items()}
    result = {"runner_over_bare": bench.ratios(seconds["runner"], seconds["bare"])}
    bench.report(f"tasks_{args.case}", result, args.save)


if __name__ == "__main__":
    main()
