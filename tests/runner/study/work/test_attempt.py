"""What an attempt makes of a trial: its value, its reports, or why there is none."""

import math
import shlex
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from runner.build.setup import check
from runner.interrupts import Interrupts
from runner.results.rows import ranked
from runner.study.plan.plan import plan
from runner.study.queue import attributes
from runner.study.queue.attributes import rows
from runner.study.queue.claim import Claim, claim
from runner.study.work.worker import work

QUADRATIC = (
    "hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd threads=1 "
    "study.confirm_seeds=0"
)
SHORT = f"{QUADRATIC} train.steps=20 train.eval_every=10"


def test_a_diverged_trial_is_told_as_the_worst_finite_value_and_not_ranked(
    worked, statuses
) -> None:
    line = f"{QUADRATIC} train.steps=200 train.eval_every=100 study/sampler=grid study.baseline=no"
    study = worked(f"{line} 'lr=choice(1.2, 0.2, 1e-3, 1.3)'")
    first, good, slow, last = study.trials
    assert first.values == [pytest.approx(10.0)]
    assert good.values[0] < 1e-10 < slow.values[0]
    assert last.values == slow.values
    assert "step 127, learning rate 1.2" in attributes.outcome(first)["diverged"]
    found = rows(study.trials, attributes.definition(study))
    assert [row.number for row in ranked(found, attributes.definition(study))] == [1, 2]
    assert statuses() == {"FAILED": 2, "FINISHED": 2}


def test_a_diverged_classifier_is_told_as_far_worse_than_guessing(worked) -> None:
    line = "hydra/sweeper=optuna model=linear optimizer=sgd train.steps=4 train.eval_every=2"
    line += " threads=1 study.confirm_seeds=0 study/sampler=grid tracking=off study.baseline=no"
    line += " schedule=constant"
    study = worked(f"{line} 'lr=choice(1e39)' study.metric=[val/accuracy,val/loss]")
    (trial,) = study.trials
    assert "diverged" in attributes.outcome(trial)
    assert trial.values == [0.0, pytest.approx(10 * math.log(10))]


def test_an_identical_trial_is_copied_and_not_trained(worked, statuses) -> None:
    study = worked(f"{SHORT} 'lr=choice(0.1, 0.2)' study.trials=6 study.baseline=no")
    trained = [t for t in study.trials if not attributes.is_copy(t)]
    copies = [t for t in study.trials if attributes.is_copy(t)]
    assert (len(trained), len(copies)) == (2, 4)
    for copy in copies:
        original = study.trials[attributes.outcome(copy)["copy_of"]]
        assert copy.values == original.values
        assert copy.intermediate_values == original.intermediate_values
    assert statuses() == {"FINISHED": 2}


class Ends(Interrupts):
    """Ends another worker's trial while one waits for it."""

    def __init__(self, study: optuna.Study, other: Claim) -> None:
        super().__init__()
        self.study, self.other = study, other

    def requested(self) -> bool:
        if any(t.number == 1 and attributes.VALUES in t.user_attrs for t in self.study.trials):
            self.other.end({}, [5.0])
        return super().requested()


def test_an_identical_trial_that_still_trains_is_waited_for(started, store) -> None:
    study = started(f"{SHORT} 'lr=choice(0.1)' study.trials=2 study.baseline=no")
    planned = plan(shlex.split(f"{SHORT} 'lr=choice(0.1)'"), None)
    other = claim(study)
    trial = check(planned.configurator.settings({"lr": 0.1})).trial
    other.store(attributes.IDENTITY, trial.identity())
    with Ends(study, other) as interrupts:
        work(study, interrupts, None, None)
    assert [t.values for t in study.trials] == [[5.0], [5.0]]
    assert attributes.outcome(study.trials[1])["copy_of"] == 0
    assert store.runs() == []


def test_a_trials_value_is_the_mean_over_its_seeds(worked, store, odd) -> None:
    line = f"{SHORT} model._target_=odd.Noisy '~model.w' study.seeds=3 study.trials=2"
    study = worked(f"{line} 'lr=choice(0.01, 0.02)' study/sampler=grid study.baseline=no")
    names = set(map(store.label, store.runs()))
    assert names == {f"trial {n} seed {seed}" for n in range(2) for seed in range(3)}
    for trial in study.trials:
        per_seed = [one[0] for one in attributes.outcome(trial)["per_seed"]]
        assert len(set(per_seed)) == 3
        assert trial.values == [pytest.approx(sum(per_seed) / 3)]


