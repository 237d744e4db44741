"""What a worker makes of a trial, and what becomes of it when something goes wrong."""

import math
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from runner.build.setup import assemble
from runner.errors import Mistake
from runner.interrupts import Interrupts
from runner.results.definition import Definition
from runner.results.rows import ranked
from runner.study.answer.confirm import existing
from runner.study.plan.plan import plan
from runner.study.queue import attributes, queue
from runner.study.queue.rows import rows
from runner.study.queue.storage import open_storage
from runner.study.work.attempt import Attempt
from runner.study.work.objective import identity
from runner.study.work.worker import Worker, work

QUADRATIC = (
    "hydra/sweeper=optuna model=quadratic dataset=none schedule=constant optimizer=sgd threads=1 "
    "study.confirm_seeds=0"
)
SHORT = f"{QUADRATIC} train.steps=20 train.eval_every=10"
SLOW = f"{SHORT} model._target_=odd.Slow '~model.w' 'lr=tag(log, interval(1e-3, 0.5))'"
ODD = """\
import time

import torch

from runner.training.models import Quadratic


class Slow(Quadratic):
    def forward(self):
        time.sleep(0.02)
        return super().forward()


class Fragile(Quadratic):
    def __init__(self, breaks: str = "never"):
        super().__init__()
        self.breaks, self.calls = breaks, 0
        if breaks == "at once":
            raise RuntimeError("a wire is missing")

    def forward(self):
        self.calls += 1
        if self.breaks == "soon" and self.calls > 5:
            raise RuntimeError("a wire came loose")
        return super().forward()


class Noisy(Quadratic):
    def __init__(self):
        super().__init__(w=1.0 + 0.1 * (torch.initial_seed() % 100))
"""


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models that misbehave."""
    (tmp_path / "odd.py").write_text(ODD)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def the_study(folder: Path) -> optuna.Study:
    storage = open_storage(f"sqlite:///{folder}/optuna.db")
    (name,) = optuna.get_all_study_names(storage)
    return optuna.load_study(study_name=name, storage=storage)


def definition(study: optuna.Study) -> Definition:
    return Definition.from_json(study.user_attrs[attributes.DEFINITION])


def done(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(states=attributes.DONE)


def statuses(store: Any) -> Counter[str]:
    """How many runs of trials there are of each status."""
    runs = [run for run in store.runs() if run.info.run_name != "summary"]
    return Counter(run.info.status for run in runs)


# --- values ---------------------------------------------------------------------------------------


def test_a_diverged_trial_is_told_as_the_worst_finite_value_and_not_ranked(worked, store) -> None:
    line = f"{QUADRATIC} train.steps=200 train.eval_every=100 study/sampler=grid study.baseline=no"
    study = worked(f"{line} 'lr=choice(1.2, 0.2, 1e-3, 1.3)'")
    first, good, slow, last = study.trials
    assert first.values == [pytest.approx(10.0)]
    assert good.values[0] < 1e-10 < slow.values[0]
    assert last.values == slow.values
    assert "step 127, learning rate 1.2" in attributes.outcome(first)["diverged"]
    found = rows(study.trials, definition(study))
    assert [row.number for row in ranked(found, definition(study))] == [1, 2]
    assert statuses(store) == {"FAILED": 2, "FINISHED": 2}


def test_a_diverged_classifier_is_told_as_far_worse_than_guessing(worked) -> None:
    line = "hydra/sweeper=optuna model=linear optimizer=sgd train.steps=4 train.eval_every=2"
    line += " threads=1 study.confirm_seeds=0 study/sampler=grid tracking=off study.baseline=no"
    line += " schedule=constant"
    study = worked(f"{line} 'lr=choice(1e39)' study.metric=[val/accuracy,val/loss]")
    (trial,) = study.trials
    assert "diverged" in attributes.outcome(trial)
    assert trial.values == [0.0, pytest.approx(10 * math.log(10))]


def test_an_identical_trial_is_copied_and_not_trained(worked, store) -> None:
    study = worked(f"{SHORT} 'lr=choice(0.1, 0.2)' study.trials=6 study.baseline=no")
    trained = [t for t in study.trials if "copy_of" not in attributes.outcome(t)]
    copies = [t for t in study.trials if "copy_of" in attributes.outcome(t)]
    assert (len(trained), len(copies)) == (2, 4)
    for copy in copies:
        original = study.trials[attributes.outcome(copy)["copy_of"]]
        assert copy.values == original.values
        assert copy.intermediate_values == original.intermediate_values
    assert statuses(store) == {"FINISHED": 2}


class Ends(Interrupts):
    """Ends another worker's trial while one waits for it."""

    def __init__(self, study: optuna.Study, trial: optuna.Trial) -> None:
        super().__init__()
        self.study, self.trial = study, trial

    def requested(self) -> bool:
        if any(t.number == 1 and attributes.VALUES in t.user_attrs for t in self.study.trials):
            queue.end(self.study, self.trial, {}, [5.0])
        return super().requested()


