"""Studies: overhead of a trivial trial, speed-up of two workers, many workers, the answer.

python scripts/bench_studies.py --save                 # overhead, speed-up, workers on SQLite
python scripts/bench_studies.py --child answer         # 40 trials of study=schedule on mnist_5k
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import bench_common as bench

TRIVIAL = [
    "model=quadratic",
    "dataset=none",
    "optimizer=sgd",
    "schedule=exponential",
    "train.steps=40",
    "train.eval_every=40",
    "threads=1",
    "-m",
    "hydra/sweeper=optuna",
    "study.confirm_seeds=0",
    "lr=tag(log,interval(1e-3,1))",
    "schedule.decay_rate=interval(0.9,1)",
]
SPEED = [
    "study=decay_rate",
    "model=mlp",
    "threads=1",
    "study.trials=40",
    "study.confirm_seeds=0",
    "train.epochs=10",
]


def study(words: list[str], folder: str) -> tuple[float, str]:
    """Run a study in a folder and return its seconds and what it printed."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "runner", *words]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def trials(folder: str) -> list[Any]:
    """Return the trials of the folder's study, those that it confirms with left out."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = f"sqlite:///{folder}/optuna.db"
    (name,) = (n for n in optuna.get_all_study_names(storage) if not n.endswith("/confirm"))
    return optuna.load_study(study_name=name, storage=storage).trials


def span(found: list[Any]) -> float:
    """Return the seconds from the first ask to the last tell."""
    first = min(trial.datetime_start for trial in found if trial.datetime_start)
    last = max(trial.datetime_complete for trial in found if trial.datetime_complete)
    return (last - first).total_seconds()


def overhead(count: int, *more: str) -> dict[str, float]:
    """Return the milliseconds of a trivial trial beside its training, all recorded."""
    with tempfile.TemporaryDirectory() as folder:
        whole, _ = study([*TRIVIAL, f"study.trials={count}", *more], folder)
        found = trials(folder)
        between = 1000 * span(found) / count
        inside = 1000 * statistics.mean(
            (t.datetime_complete - t.datetime_start).total_seconds() for t in found
        )
        runs = list(Path(folder).rglob("records.npz"))
        training = 1000 * statistics.mean(map(training_seconds, runs)) if runs else 0.0
        return {
            "ms_a_trial": round(between, 1),
            "ms_training": round(training, 1),
            "ms_overhead": round(between - training, 1),
            "ms_from_claim_to_tell": round(inside, 1),
            "ms_between_trials": round(between - inside, 1),
            "whole_command_s": round(whole, 1),
            "runs_recorded": len(runs),
        }


def usual(count: int) -> dict[str, float]:
    """Return the milliseconds of the same trial as people write it: Optuna's loop, MLflow's calls
    at every step, both on SQLite."""
    import logging

    import mlflow
    import optuna
    import torch

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        logging.disable(logging.INFO)
        mlflow.create_experiment("usual", artifact_location=f"file://{folder}/artifacts")
        mlflow.set_experiment("usual")

        def objective(trial: Any) -> float:
            lr = trial.suggest_float("lr", 1e-3, 1, log=True)
            rate = trial.suggest_float("decay_rate", 0.9, 1)
            w = torch.tensor(5.0, requires_grad=True)
            optimizer = torch.optim.SGD([w], lr=lr)
            scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, rate)
            with mlflow.start_run():
                mlflow.log_params(trial.params)
                for step in range(40):
                    optimizer.zero_grad()
                    loss = (w - 1) ** 2
                    loss.backward()
                    optimizer.step()
                    mlflow.log_metric("lr", scheduler.get_last_lr()[0], step=step)
                    mlflow.log_metric("loss", loss.item(), step=step)
                    mlflow.log_metric("grad_norm", abs(w.grad.item()), step=step)
                    scheduler.step()
            return loss.item()

        search = optuna.create_study(storage=f"sqlite:///{folder}/optuna.db")
        search.optimize(objective, n_trials=1)  # loads what the first trial loads
        start = time.perf_counter()
        search.optimize(objective, n_trials=count)
        return {"ms_a_trial": round(1000 * (time.perf_counter() - start) / count, 1)}


def training_seconds(file: Path) -> float:
    """Return the time from a run's first update to its last."""
    import numpy as np

    with np.load(file) as records:
        return float(records["time_ms"][-1] - records["time_ms"][0]) / 1000


