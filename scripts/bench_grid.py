"""A grid of small runs, whole commands: a job a core, one after the other, and Hydra's multirun.

`mlp` on the 5,000 digits, 20 updates a job, recorded in MLflow on SQLite. `hydra` is the program
that people write: `hydra.main` with its basic launcher, the usual loop, `mlflow.log_metric` at each
update. Each command runs in a used folder; a further job is what 8 jobs and all of them differ by.

    python scripts/bench_grid.py --jobs 64 --save
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import bench_common as bench

FEW = 8
LINE = ["model=mlp", "dataset=mnist_5k", "train.steps=20", "train.eval_every=20", "states=off"]
BATCH = 128
Command = Callable[[int], list[str]]
USUAL = """\
defaults:
  - _self_
lr: 1e-3
seed: 0
"""


def ours(*more: str) -> Command:
    """Return the runner's command for so many jobs."""
    return lambda jobs: ["-m", "runner", "-m", *LINE, f"seed=range({jobs})", *more]


def usual(jobs: int) -> list[str]:
    """Return the command of the usual program for so many jobs."""
    return [str(Path(__file__).resolve()), "--child", "hydra", "-m", f"seed=range({jobs})"]


def seconds(words: list[str], folder: str) -> float:
    """Return how long a command of Python takes."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *words], check=True, capture_output=True, cwd=folder)
    return time.perf_counter() - start


def train(config: Any) -> None:
    """Train once, as people write it."""
    import mlflow
    import torch
    from torch.nn import functional

    from runner.training import datasets, models

    data = datasets.mnist_5k()
    torch.manual_seed(config.seed)
    model = models.MLP((1, 28, 28), 10)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9 ** (1 / 32))
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    mlflow.set_experiment("usual")
    with mlflow.start_run():
        mlflow.log_params(dict(config))
        index = torch.randperm(len(data.train.targets))
        for step in range(20):
            batch = index[step * BATCH : (step + 1) * BATCH]
            optimizer.zero_grad()
            scores = model(data.train.inputs[batch].float().div_(255))
            loss = functional.cross_entropy(scores, data.train.targets[batch])
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1e9)
            optimizer.step()
            mlflow.log_metric("lr", scheduler.get_last_lr()[0], step=step)
            mlflow.log_metric("train/loss", loss.item(), step=step)
            mlflow.log_metric("grad_norm", norm.item(), step=step)
            scheduler.step()
        for name in ("val", "test"):
            part = getattr(data, name)
            with torch.no_grad():
                scores = model(part.inputs.float().div_(255))
            mlflow.log_metric(f"{name}/loss", functional.cross_entropy(scores, part.targets).item())
            found = (scores.argmax(1) == part.targets).float().mean()
            mlflow.log_metric(f"{name}/accuracy", found.item())
        torch.save(model.state_dict(), "weights.pt")
        mlflow.log_artifact("weights.pt")


def run_usual(words: list[str]) -> None:
    """Be the usual program."""
    import os

    import hydra

    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    Path("usual.yaml").write_text(USUAL)
    sys.argv = ["usual", *words]
    place = str(Path.cwd())
    hydra.main(version_base="1.3", config_path=place, config_name="usual")(train)()


COMMANDS: dict[str, Command] = {
    "a_job_a_core": ours(),
    "one_by_one": ours("sweep.workers=1"),
    "a_job_a_core_without": ours("tracking=off"),
    "one_by_one_without": ours("sweep.workers=1", "tracking=off"),
    "hydra": usual,
}


def main() -> None:
    """Measure whole commands in turn."""
    if sys.argv[1:3] == ["--child", "hydra"]:
        run_usual(sys.argv[3:])
        return
    parser = bench.arguments(__doc__)
    parser.add_argument("--jobs", type=int, default=64)
    args = parser.parse_args()
    result: dict[str, Any] = {"jobs": args.jobs}
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS.values():  # once uncounted: the databases are new
            seconds(command(2), folder)
        modes = {
            f"{name}_{jobs}": partial(seconds, command(jobs), folder)
            for name, command in COMMANDS.items()
            for jobs in (FEW, args.jobs)
        }
        found = bench.alternate(args.repeats, **modes)
    further: dict[str, list[float]] = {}
    for name in COMMANDS:
        few, all_jobs = found[f"{name}_{FEW}"], found[f"{name}_{args.jobs}"]
        pairs = zip(few, all_jobs, strict=True)
        further[name] = [(many - some) / (args.jobs - FEW) for some, many in pairs]
        result[f"{name}_{FEW}"], result[name] = bench.spread(few), bench.spread(all_jobs)
        result[f"{name}_further_ms"] = round(1000 * statistics.median(further[name]))
    for name in ("hydra", "one_by_one", "one_by_one_without"):
        below = "a_job_a_core_without" if name.endswith("without") else "a_job_a_core"
        whole = found[f"{name}_{args.jobs}"], found[f"{below}_{args.jobs}"]
        result[f"{name}_over_{below}"] = bench.ratios(*whole)
        result[f"{name}_over_{below}_further"] = bench.ratios(further[name], further[below])
    bench.report("grid", result, args.save)


if __name__ == "__main__":
    main()