def test_an_identical_trial_that_still_trains_is_waited_for(started, store) -> None:
    study = started(f"{SHORT} 'lr=choice(0.1)' study.trials=2 study.baseline=no")
    planned = plan(shlex.split(f"{SHORT} 'lr=choice(0.1)'"), None)
    other = queue.claim(study)
    job = assemble(planned.configurator.settings({"lr": 0.1}))
    other.set_user_attr(attributes.IDENTITY, identity(job))
    with Ends(study, other) as interrupts:
        work(study, interrupts, None, None)
    assert [t.values for t in study.trials] == [[5.0], [5.0]]
    assert attributes.outcome(study.trials[1])["copy_of"] == 0
    assert store.runs() == []


def test_a_trials_value_is_the_mean_over_its_seeds(worked, store, odd) -> None:
    line = f"{SHORT} model._target_=odd.Noisy '~model.w' study.seeds=3 study.trials=2"
    study = worked(f"{line} 'lr=choice(0.01, 0.02)' study/sampler=grid study.baseline=no")
    names = {run.info.run_name for run in store.runs()}
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
    assert ["copy_of" in attributes.outcome(t) for t in study.trials] == [False, False]


def test_a_trial_waits_for_a_later_one_that_is_the_same_and_came_first(started, store) -> None:
    study = started(f"{SHORT} 'lr=choice(0.1)' study.trials=2 study.baseline=no tracking=off")
    first, second = queue.claim(study), queue.claim(study)
    second.set_user_attr(attributes.IDENTITY, "the same")
    made = Attempt(study, definition(study), first, SimpleNamespace(confirms=False), None)
    assert made._same("the same", before=None).number == 1
    assert made._same("the same", before=first.number) is None


def test_the_rise_of_a_schedule_is_no_time_to_prune(worked) -> None:
    line = f"{QUADRATIC} schedule=one_cycle train.steps=40 train.eval_every=10 tracking=off"
    line += " study/sampler=grid study.baseline=no 'lr=choice(0.1)' schedule.rise_steps=50%"
    study = worked(line)
    assert list(study.trials[0].intermediate_values) == [75, 100]


def test_later_seeds_run_only_for_trials_that_survive_the_first(worked, store) -> None:
    line = f"{SHORT} study.seeds=3 study/pruner=threshold study.pruner.upper=1 study.baseline=no"
    study = worked(f"{line} 'lr=choice(1e-3, 0.4)' study/sampler=grid")
    bad, good = study.trials
    assert (bad.state, good.state) == (TrialState.PRUNED, TrialState.COMPLETE)
    assert attributes.outcome(bad)["reason"] == "pruned after 10 of 20 steps"
    names = [f"trial {n} seed {seed}" for n, seed in ((0, 0), (1, 0), (1, 1), (1, 2))]
    assert sorted(run.info.run_name for run in store.runs()) == names
    assert statuses(store) == {"KILLED": 1, "FINISHED": 3}


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
    assert [row.rungs for row in rows(study.trials, definition(study))] == [{}, {}]


