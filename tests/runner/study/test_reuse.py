"""What a study trains is there for every other one, and for its own trials that are made again."""

import json
import os
import signal
import time
from typing import Any

import optuna
import pytest

pytestmark = pytest.mark.stress

LINE = (
    "-m hydra/sweeper=optuna model=mlp model.hidden=[8] dataset.train_size=512 train.batch_size=64 "
    "train.steps=24 train.eval_every=8 threads=1 lr=tag(log,interval(0.001,0.1)) study.trials=3 "
    "study.confirm_seeds=2 study/sampler=random"
)


def test_the_same_study_under_another_name_answers_at_once(shell, store) -> None:
    answers = []
    for name in ("one", "other"):
        process = shell(f"{LINE} study.name={name}")
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        answers.append(json.dumps(_figures(store, name)))
    runs = [run for run in store.runs() if store.label(run) != "summary"]
    half = len(runs) // 2
    assert half == 3 + 2 * 3  # trials, and two seeds of each
    assert all("reused_steps" not in run.data.tags for run in runs[:half])
    assert [run.data.tags["reused_steps"] for run in runs[half:]] == ["24"] * half
    assert answers[0] == answers[1]


def _figures(store: Any, name: str) -> list[Any]:
    client = store.client
    one = client.get_experiment_by_name(name).experiment_id
    found = client.search_runs([one], filter_string="run_name != 'summary'")
    rows = [[store.label(run), sorted(run.data.metrics.items())] for run in found]
    return sorted([label, [m for m in metrics if "seconds" not in m[0]]] for label, metrics in rows)


def test_a_trial_whose_worker_is_killed_goes_on_from_its_last_state(
    shell, store, folder, eventually
) -> None:
    line = LINE.replace("train.steps=24", "train.steps=4000").replace("seeds=2", "seeds=0")
    line = f"{line} states.every=50 study.trials=1 study.baseline=false study.name=one"
    process = shell(line)
    kept = folder / ".runner" / "states"
    eventually(lambda: len(list(kept.glob("*/*.safetensors"))) > 3)
    storage = f"sqlite:///{folder}/optuna.db"
    (trial,) = optuna.load_study(study_name="one", storage=storage).trials
    os.kill(trial.user_attrs["worker"]["pid"], signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    if process.returncode != 0:  # the worker was the started process itself
        time.sleep(1)
        process = shell(line)
        _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    trials = optuna.load_study(study_name="one", storage=storage).trials
    assert [trial.state.name for trial in trials] == ["FAIL", "COMPLETE"]
    (run,) = [run for run in store.runs() if store.label(run) == "trial 1"]
    assert int(run.data.tags["reused_steps"]) >= 50
    assert len(store.history(run, "train/loss")) == 4000
