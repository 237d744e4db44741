"""What is stored is not trained again, and its record is as if it had been."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load_file

from runner.errors import Mistake
from runner.results.events import Chunk
from runner.run import stock_of
from runner.states import Claims, Wanted
from runner.sweep.launch import Job
from runner.sweep.sharing import Partings
from runner.training.loop import Loop
from runner.trial import StateName

MLP = (
    "model=mlp model.hidden=[8] model.dropout=0.2 dataset.train_size=512 train.batch_size=64 "
    "train.steps=24 train.eval_every=8 threads=1"
)
PARTS = ("train/lr", "train/loss", "train/grad_norm", "train/clipped")


COUNTING = """
from runner.training.augment import crop_flip


class Shifts:
    def __init__(self):
        self.calls = 0

    def __call__(self, inputs, generator):
        self.calls += 1
        return crop_flip(inputs, generator) * (1 + 0.01 * self.calls)
"""
DRAWING = """
import torch
from runner.training.models import MLP


class Net(MLP):
    def forward(self, x):
        found = super().forward(x)
        return found if self.training else found + torch.rand(10)
"""
CLAIMING = """
import sys, time
from pathlib import Path
from runner.states.claims import Claims
from runner.trial.name import StateName
recipe, step, trace, seconds = sys.argv[1:]
with Claims(Path(".runner/states")).claim(StateName(recipe, int(step), trace)):
    print(flush=True)
    time.sleep(float(seconds))
"""


@pytest.fixture
def claimed() -> Callable[..., Any]:
    """Lets another process train towards a state for some seconds."""

    @contextmanager
    def claim(name: StateName, seconds: float) -> Iterator[None]:
        words = [name.recipe, str(name.step), name.trace, str(seconds)]
        command = [sys.executable, "-c", CLAIMING, *words]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            other.stdout.readline()
            yield
        assert other.returncode == 0

    return claim


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The updates that were made."""
    made: list[int] = []
    update = Loop.update

    def counted(self: Loop, t: int) -> Any:
        made.append(t)
        return update(self, t)

    monkeypatch.setattr(Loop, "update", counted)
    return made


def alike(store: Any, one: Any, other: Any) -> None:
    """Two runs have the same record and weights, bit for bit."""
    mine, its = store.records(one), store.records(other)
    assert mine.keys() == its.keys()
    for key in mine.keys() - {"time_ms"}:
        assert np.array_equal(mine[key], its[key]), key
    weights, others = (load_file(store.file(run, "weights.safetensors")) for run in (one, other))
    for name in weights:
        assert np.array_equal(weights[name], others[name]), name
    for key in (*PARTS, "val/loss", "val/accuracy", "test/loss", "test/accuracy"):
        assert store.history(one, key) == store.history(other, key), key


def test_the_same_run_again_answers_at_once(command, store, trained) -> None:
    assert command(f"{MLP} seed=1").status == 0
    assert trained == list(range(24))
    again = command(f"{MLP} seed=1")
    assert len(trained) == 24
    assert "\nreused    24 of 24 steps\n" in again.out
    first, second = store.runs()
    alike(store, first, second)
    assert second.data.tags["reused_steps"] == "24"
    assert second.data.tags["reused_from"] == first.info.run_id
    assert second.data.tags["started_from"] == first.data.tags["fingerprint"]
    assert "reused_steps" not in first.data.tags
    assert np.array_equal(*(store.records(run)["time_ms"] for run in (first, second)))


def test_nothing_is_evaluated_twice(job, folder) -> None:
    from runner.run import run
    from runner.tracking import Recording

    setup = job(f"{MLP} tracking=off states.cuts=[24]")  # kept before it is evaluated
    run(setup, Recording([]).start(), lambda: False, test=False)
    files = (folder / ".runner" / "states").rglob("*.jsonl")
    found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert [one["figures"]["step"] for one in found] == [8, 16, 24]


def test_states_off_reuses_and_keeps_nothing(command, folder, trained) -> None:
    for _ in range(2):
        done = command(f"{MLP} tracking=off states=off")
        assert "reused" not in done.out
    assert len(trained) == 48
    assert not (folder / ".runner").exists()
    command(f"{MLP} tracking=off")
    assert "reused" not in command(f"{MLP} tracking=off states=off").out