# --- failures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "reason", "place"),
    [("soon", "a wire came loose", "in forward"), ("at once", "a wire is missing", "in __init__")],
)
def test_a_crashed_trial_keeps_its_traceback_and_another_takes_its_place(
    when: str, reason: str, place: str, worked, started, store, odd, monkeypatch
) -> None:
    line = f"{SHORT} model._target_=odd.Fragile '~model.w' +model.breaks=never study.trials=3"
    study = started(f"{line} 'lr=tag(log, interval(1e-3, 0.5))'")
    broken = _breaking_once(monkeypatch, when)
    with Interrupts() as interrupts:
        work(study, interrupts, None, None)
    (failed,) = study.get_trials(states=(TrialState.FAIL,))
    assert broken == [failed.number]
    assert attributes.outcome(failed)["reason"].endswith(f"RuntimeError: {reason}")
    assert place in attributes.outcome(failed)["details"]
    assert len(done(study)) == 3
    (run,) = [run for run in store.runs() if run.info.status == "FAILED"]
    assert run.info.run_name == f"trial {failed.number}"
    assert place in store.file(run, "traceback.txt").read_text()
    assert statuses(store) == {"FAILED": 1, "FINISHED": 3}


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


def test_too_many_crashes_stop_the_study_with_status_1(command, store, folder, odd) -> None:
    line = f"-m {SHORT} model._target_=odd.Fragile '~model.w' study.max_failures=2 study.trials=9"
    line += " 'lr=tag(log, interval(1e-3, 0.5))' +model.breaks=soon"
    assert command(line).status == 1
    study = the_study(folder)
    assert queue.left(study)[1] == 0
    assert queue.failures(study) == 3
    assert command(line).status == 1  # the next start forgives what was before
    assert queue.failures(study) == 6


def test_a_trial_waits_for_a_tracking_server_that_is_away(
    started, store, monkeypatch, capsys
) -> None:
    from runner.study.work import runs

    answers = [Mistake("tracking.uri must be a server that answers")] * 3

    def probe(uri: str | None) -> None:
        if answers:
            raise answers.pop()

    monkeypatch.setattr(runs, "probe", probe)
    monkeypatch.setattr(runs, "_ASK_SECONDS", 0.01)
    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=2")
    with Interrupts() as interrupts:
        work(study, interrupts, None, None)
    assert capsys.readouterr().err == (
        "the next trial waits: tracking.uri must be a server that answers\n"
    )
    assert statuses(store) == {"FINISHED": 2}


# --- workers that are gone ------------------------------------------------------------------------


class TakesOver(Interrupts):
    """Takes the trial that runs for lost, after some steps, as another worker does."""

    def __init__(self, study: optuna.Study, steps: int) -> None:
        super().__init__()
        self.study, self.steps = study, steps

    def requested(self) -> bool:
        running = self.study.get_trials(states=(TrialState.RUNNING,))
        if running:
            self.steps -= 1
            if self.steps == 0:
                assert queue.again(self.study, running[0]._trial_id, "taken over")
        return super().requested()


def test_a_worker_that_was_taken_for_lost_does_no_harm(started, store) -> None:
    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=2")
    with TakesOver(study, 12) as interrupts:
        work(study, interrupts, None, None)
    lost = study.trials[0]
    assert (lost.state, lost.user_attrs[attributes.LOST]) == (TrialState.FAIL, "taken over")
    assert [t.number for t in done(study)] == [1, 2]
    assert done(study)[-1].params == lost.params
    assert [t.number for t in study.trials if t.user_attrs.get(attributes.RETRY_OF) == 0] == [2]
    marked = [run for run in store.runs() if "lost" in run.data.tags]
    assert [run.info.run_name for run in marked] == ["trial 0"]
    assert statuses(store) == {"KILLED": 1, "FINISHED": 2}


def test_a_run_that_ends_after_its_trial_was_taken_is_no_finished_run(
    started, store, monkeypatch
) -> None:
    study = started(f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=2")
    usual = queue.end
    taken = []

    def end(study: optuna.Study, trial: optuna.Trial, *rest: Any) -> bool:
        if not taken:
            taken.append(trial.number)
            assert queue.again(study, trial._trial_id, "taken over")
        return usual(study, trial, *rest)

    monkeypatch.setattr(queue, "end", end)
    with Interrupts() as interrupts:
        work(study, interrupts, None, None)
    assert [t.number for t in done(study)] == [1, 2]
    (marked,) = [run for run in store.runs() if "lost" in run.data.tags]
    assert marked.data.tags["lost"] == "trial 0 was taken for lost and queued again"
    assert statuses(store) == {"FAILED": 1, "FINISHED": 2}


def test_a_beat_after_the_end_of_a_trial_takes_it_for_lost_no_more(
    started, store, monkeypatch
) -> None:
    study = started(
        f"{SHORT} 'lr=tag(log, interval(1e-3, 0.5))' study.trials=2 study.heartbeat_seconds=0.6"
    )
    usual = queue.end

    def slow_end(*arguments: Any) -> bool:
        told = usual(*arguments)
        time.sleep(0.5)
        return told

    monkeypatch.setattr(queue, "end", slow_end)
    with Interrupts() as interrupts:
        work(study, interrupts, None, None)
    assert [t.number for t in done(study)] == [0, 1]
    assert statuses(store) == {"FINISHED": 2}


def children(process: "subprocess.Popen[str]") -> list[int]:
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True)
    return [int(pid) for pid in found.stdout.split()]