@pytest.mark.parametrize(
    "words",
    [
        "schedule=plateau dataset=none train.steps=20,40",
        "schedule=constant train.eval_every=5,10",
        "schedule=plateau train.eval_every=5,10",
        "schedule=plateau optimizer/momentum_schedule=one_cycle "
        "optimizer.momentum_schedule.shape=linear,cosine",
    ],
)
def test_what_trains_or_is_evaluated_otherwise_is_another_trial(worked, words: str) -> None:
    line = f"{SHORT} tracking=off study.baseline=no study/sampler=grid lr=0.1"
    study = worked(f"{line} {words}")
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 2
    assert [attributes.is_copy(t) for t in study.trials] == [False, False]


def test_the_rise_of_a_schedule_is_no_time_to_prune(worked) -> None:
    line = f"{QUADRATIC} schedule=one_cycle train.steps=40 train.eval_every=10 tracking=off"
    line += " study/sampler=grid study.baseline=no 'lr=choice(0.1)' schedule.rise_steps=50%"
    study = worked(line)
    assert list(study.trials[0].intermediate_values) == [75, 100]


def test_later_seeds_run_only_for_trials_that_survive_the_first(worked, store, statuses) -> None:
    line = f"{SHORT} study.seeds=3 study/pruner=threshold study.pruner.upper=1 study.baseline=no"
    study = worked(f"{line} 'lr=choice(1e-3, 0.4)' study/sampler=grid")
    bad, good = study.trials
    assert (bad.state, good.state) == (TrialState.PRUNED, TrialState.COMPLETE)
    assert attributes.outcome(bad)["reason"] == "pruned after 10 of 20 steps"
    names = [f"trial {n} seed {seed}" for n, seed in ((0, 0), (1, 0), (1, 1), (1, 2))]
    assert sorted(map(store.label, store.runs())) == names
    assert statuses() == {"KILLED": 1, "FINISHED": 3}


def test_reports_come_at_shares_of_the_run_behind_the_warm_up(worked) -> None:
    line = f"{QUADRATIC} train.steps=40 train.eval_every=10 warmup=linear warmup.fraction=0.5"
    study = worked(f"{line} 'lr=choice(0.1)' study/sampler=grid study.baseline=no tracking=off")
    assert list(study.trials[0].intermediate_values) == [75, 100]


def test_wilcoxon_compares_seed_by_seed(worked, odd) -> None:
    line = f"{SHORT} model._target_=odd.Noisy '~model.w' study.seeds=6 study/pruner=wilcoxon"
    line += " tracking=off study.baseline=no study/sampler=grid"
    study = worked(f"{line} 'lr=choice(0.3, 1e-3)' study.pruner.p_threshold=0.2")
    good, bad = study.trials
    assert (good.state, bad.state) == (TrialState.COMPLETE, TrialState.PRUNED)
    assert list(good.intermediate_values) == [0, 1, 2, 3, 4, 5]
    assert attributes.outcome(bad)["reason"] == f"pruned after {len(bad.intermediate_values)} seeds"
    assert len(bad.intermediate_values) < 6
    assert [row.rungs for row in rows(study.trials, attributes.definition(study))] == [{}, {}]


@pytest.mark.parametrize(
    ("when", "reason", "place"),
    [("soon", "a wire came loose", "in forward"), ("at once", "a wire is missing", "in __init__")],
)
def test_a_crashed_trial_keeps_its_traceback_and_another_takes_its_place(
    when: str, reason: str, place: str, worked, started, store, odd, monkeypatch, statuses
) -> None:
    line = f"{SHORT} model._target_=odd.Fragile '~model.w' +model.breaks=never study.trials=3"
    study = started(f"{line} 'lr=tag(log, interval(1e-3, 0.5))'")
    broken = _breaking_once(monkeypatch, when)
    with Interrupts() as interrupts:
        work(study, interrupts, None, None)
    (failed,) = study.get_trials(states=(TrialState.FAIL,))
    assert broken == [failed.number]
    assert (
        attributes.outcome(failed)["reason"].partition(" (")[0].endswith(f"RuntimeError: {reason}")
    )
    assert place in attributes.outcome(failed)["details"]
    assert len(attributes.done(study)) == 3
    (run,) = [run for run in store.runs() if run.info.status == "FAILED"]
    assert store.label(run) == f"trial {failed.number}"
    assert place in store.file(run, "traceback.txt").read_text()
    assert statuses() == {"FAILED": 1, "FINISHED": 3}


def _breaking_once(monkeypatch: pytest.MonkeyPatch, when: str) -> list[int]:
    """Let the model of the second trial break; return the numbers of the broken ones."""
    from runner.study.work import runs

    broken: list[int] = []
    usual = runs.Runs.settings

    def settings(self: Any, values: Any, seed: int, label: str) -> Any:
        found = usual(self, values, seed, label)
        if label == "trial 1":
            broken.append(1)
            found.model["breaks"] = when
        return found

    monkeypatch.setattr(runs.Runs, "settings", settings)
    return broken