@pytest.mark.parametrize(
    ("words", "others", "reused"),
    [
        ("schedule=constant train.steps=16", "schedule=constant train.steps=24", 16),
        ("schedule=constant", "schedule=constant train.steps=10 train.eval_every=5", 0),
        ("train.eval_every=4", "train.eval_every=8", 24),
        ("train.eval_every=8", "train.eval_every=4", 0),
        ("states.cuts=[4,8,12,16,20]", "train.eval_every=4", 24),
        ("states.cuts=[8,12,16,20]", "train.eval_every=4", 0),
        ("lr=0.01", "lr=0.02", 0),
        ("schedule=cosine", "schedule=cosine train.steps=32", 0),
        ("seed=1", "seed=2", 0),
        ("train.keep=last", "train.keep=best", 24),
        (
            "schedule=wsd schedule.decay_steps=12 states.cuts=[13]",
            "schedule=wsd schedule.decay_steps=4",
            13,
        ),
        ("states.cuts=[5]", "train.steps=5 schedule=constant lr=0.5", 0),
        ("schedule=constant states.cuts=[5]", "schedule=constant train.steps=5", 5),
        ("train.ema=0.9", "train.ema=0.9 train.keep=ema", 24),
        ("train.stop_after=8", "train.stop_after=16", 24),
        ("clipping=norm", "clipping=global_norm", 0),
    ],
)
def test_how_much_of_a_run_another_one_has_made(
    command, store, trained, words: str, others: str, reused: int
) -> None:
    assert command(f"{MLP} tracking=off {words}").status == 0
    trained.clear()
    done = command(f"{MLP} {others}")
    assert done.status == 0, done.err
    found = re.search(r"train.steps=(\d+)", others)
    steps = int(found[1]) if found else 24
    assert trained == list(range(reused, steps))
    assert command(f"{MLP} {others} states=off").status == 0
    alike(store, *store.runs())


def test_it_is_said_that_more_is_stored_than_can_be_used(command) -> None:
    command(f"{MLP} tracking=off states.cuts=[4,8,16]")
    done = command(f"{MLP} tracking=off train.eval_every=4")
    said = "24 steps of this run are stored, 8 of them can be used: what it evaluates after 12 is"
    assert said in done.err


def test_a_run_goes_on_where_a_signal_has_ended_it(command, store, trained, monkeypatch) -> None:
    from runner.interrupts import Interrupts

    with monkeypatch.context() as patched:
        patched.setattr(Interrupts, "requested", lambda self: len(trained) == 13)
        assert command(f"{MLP} optimizer=sgd").status == 130
    done = command(f"{MLP} optimizer=sgd")
    assert done.status == 0
    assert "reused    13 of 24 steps" in done.out
    command(f"{MLP} optimizer=sgd states=off")
    _, goes_on, whole = store.runs()
    alike(store, goes_on, whole)


def test_plateau_and_best_take_no_other_runs_evaluations(command, store, trained) -> None:
    line = f"{MLP} schedule=plateau schedule.patience=1 schedule.min_delta=0.1 lr=0.01"
    assert command(f"{line} train.eval_every=2 tracking=off").status == 0
    for own in (
        "train.eval_every=4 schedule.patience=2 train.keep=best",
        "train.eval_every=8 schedule.monitor=val/accuracy",
        "train.eval_every=2 schedule.patience=3 schedule.min_delta=0.5",
    ):
        assert command(f"{line} {own}").status == 0
        assert command(f"{line} {own} states=off").status == 0
        alike(store, *store.runs()[-2:])


def test_the_steps_of_a_damaged_state_are_trained_again(command, store, folder, trained) -> None:
    command(f"{MLP} tracking=off")
    files = sorted(folder.rglob("*.safetensors"))
    assert len(files) >= 2
    damaged = bytearray(files[-1].read_bytes())
    damaged[-9] ^= 1
    files[-1].write_bytes(damaged)
    trained.clear()
    done = command(MLP)
    assert done.status == 0
    assert done.err.count("is damaged") == 1
    step = int(files[-2].name[:10])
    assert trained == list(range(step, 24))
    command(f"{MLP} states=off")
    alike(store, *store.runs())


def test_a_full_disk_costs_no_training(command, store, folder) -> None:
    (folder / ".runner").mkdir()
    (folder / ".runner" / "states").write_text("in the way")
    done = command(MLP)
    assert done.status == 0
    assert done.err.count("states: cannot be kept in .runner/states") == 1
    assert store.runs()[0].info.status == "FINISHED"


def test_what_fails_in_keeping_costs_no_training(command, job, store, monkeypatch) -> None:
    from runner.training.capture import Watched

    def fails(self: Watched) -> None:
        raise RuntimeError("odd")

    held: list[str] = []
    update = Loop.update

    def looks(self: Loop, t: int) -> Any:
        held.append(Claims(Path(".runner/states")).holder(held_name))
        return update(self, t)

    held_name = job(MLP).trial.name(24)
    monkeypatch.setattr(Watched, "capture", fails)
    monkeypatch.setattr(Loop, "update", looks)
    done = command(MLP)
    assert done.status == 0
    assert held[0].startswith(f"process {os.getpid()} on ")
    assert held[-1] == ""  # others need not wait for it
    assert done.err.startswith("states: none of this run is kept, as RuntimeError: odd (")
    assert done.err.count("\n") == 1
    assert store.runs()[0].info.status == "FINISHED"