def alive(pids: list[int]) -> list[int]:
    return [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def wait_for(process: "subprocess.Popen[str]", text: str) -> None:
    """Read what a process prints, until a line holds a text."""
    assert any(text in line for line in process.stdout), text


def workers_of(study: optuna.Study) -> set[int]:
    """The processes that train, as soon as there is one."""
    for _ in range(400):
        running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        pids = {t.user_attrs["worker"]["pid"] for t in running if "runs" in t.user_attrs}
        if pids:
            return pids
        time.sleep(0.05)
    raise AssertionError("nobody trains")


@pytest.mark.stress
def test_a_killed_worker_is_replaced_and_its_trial_made_again(shell, store, folder, odd) -> None:
    process = shell(f"-m {SLOW} study.trials=6 study.workers=2")
    wait_for(process, "trial 1")
    study = the_study(folder)
    pid = workers_of(study).pop()
    os.kill(pid, signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "is gone; queued again" in out
    (lost,) = study.get_trials(states=(TrialState.FAIL,))
    (again,) = [t for t in study.trials if t.user_attrs.get(attributes.RETRY_OF) == lost.number]
    assert again.params == lost.params
    assert again.datetime_start - lost.datetime_start < timedelta(seconds=10)
    assert len(done(study)) == 6
    assert statuses(store) == {"FAILED": 1, "FINISHED": 6}


def test_a_killed_start_is_gone_on_with_by_the_next(shell, command, store, folder, odd) -> None:
    line = f"-m {SLOW} study.trials=4"
    process = shell(line)
    wait_for(process, "trial 1")
    study = the_study(folder)
    assert workers_of(study) == {process.pid}
    process.kill()
    process.communicate()
    done_before = done(study)
    (lost,) = study.get_trials(states=(TrialState.RUNNING,))
    again = command(line)
    assert again.status == 0
    assert f"study     {study.study_name}: {len(done_before)} of 4 trials done" in again.out
    assert f"the worker of trial {lost.number} is gone; queued again" in again.out
    again = study.trials[-1]
    assert (again.user_attrs[attributes.RETRY_OF], again.params) == (lost.number, lost.params)
    assert len(done(study)) == 4
    assert statuses(store) == {"FAILED": 1, "FINISHED": 4}


@pytest.mark.stress
def test_workers_whose_starter_was_killed_end_after_their_step(shell, store, folder, odd) -> None:
    process = shell(f"-m {SLOW} study.trials=50 study.workers=2")
    wait_for(process, "trial 1")
    workers = children(process)
    assert len(workers) == 2
    process.kill()
    process.communicate()
    until = time.monotonic() + 10
    while alive(workers) and time.monotonic() < until:
        time.sleep(0.05)
    assert alive(workers) == []
    study = the_study(folder)
    assert queue.left(study)[1] == 0
    assert len(done(study)) < 50
    assert "RUNNING" not in statuses(store)


# --- Ctrl-C, time, storage ------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.stress)])
def test_ctrl_c_ends_in_order_and_the_same_study_goes_on(
    workers: int, shell, started, store, folder, odd
) -> None:
    line = f"{SLOW} study.trials=6 study.workers={workers}"
    process = shell(f"-m {line}")
    wait_for(process, "trial 1")
    pids = children(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "interrupted; the same command goes on" in out
    assert re.search(r"^rank +trial +val loss", out, re.MULTILINE)
    assert alive(pids) == []
    study = the_study(folder)
    so_far = len(done(study))
    assert 2 <= so_far < 6
    assert queue.left(study)[1] == 0
    again = [t for t in study.trials if attributes.RETRY_OF in t.user_attrs]
    for trial in again:
        original = study.trials[trial.user_attrs[attributes.RETRY_OF]]
        assert original.user_attrs[attributes.LOST] == "interrupted"
        assert trial.system_attrs["fixed_params"] == original.params
    same = started(line)
    with Interrupts() as interrupts:
        work(same, interrupts, None, None)
    assert same.study_name == study.study_name
    assert len(done(study)) == 6
    assert statuses(store) == Counter(KILLED=len(again), FINISHED=6)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.stress)])