def middle(found: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each figure."""
    return {key: round(statistics.median(one[key] for one in found), 1) for key in found[0]}


def speed_up(workers: int) -> dict[str, float]:
    """Return the seconds of 40 trials of the MLP, from the first ask to the last tell."""
    with tempfile.TemporaryDirectory() as folder:
        whole, _ = study([*SPEED, f"study.workers={workers}"], folder)
        return {"ask_to_tell_s": span(trials(folder)), "whole_command_s": whole}


def many_workers() -> dict[str, Any]:
    """Return whether 4 workers and 100 trivial trials lose or double any."""
    with tempfile.TemporaryDirectory() as folder:
        words = [*TRIVIAL, "study.trials=100", "study.workers=4"]
        seconds, _ = study(words, folder)
        states = Counter(trial.state.name for trial in trials(folder))
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
        ids = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(ids, max_results=1000)
        names = Counter(run.info.run_name for run in runs if run.info.run_name != "summary")
        return {
            "states": dict(states),
            "runs": len(names),
            "doubled": [name for name, count in names.items() if count > 1],
            "statuses": dict(Counter(run.info.status for run in runs)),
            "seconds": round(seconds, 1),
        }


def answer() -> dict[str, Any]:
    """Return what 40 trials of the preset `schedule` found on mnist_5k."""
    with tempfile.TemporaryDirectory() as folder:
        words = [
            "study=schedule",
            "model=mlp",
            "train.epochs=5",
            "study.trials=40",
            "study.workers=2",
        ]
        seconds, out = study(words, folder)
        lines = out.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("trained again"))
        stop = next(i for i, line in enumerate(lines) if line.startswith("pictures"))
        return {"command": " ".join(words), "seconds": round(seconds), "lines": lines[start:stop]}


def main() -> None:
    """Measure everything in turn."""
    parser = bench.arguments(__doc__)
    args = parser.parse_args()
    if args.child == "answer":
        print(json.dumps(answer(), indent=2))
        return
    if args.child == "usual":
        print(json.dumps(usual(20)))
        return
    trivial = bench.alternate(
        args.repeats,
        ours=lambda: overhead(100),
        untracked=lambda: overhead(100, "tracking=off"),
        usual=lambda: bench.child(__file__, "usual"),
    )
    pairs = bench.alternate(args.repeats, one=lambda: speed_up(1), two=lambda: speed_up(2))
    times = {
        key: bench.ratios([x[key] for x in pairs["one"]], [x[key] for x in pairs["two"]])
        for key in ("ask_to_tell_s", "whole_command_s")
    }
    result = {
        "trivial_trial": {
            "ours": middle(trivial["ours"]),
            "ours_without_mlflow": middle(trivial["untracked"]),
            "usual_script": middle(trivial["usual"]),
            "usual_over_ours": bench.ratios(
                [x["ms_a_trial"] for x in trivial["usual"]],
                [x["ms_a_trial"] for x in trivial["ours"]],
            ),
        },
        "speed_up_of_two_workers": {
            **times,
            "one_s": [round(x["ask_to_tell_s"], 1) for x in pairs["one"]],
            "two_s": [round(x["ask_to_tell_s"], 1) for x in pairs["two"]],
        },
        "four_workers_100_trials": many_workers(),
        "answer": answer(),
    }
    bench.report("studies", result, args.save)


if __name__ == "__main__":
    main()