def test_what_fails_in_going_on_costs_no_training(command, folder, trained, monkeypatch) -> None:
    from runner.training.capture import Watched

    assert command(f"{MLP} tracking=off").status == 0
    restore, left = Watched.restore, list(folder.rglob("*.safetensors"))

    def fails(self: Watched, captured: Any) -> None:
        if left:  # the last call makes the state fresh again
            left.pop()
            raise RuntimeError("odd")
        restore(self, captured)

    monkeypatch.setattr(Watched, "restore", fails)
    trained.clear()
    done = command(f"{MLP} tracking=off")
    assert (done.status, trained) == (0, list(range(24)))
    assert "does not fit this run (odd); trained again" in done.err


def test_a_run_that_is_refused_holds_nothing_that_others_wait_for(job, folder, monkeypatch) -> None:
    from runner.run import run
    from runner.tracking import Recording

    def refuses(self: Recording, header: Any) -> None:
        raise Mistake("tracking.uri", "must answer")

    monkeypatch.setattr(Recording, "open", refuses)
    monkeypatch.setattr(Recording, "__bool__", lambda self: True)  # as with a tracker
    setup = job(f"{MLP} tracking=off")
    with pytest.raises(Mistake, match="must answer"):
        run(setup, Recording([]), lambda: False)
    assert Claims(folder / ".runner" / "states").claim(setup.trial.name(24)) is not None


@pytest.mark.parametrize("more", ["", "train.keep=best"])
def test_what_goes_while_a_run_waits_leaves_it_fresh(command, job, folder, more: str) -> None:
    line = f"{MLP} tracking=off {more}"
    assert command(line).status == 0
    setup = job(line)
    stock = stock_of(setup)
    assert stock.longest().name.step == 24
    shutil.rmtree(folder / ".runner" / "states")
    assert stock.longest() is None
    fresh = job(line).state
    assert (setup.state.step, setup.state.best) == (0, None)
    for name, weight in fresh.model.state_dict().items():
        assert np.array_equal(weight, setup.state.model.state_dict()[name]), name
    assert not setup.state.optimizer.state_dict()["state"]


def test_who_waits_for_what_is_of_no_use_looks_twice(command, job, monkeypatch, claimed) -> None:
    assert command(f"{MLP} tracking=off").status == 0
    setup = job(f"{MLP} tracking=off train.eval_every=5")
    looks, said = list[float](), list[str]()
    stock = replace(stock_of(setup), warn=said.append)
    longest = type(stock).longest

    def looked(self: Any) -> Any:
        looks.append(time.monotonic())
        return longest(self)

    monkeypatch.setattr(type(stock), "longest", looked)
    with claimed(setup.trial.name(24), seconds=2):
        assert stock.begin(lambda: False) is None
    assert len(looks) == 2
    assert looks[1] - looks[0] > 1
    assert len([text for text in said if "steps of this run are stored" in text]) == 1


def test_an_augmentation_that_counts_begins_anew_in_each_run(
    command, store, folder, monkeypatch
) -> None:
    (folder / "counting.py").write_text(COUNTING)
    monkeypatch.syspath_prepend(folder)
    line = f"{MLP} schedule=constant dataset.augment._target_=counting.Shifts train.steps=null"
    assert command(f"-m {line} lr=1e-3,2e-3 train.epochs=1").status == 0
    assert command(f"{line} lr=2e-3 train.steps=12").status == 0
    assert command(f"{line} lr=2e-3 train.steps=20").status == 0
    first = store.runs()
    for run, words in zip(
        first[1:], ("train.epochs=1", "train.steps=12", "train.steps=20"), strict=True
    ):
        command(f"{line} lr=2e-3 {words} states=off")
        alike(store, run, store.runs()[-1])


def test_the_test_of_a_longer_run_is_its_own(command, store, folder, monkeypatch) -> None:
    (folder / "drawing.py").write_text(DRAWING)
    monkeypatch.syspath_prepend(folder)
    line = f"{MLP} model._target_=drawing.Net train.keep=best schedule=constant lr=0.5"
    for words in ("", "train.steps=32", "train.steps=32 states=off"):
        assert command(f"{line} {words}").status == 0
    _, longer, whole = store.runs()
    alike(store, longer, whole)