def test_a_second_ctrl_c_ends_at_once_and_nothing_stays(
    workers: int, shell, store, folder, odd
) -> None:
    line = f"-m {SLOW} study.trials=4 study.workers={workers} train.steps=1000"
    process = shell(line)
    wait_for(process, "study")
    study = the_study(folder)
    workers_of(study)
    pids = children(process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert "made again when the same command goes on" in out
    assert time.monotonic() - began < 5
    assert alive(pids) == []
    assert not list(Path(".runner").glob("stop-*"))


def test_a_timeout_ends_this_start_and_the_next_goes_on(started, store, odd) -> None:
    study = started(f"{SLOW} study.trials=5")
    began = time.time()
    with Interrupts() as interrupts:
        Worker(study, interrupts, deadline=began + 0.7).work()
    assert time.time() - began < 5
    some = len(done(study))
    assert 1 <= some < 5
    assert queue.left(study)[1] == 0
    with Interrupts() as interrupts:
        assert Worker(study, interrupts).work()
    assert [t.number for t in done(study)] == [0, 1, 2, 3, 4]


LOCKS = """\
import sqlite3, sys, time
connection = sqlite3.connect("optuna.db", isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[1]))
connection.execute("ROLLBACK")
"""


def locks(seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", LOCKS, str(seconds)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "locked\n"
    return holder


@pytest.mark.stress
def test_a_storage_that_is_locked_for_three_seconds_loses_nothing(shell, store, folder, odd):
    process = shell(f"-m {SLOW} study.trials=6 study.workers=2 study.heartbeat_seconds=2")
    wait_for(process, "trial 1")
    locks(3).communicate()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    study = the_study(folder)
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 6
    assert statuses(store) == {"FINISHED": 6}


def test_a_storage_that_is_locked_at_the_start_is_one_line(command, store, folder) -> None:
    open_storage("sqlite:///optuna.db")
    holder = locks(30)
    began = time.monotonic()
    done = command(f"-m {SHORT} 'lr=interval(0.1, 0.2)'")
    assert time.monotonic() - began < 10
    holder.kill()
    holder.communicate()
    assert done.status == 2
    assert done.err == (
        "error: study.storage must be a database that takes studies and answers within 8 s, "
        "got sqlite:///optuna.db: database is locked\n"
    )
    assert optuna.get_all_study_names(open_storage("sqlite:///optuna.db")) == []
    assert store.experiments() == []


def test_a_timeout_ends_the_search_and_its_answer_is_confirmed(started, store, odd) -> None:
    study = started(f"{SLOW} study.trials=50 study.confirm_seeds=1")
    with Interrupts() as interrupts:
        work(study, interrupts, time.time() + 2.5, None)
    assert 2 <= len(done(study)) < 50
    again = existing(study)
    assert queue.left(again) == (0, 0)
    assert len(done(again)) == min(4, len(done(study)))


@pytest.mark.stress
def test_two_starts_at_the_same_moment_share_the_total(shell, store, folder, odd) -> None:
    line = f"-m {SLOW} study.trials=8 study.confirm_seeds=1"
    first, second = shell(line), shell(line)
    for process in (first, second):
        _, err = process.communicate(timeout=90)
        assert process.returncode == 0, err
    storage = open_storage("sqlite:///optuna.db")
    name, confirm = sorted(optuna.get_all_study_names(storage))
    study, confirmed = (optuna.load_study(study_name=n, storage=storage) for n in (name, confirm))
    assert len(done(study)) == 8
    assert sum(bool(t.user_attrs.get("baseline")) for t in done(study)) == 1
    assert len({t.user_attrs["worker"]["pid"] for t in done(study)}) == 2
    assert len(done(confirmed)) == 4
    assert queue.left(study) == queue.left(confirmed) == (0, 0)
    assert statuses(store) == {"FINISHED": 12}
    assert [r.data.tags.get("kind") for r in store.runs()].count("summary") == 1
