"""What confirms an answer: the candidates and the baseline again, on fresh seeds."""

from collections import Counter
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from runner.study.answer.confirm import confirmations, existing
from runner.study.queue import attributes
from runner.study.queue.attributes import CANDIDATE, SEED
from runner.study.queue.storage import open_storage
from runner.training import arithmetic, devices

SHORT = (
    "hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd threads=1 "
    "train.steps=20 train.eval_every=10 tracking=off"
)
RATES = "'lr=choice(0.1, 0.2, 0.3)' study/sampler=grid"
ODD = """\
import torch

from runner.training.models import Quadratic


class Wary(Quadratic):
    def __init__(self, most=0):
        super().__init__()
        if torch.initial_seed() > most:
            raise RuntimeError("too fresh")
"""


@pytest.fixture
def wary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that cannot be made with seeds above a number."""
    (tmp_path / "wary.py").write_text(ODD)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path / "wary.py"


def confirming(study: optuna.Study) -> Counter[tuple[int, int]]:
    """How often each candidate was trained to its end with each seed."""
    again = existing(study)
    assert again is not None
    done = again.get_trials(states=(TrialState.COMPLETE,))
    return Counter((t.user_attrs[CANDIDATE], t.user_attrs[SEED]) for t in done)


def test_the_best_three_and_the_baseline_are_trained_again_on_the_same_seeds(worked: Any) -> None:
    study = worked(
        f"{SHORT} 'lr=choice(0.1, 0.2, 0.3, 0.4)' study/sampler=grid study.confirm_seeds=2"
    )
    worst = next(t for t in study.trials if t.user_attrs[attributes.VALUES]["lr"] == 0.1)
    others = {t.number for t in study.trials} - {worst.number}
    assert study.trials[0].user_attrs[attributes.BASELINE]
    assert confirming(study) == {(n, seed): 1 for n in others for seed in (10_000, 10_001)}


def test_seeds_that_one_candidate_lacks_are_no_pairs(worked: Any) -> None:
    study = worked(f"{SHORT} {RATES} study.confirm_seeds=3")
    again = existing(study)
    assert again is not None
    whole, baseline = confirmations(again, attributes.definition(study))
    assert baseline is not None
    assert len(baseline.per_seed) == 3
    copy = optuna.create_study(direction="minimize")
    for trial in again.trials:
        if (trial.user_attrs[CANDIDATE], trial.user_attrs[SEED]) != (whole[0].number, 10_001):
            copy.add_trial(trial)
    assert confirmations(copy, attributes.definition(study)) == (whole[1:], baseline)


def test_another_start_keeps_the_threads_of_the_trials_so_far(started, monkeypatch) -> None:
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 8)
    monkeypatch.setattr(arithmetic, "SMALL", 0)
    line = f"{SHORT} {RATES}".replace("threads=1 ", "")
    before = attributes.definition(started(f"{line} study.workers=2")).threads
    assert before == 8
    monkeypatch.setattr(devices, "DEFAULT_THREADS", 4)  # another machine
    assert attributes.definition(started(f"{line} study.workers=1")).threads == before
    assert attributes.definition(started(f"{line} study.workers=1 threads=7")).threads == 7


def test_no_seeds_confirm_nothing_although_some_have(worked: Any) -> None:
    study = worked(f"{SHORT} {RATES} study.confirm_seeds=1")
    assert len(confirming(study)) == 4
    again = worked(f"{SHORT} {RATES} study.confirm_seeds=0")
    assert confirmations(existing(again), attributes.definition(again)) == ([], None)


def test_a_baseline_is_never_pruned_and_confirmed_even_where_it_diverges(worked: Any) -> None:
    line = f"{SHORT} study/pruner=threshold study.pruner.upper=1 'lr=choice(0.3, 0.4)'"
    study = worked(f"{line} study/sampler=grid study.confirm_seeds=1")
    assert study.trials[0].state == TrialState.COMPLETE  # 0.001, whose loss stays high
    assert study.trials[0].value > 1
    assert {number for number, _ in confirming(study)} == {0, 1, 2}


def test_a_diverged_baseline_is_confirmed_beside_the_others(command: Any, folder: Path) -> None:
    (folder / "own" / "study").mkdir(parents=True)
    (folder / "own" / "study" / "wild.yaml").write_text(
        "# @package _global_\ndefaults: [override /hydra/sweeper: optuna]\n"
        "hydra: {mode: MULTIRUN}\nlr: 1.0e+39\nstudy: {space: {lr: 'choice(0.3, 0.4)'}}\n"
    )
    done = command(f"--config-dir own {SHORT} study=wild study/sampler=grid study.confirm_seeds=2")
    assert done.status == 0
    assert "the baseline was not finite on every seed" in done.out


def test_runs_that_confirm_and_fail_are_said_and_made_again_by_the_next_start(
    command: Any, folder: Path, wary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"-m {SHORT} {RATES} model._target_=wary.Wary '~model.w' study.confirm_seeds=2"
    first = command(line)
    assert first.status == 1
    assert "confirm baseline with seed 10000 FAILED: model._target_ must be a class" in first.out
    assert "not confirmed on fresh seeds; the same command goes on" in first.out
    wary.write_text(ODD.replace("most=0", "most=99_999"))
    monkeypatch.delitem(__import__("sys").modules, "wary")
    again = command(line)
    assert again.status == 0
    assert "trained again on 2 fresh seeds" in again.out
    assert "FAILED" not in again.out


def test_a_start_that_was_killed_while_it_made_the_confirmation_hinders_no_other(command) -> None:
    line = f"{SHORT} {RATES} study.name=mine study.trials=3 study.confirm_seeds=1"
    storage = open_storage("sqlite:///optuna.db")
    optuna.create_study(storage=storage, study_name="mine/confirm", directions=["minimize"])
    done = command(f"-m {line}")
    assert (done.status, done.err) == (0, "")
    assert "trained again on 1 fresh seed" in done.out
