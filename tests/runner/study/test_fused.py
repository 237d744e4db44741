"""Trials that train as one program: each is recorded, ends and is told as one by itself."""

import math
import os
import signal
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from runner.interrupts import Interrupts
from runner.study.queue import attributes, locks
from runner.study.work.worker import work

SMALL = "model=mlp model.hidden=[8] model.dropout=0.1 dataset.train_size=256 train.batch_size=64"
LINE = (
    f"hydra/sweeper=optuna {SMALL} train.steps=12 train.eval_every=4 threads=1 schedule=cosine "
    "study.confirm_seeds=0 study.baseline=false"
)
GRID = f"{LINE} study/sampler=grid"
RATES = "lr=choice(0.001,0.003,0.01,0.03)"


def values(study: optuna.Study) -> dict[float, float]:
    return {t.user_attrs[attributes.VALUES]["lr"]: t.value for t in attributes.done(study)}


def test_fused_trials_are_as_single_ones(worked, store, widths) -> None:
    fused = worked(f"{GRID} '{RATES}' study.fuse=3 study.name=fused states=off")
    assert set(widths) == {3}  # of four one is left over
    single = worked(f"{GRID} '{RATES}' study.name=single states=off")
    found, expected = values(fused), values(single)
    assert found.keys() == expected.keys()
    runs = {store.label(run): run for run in store.runs()}
    assert len(runs) == 4
    for lr in found:
        assert found[lr] == pytest.approx(expected[lr], abs=0.5)  # an image of 200


def records(store: Any, experiment: str) -> dict[str, Any]:
    (one,) = [e for e in store.client.search_experiments() if e.name == experiment]
    runs = store.client.search_runs([one.experiment_id])
    return {store.label(run): run for run in runs if "trial" in store.label(run)}


def test_each_has_its_own_record_of_every_step(worked, store) -> None:
    worked(f"{GRID} '{RATES}' study.fuse=4 study.name=fused states=off")
    worked(f"{GRID} '{RATES}' study.name=single states=off")
    fused, single = records(store, "fused"), records(store, "single")
    assert fused.keys() == single.keys()
    assert len(fused) == 4
    for name, run in fused.items():
        own, other = store.records(run), store.records(single[name])
        assert own.keys() == other.keys()
        for key, column in own.items():
            if "time" not in key:
                np.testing.assert_allclose(column, other[key], rtol=1e-3, atol=1e-4)
        assert run.data.tags["fused"] == "4"
        assert "fused" not in single[name].data.tags
        assert run.data.tags["fingerprint"] != single[name].data.tags["fingerprint"]


def test_a_row_that_diverges_ends_alone(worked, store) -> None:
    line = f"{GRID} 'lr=choice(0.001,1e30,0.01)' optimizer=sgd study.fuse=3 study.metric=val/loss"
    study = worked(f"{line} study.name=fused states=off")
    told = {t.user_attrs[attributes.VALUES]["lr"]: t for t in attributes.done(study)}
    assert "diverged" in attributes.outcome(told[1e30])
    assert "diverged" not in attributes.outcome(told[0.001])
    assert math.isfinite(told[0.01].value)
    steps = {lr: len(store.records(run)["step"]) for lr, run in _runs(store).items()}
    assert (steps[0.001], steps[0.01]) == (12, 12)
    assert steps[1e30] < 12


def _runs(store: Any) -> dict[float, Any]:
    return {float(run.data.params["lr"]): run for run in store.runs()}


def test_a_row_that_is_pruned_leaves_the_others(worked, widths) -> None:
    """Those before it have ended: Optuna's median knows of no others."""
    line = (
        f"{GRID} 'lr=choice(0.001,0.002,0.003,0.02,0.03,1e-6)' study.fuse=3 study/pruner=median "
        "study.pruner.n_startup_trials=1 study.pruner.n_warmup_steps=0 study.name=fused states=off"
    )
    study = worked(line)
    states = {t.user_attrs[attributes.VALUES]["lr"]: t.state for t in attributes.done(study)}
    assert states[1e-6] == TrialState.PRUNED
    assert TrialState.COMPLETE in states.values()
    assert widths[:3] == [3, 3, 3]
    assert min(widths) == 2


def test_trials_that_are_the_same_train_once(worked, store) -> None:
    study = worked(f"{LINE} 'lr=choice(0.01)' study.trials=3 study.fuse=3 states=off")
    done = attributes.done(study)
    assert [attributes.is_copy(trial) for trial in done].count(True) == 2
    assert len({trial.value for trial in done}) == 1
    assert len(store.runs()) == 1


