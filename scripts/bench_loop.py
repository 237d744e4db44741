"""A training loop of a person's own: through the runner, everything recorded, over a bare one.

A perceptron on random numbers, adam, one thread; `long` steps take about 5 ms, `short` ones 0.5.
Times run from the end of the first update to the end of the last one, with no evaluation between
them.

    python scripts/bench_loop.py --repeats 5 --save
"""

import json
import os
import time
from typing import Any

import bench_common as bench

SIZES = {"long": (1536, 512), "short": (80, 256)}  # width, samples of a batch
STEPS = {"long": 600, "short": 6000}
LR = 1e-3
times: list[float] = []


def train(run: Any, kind: str = "long") -> None:
    """The loop as a run: five lines more than without."""
    model, optimizer, inputs, targets = build(kind)
    for _ in run.steps():
        run.set_rate(optimizer)
        loss = update(model, optimizer, inputs, targets)
        run.log(loss=loss)
        times.append(time.perf_counter())
    run.report(val_loss=loss)


def bare(kind: str) -> None:
    """The same loop without a run."""
    model, optimizer, inputs, targets = build(kind)
    for _ in range(STEPS[kind]):
        update(model, optimizer, inputs, targets)
        times.append(time.perf_counter())


def build(kind: str) -> tuple[Any, Any, Any, Any]:
    """Return a model, its optimizer and a batch."""
    import torch

    width, samples = SIZES[kind]
    torch.manual_seed(0)
    layers = [torch.nn.Linear(64, width), torch.nn.ReLU(), torch.nn.Linear(width, 10)]
    model = torch.nn.Sequential(*layers)
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=True)
    return model, optimizer, torch.randn(samples, 64), torch.randint(10, (samples,))


def update(model: Any, optimizer: Any, inputs: Any, targets: Any) -> Any:
    """Make an update and return its loss."""
    import torch

    optimizer.zero_grad()
    loss = torch.nn.functional.cross_entropy(model(inputs), targets)
    loss.backward()
    optimizer.step()
    return loss


def child(mode: str, kind: str) -> dict[str, Any]:
    """Return the seconds of a loop, with or without the runner."""
    if mode == "bare":
        import torch

        torch.set_num_threads(1)
        bare(kind)
        found = times
    else:
        import bench_loop  # as the runner imports it

        from runner.__main__ import main

        words = ["loop=bench_loop.train", f"loop.kind={kind}", f"train.steps={STEPS[kind]}"]
        assert main([*words, "schedule=constant", f"lr={LR}", "threads=1"]) == 0
        found = bench_loop.times
    seconds = found[-1] - found[0]
    return {"training_s": seconds, "step_ms": 1000 * seconds / (STEPS[kind] - 1)}


def main() -> None:
    """Measure both in turn, each in a process and a folder of its own."""
    parser = bench.arguments(__doc__)
    parser.add_argument("--kind", help=bench.argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(child(args.child, args.kind)))
        return
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

    result: dict[str, Any] = {}
    for kind in SIZES:
        mode = bench.modes(__file__, "--kind", kind)
        runs = bench.alternate(args.repeats, bare=mode("bare"), runner=mode("runner"))
        seconds = {name: [r["training_s"] for r in found] for name, found in runs.items()}
        result[kind] = {
            "bare_step_ms": round(min(r["step_ms"] for r in runs["bare"]), 3),
            "runner_over_bare": bench.ratios(seconds["runner"], seconds["bare"]),
        }
    bench.report("loop", result, args.save)


if __name__ == "__main__":
    main()