def test_what_fails_in_hashing_costs_no_training(command, folder, monkeypatch) -> None:
    from runner.build import recipe

    def fails(targets: Any) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(recipe, "code_of", fails)
    done = command(f"{MLP} tracking=off")
    assert done.status == 0
    said = "note: no states are kept, and none are gone on from: RuntimeError: odd ("
    assert done.err.startswith(said)
    assert not list(folder.rglob("*.safetensors"))


def test_a_store_that_is_deleted_meanwhile_is_made_again(command, folder, monkeypatch) -> None:
    from runner.report.terminal import Console

    heard = Console.hear

    def hear(self: Console, event: Any) -> None:
        if isinstance(event, Chunk):
            shutil.rmtree(folder / ".runner" / "states", ignore_errors=True)
        heard(self, event)

    monkeypatch.setattr(Console, "hear", hear)
    done = command(f"{MLP} tracking=off")
    assert (done.status, done.err) == (0, "")
    assert list((folder / ".runner" / "states").rglob("*24-*.safetensors"))


def test_a_grid_trains_a_common_beginning_once(command, store, trained) -> None:
    line = (
        f"-m {MLP} schedule=piecewise schedule.factors=[1,0.1,0.01] "
        "'schedule.boundaries=[6,14],[6,18],[6,21]'"
    )
    done = command(line)
    assert done.status == 0, done.err
    assert len(trained) == 24 + 10 + 3 or len(trained) == 24 + 6 + 10
    assert f"\ntrained {len(trained)} of 72 steps (1.8 times less)\n" in done.out
    shared = store.runs()
    assert command(f"{line} states=off").status == 0
    whole = [run for run in store.runs() if run.info.run_id not in {r.info.run_id for r in shared}]
    for run in shared:
        (other,) = (one for one in whole if one.info.run_name == run.info.run_name)
        alike(store, run, other)


LRS = [0.001, 0.002, 0.003, 0.004, 0.005, 0.006]


def test_within_a_small_quota_a_grid_makes_room_by_itself(command, folder, trained) -> None:
    line = (
        f"-m {MLP} lr={','.join(map(str, LRS))} schedule=wsd schedule.decay_steps=4,8,12 "
        "tracking=off states.max_bytes=500000"
    )
    done = command(line)
    assert (done.status, done.err) == (0, "")
    assert len(trained) == len(LRS) * (24 + 7 + 11)  # a decay's first update has the rate before it
    kept = [file.stat().st_size for file in folder.rglob("*.safetensors")]
    assert 3 * len(LRS) > len(kept) > 3  # not all that jobs share have room at once
    assert sum(kept) <= 500_000


def test_where_a_launcher_starts_the_jobs_what_they_share_is_named_as_there(job) -> None:
    setup = job(f"{MLP} schedule=constant states.cuts=[8]")
    settings = replace(setup.settings, threads=None)
    one = Job("one", [], settings, trial=setup.trial)
    with Partings([one, one]) as partings:
        wanted = Wanted(Path(".runner/states"))
        assert wanted.all() == {setup.trial.name(8)}
        partings.ended([0])
        assert wanted.all() == {setup.trial.name(8)}
        partings.ended([1])
        assert wanted.all() == set()


def test_a_command_of_a_shared_run_repeats_it_alone(command, store) -> None:
    command(f"-m {MLP} schedule=wsd schedule.decay_steps=4,8 tracking.experiment=x")
    assert all("states" not in run.data.tags["command"] for run in store.runs())
    assert all("cuts" not in key for run in store.runs() for key in run.data.params)


def test_the_result_of_a_sweep_is_in_the_order_that_was_typed(folder) -> None:
    from runner import api

    runs = api.run(f"-m {MLP} tracking=off schedule=wsd schedule.decay_steps=4,12,8", quiet=True)
    assert [run.command.split("decay_steps=")[1].split()[0] for run in runs] == ["4", "12", "8"]
    for run, steps in zip(runs, (4, 12, 8), strict=True):
        rates = run.records["train/lr"]
        assert np.flatnonzero(rates < rates[0])[0] == 24 - steps + 1


def test_a_class_of_a_prompt_keeps_no_states_and_says_so(command, folder, monkeypatch) -> None:
    import __main__
    from runner.training import models

    class Net(models.MLP):
        pass

    Net.__module__, Net.__qualname__ = "__main__", "Net"
    monkeypatch.setattr(__main__, "Net", Net, raising=False)
    monkeypatch.delattr(__main__, "__file__", raising=False)
    done = command(f"{MLP} tracking=off model=__main__.Net model.dropout=0.0")
    assert done.status == 0, done.err
    assert "note: no states are kept" in done.err
    assert not list(folder.rglob("*.safetensors"))