def test_rows_go_on_from_states_of_rows_alone(worked, store) -> None:
    """Those of single runs have other bits."""

    def reused() -> list[int]:
        runs = [run for run in store.runs() if run.info.run_id not in seen]
        seen.update(run.info.run_id for run in runs)
        return [int(run.data.tags.get("reused_steps", 0)) for run in runs]

    seen: set[str] = set()
    line = f"{GRID} 'lr=choice(0.001,0.01,0.1)'"
    for name, width, expected in (
        ("one", 3, [0] * 3),
        ("again", 3, [12] * 3),
        ("wider", 4, [0] * 3),
        ("single", 1, [0] * 3),
    ):
        study = worked(f"{line} study.name={name} study.fuse={width} study.trials={max(3, width)}")
        assert len(attributes.done(study)) == 3
        assert reused() == expected, name


def test_what_fails_by_itself_fails_alone(worked, own_module, store) -> None:
    own_module(
        "fragile_models",
        "from runner.training.models import MLP\n"
        "class Fragile(MLP):\n"
        "    def forward(self, x):\n"
        "        if float(self.dense1.bias.detach().abs().max()) > 1:\n"
        "            raise RuntimeError('too large')\n"
        "        return super().forward(x)\n",
    )
    line = (
        f"{GRID} model._target_=fragile_models.Fragile 'lr=choice(0.001,0.01,3.0)' study.fuse=auto"
    )
    study = worked(f"{line} optimizer=sgd study.name=fused")
    ended = {t.user_attrs[attributes.VALUES]["lr"]: t.state.name for t in study.trials}
    assert ended == {0.001: "COMPLETE", 0.01: "COMPLETE", 3.0: "FAIL"}


RANGE = "must be auto, off or a whole number in [1, 4096]"
CANNOT = "must be off or auto for what cannot be fused"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("study.fuse=0", f"{RANGE}, got 0"),
        ("study.fuse=many", f"{RANGE}, got 'many'"),
        ("study.fuse=true", f"{RANGE}, got True"),
        ("study.fuse=5000", f"{RANGE}, got 5000"),
        ("study.fuse=4 train.ema=0.9", f"{CANNOT}, got 4; train.ema is asked for"),
        ("study.fuse=4 train.accumulate=2", f"{CANNOT}, got 4; train.accumulate is above 1"),
    ],
)
def test_bad_words_are_refused_in_one_line(command, folder, words, line) -> None:
    ended = command(f"-m {GRID} '{RATES}' {words}")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.splitlines() == [f"error: study.fuse {line}"]
    assert not (folder / "optuna.db").exists()


@pytest.mark.parametrize("off", ["off", "'off'", "false", "1"])
def test_off_is_off(worked, widths, off) -> None:
    study = worked(f"{GRID} 'lr=choice(0.001,0.01)' study.fuse={off} states=off tracking=off")
    assert len(attributes.done(study)) == 2
    assert attributes.definition(study).width == 1
    assert widths == []


def test_more_than_the_memory_takes_is_refused(command, monkeypatch) -> None:
    from runner.build import fusing

    monkeypatch.setattr(fusing, "_free", lambda device: 4_000_000)
    ended = command(f"-m {GRID} '{RATES}' study.fuse=64 study.trials=64")
    assert ended.status == 2
    assert ended.err.splitlines() == [
        "error: study.fuse must be at most 9, for which the memory is enough, got 64"
    ]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_rows_are_given_back(shell, store, folder, eventually, number) -> None:
    line = f"-m {GRID} '{RATES}' study.fuse=4 study.name=one"
    process = shell(line.replace("train.steps=12 train.eval_every=4", "train.steps=20000"))
    eventually(lambda: len([run for run in store.runs() if run.data.metrics]) == 4)
    os.kill(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    study = optuna.load_study(study_name="one", storage=f"sqlite:///{folder}/optuna.db")
    states = [trial.state.name for trial in study.trials]
    assert states == ["FAIL"] * 4 + ["WAITING"] * 4  # given back
    assert attributes.crashed(study.trials) == []
    assert {run.info.status for run in store.runs()} == {"KILLED"}


def test_what_may_have_killed_its_worker_trains_alone(started, store, widths) -> None:
    """It would take the others along again, until all count as crashed."""
    study = started(f"{GRID} 'lr=choice(0.001,0.003,0.01)' study.fuse=3 study.name=one states=off")
    locks.write(study, study.trials[0], attributes.KILLS, 1)
    with Interrupts() as interrupts:
        work(study, interrupts, None, None)
    assert len(attributes.done(study)) == 3
    assert set(widths) == {2}
