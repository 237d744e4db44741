"""The worked examples of scripts/examples, each on a few steps."""

import os
import re
import signal
import sys
from pathlib import Path

import joblib
import numpy as np
import optuna
import pytest
from safetensors.torch import load_file
from sklearn.datasets import load_digits

from runner.study.queue import attributes

EXAMPLES = Path(__file__).parents[2] / "scripts" / "examples"
RATES = {  # at which the loss falls, is high, and is not finite
    "scikit_partial_fit": (0.1, 3e3, None),  # its rule bounds the weights
    "lightning_module": (0.1, 3e3, 1e20),
    "hugging_face_trainer": (0.003, 1, 1e6),
    "keras_model": (0.01, 3, 1e20),
}
SCIKIT, *others = RATES
SLOW = [pytest.param(name, marks=pytest.mark.stress) for name in others]  # to import
each = pytest.mark.parametrize("name", [SCIKIT, *SLOW])
pytestmark = [
    # Lightning asks torch for what it calls old, and wants workers where there are cores
    pytest.mark.filterwarnings("ignore:.isinstance.treespec, LeafSpec.. is deprecated"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    # Keras saves a variable as numpy 1 had it
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def examples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder of the examples is where Python looks for modules."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES), prepend=os.pathsep)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))  # else it writes into the home


def words(name: str, more: str = "") -> str:
    """The words of a run of 40 steps."""
    rest = "train.steps=40 train.eval_every=10 threads=1 schedule=cosine"
    return f"loop={name}.train {rest} lr={RATES[name][0]} {more}"


def test_a_plain_loop_learns_and_its_run_repeats_to_the_bit(command, store) -> None:
    line = "loop=plain_loop.train train.steps=120 schedule=cosine lr=0.1 threads=1"
    done = command(line)
    assert done.status == 0, done.err
    (run,) = store.runs()
    assert run.data.metrics["test/accuracy"] > 0.85
    assert run.data.params["loop.batch_size"] == "64"
    losses = store.history(run, "train/loss")
    assert list(losses) == list(range(120))
    repeat = re.search(r"^repeat +python -m runner (.*)$", done.out, re.MULTILINE)[1]
    command(f"{repeat} states=off")
    assert "reused    120 of 120 steps" in command(repeat).out
    for again in store.runs()[1:]:
        assert store.history(again, "train/loss") == losses
        assert again.data.metrics == run.data.metrics


@each
def test_every_step_is_recorded_and_nothing_else_is_written(command, store, folder, name) -> None:
    done = command(words(name))
    assert (done.status, done.err) == (0, "")
    assert len(done.out.splitlines()) <= 11
    assert {file.name for file in folder.iterdir()} <= {"mlflow.db", "mlartifacts", ".runner"}
    (run,) = store.runs()
    rates = RATES[name][0] * 0.5 * (1 + np.cos(np.pi * np.arange(40) / 40))
    assert list(store.history(run, "train/lr").values()) == pytest.approx(rates)
    losses = store.history(run, "train/loss")
    assert list(losses) == list(range(40))
    assert np.mean(list(losses.values())[-10:]) < 0.8 * losses[0]
    found = store.history(run, "val/loss")
    assert list(found) == [10, 20, 30, 40]
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert store.history(run, "test/loss")[40] == pytest.approx(found[40], rel=0.2)


@each
def test_a_run_is_the_same_to_the_bit_alone_and_among_others(command, store, name) -> None:
    alone = command(words(name, "seed=1"))
    repeat = re.search(r"^repeat +python -m runner (.*)$", alone.out, re.MULTILINE)[1]
    grid = command(f"-m {words(name, 'seed=0,1')}")
    assert grid.status == 0, grid.err
    assert command(repeat).status == 0
    first, other, *again = [
        [store.history(run, key) for key in ("train/loss", "val/loss")] for run in store.runs()
    ]
    assert again == [first, first]
    assert other != first


@each
def test_what_trains_takes_the_rate_of_each_step(command, store, name) -> None:
    rates = f"schedule.boundaries=[20] schedule.values=[{RATES[name][0]},0]"
    rest = "train.steps=40 train.eval_every=10 threads=1"
    done = command(f"loop={name}.train {rest} schedule=piecewise {rates}")
    assert done.status == 0, done.out
    found = store.history(store.runs()[0], "val/loss")
    assert found[10] > found[20] == found[30] == found[40]


@pytest.mark.stress
def test_the_trainer_of_lightning_makes_the_updates_of_a_plain_loop(command, store) -> None:
    rest = "train.steps=40 train.eval_every=40 threads=1 schedule=cosine lr=0.1"
    for name in ("plain_loop", "lightning_module"):
        command(f"loop={name}.train {rest}")
    plain, lightning = [
        [store.history(run, key) for key in ("train/loss", "val/loss", "test/accuracy")]
        for run in store.runs()
    ]
    assert lightning == plain


@pytest.mark.stress
def test_each_loss_of_keras_is_that_of_its_batch(command, store) -> None:
    line = "loop=keras_model.train loop.dropout=0 threads=1 schedule=constant lr=1e-30"
    command(f"{line} train.steps=17")
    command(f"{line} train.steps=1 loop.batch_size=1078")
    batches, whole = [list(store.history(run, "train/loss").values()) for run in store.runs()]
    sizes = [64] * 16 + [1078 - 16 * 64]
    assert np.average(batches, weights=sizes) == pytest.approx(whole[0], rel=1e-5)


@pytest.mark.parametrize("name", SLOW)
def test_the_best_weights_are_kept_and_tested(command, store, name) -> None:
    rates = "schedule.boundaries=[20] schedule.values=[{},{}]".format(*RATES[name])
    rest = "train.steps=40 train.eval_every=10 threads=1 train.keep=best"
    done = command(f"loop={name}.train {rest} schedule=piecewise {rates}")
    assert done.status == 0, done.out
    (run,) = store.runs()
    found, tested = (store.history(run, key) for key in ("val/loss", "test/loss"))
    assert min(found, key=found.get) == 20
    assert list(tested) == [20]
    assert tested[20] == pytest.approx(found[20], rel=0.2)
    assert tested[20] < 0.8 * found[40]
    assert all(one.numel() for one in load_file(store.file(run, "weights.safetensors")).values())


def test_the_model_of_scikit_learn_is_a_file_of_the_run(command, store) -> None:
    assert command(words("scikit_partial_fit")).status == 0
    (run,) = store.runs()
    model = joblib.load(store.file(run, "files/model.joblib"))
    pixels, labels = load_digits(return_X_y=True)
    assert model.score(pixels / 16, labels) == pytest.approx(
        run.data.metrics["test/accuracy"], abs=0.05
    )


@pytest.mark.stress
def test_the_model_of_keras_is_a_file_of_the_run(command, store) -> None:
    assert command(words("keras_model")).status == 0
    import keras  # behind the example, which says what it computes with

    (run,) = store.runs()
    model = keras.models.load_model(store.file(run, "files/model.keras"))
    pixels, labels = load_digits(return_X_y=True)
    found = model.evaluate(pixels / 16, labels, verbose=0, return_dict=True)
    assert found["accuracy"] == pytest.approx(run.data.metrics["test/accuracy"], abs=0.05)


@each
def test_patience_ends_a_run_and_it_is_tested(command, store, name) -> None:
    rest = "train.steps=900 train.eval_every=10 train.stop_after=10 threads=1"
    done = command(f"loop={name}.train {rest} schedule=constant lr=1e-30")
    assert done.status == 0, done.out
    (run,) = store.runs()
    assert run.info.status == "FINISHED"
    last = max(store.history(run, "val/loss"))
    assert last < 100
    assert list(store.history(run, "train/loss")) == list(range(last))
    assert list(store.history(run, "test/loss")) == [last]


@pytest.mark.parametrize("name", SLOW)
def test_a_loss_that_is_not_finite_is_divergence(command, store, name) -> None:
    rest = "train.steps=900 train.eval_every=10 threads=1 schedule=constant"
    done = command(f"loop={name}.train {rest} lr={RATES[name][2]:g}")
    assert done.status == 3, done.out
    (run,) = store.runs()
    assert re.match(r"train/loss is (inf|nan) at step \d, ", run.data.tags["diverged"])
    assert len(store.history(run, "train/lr")) < 10


@pytest.mark.stress
@pytest.mark.parametrize("name", RATES)
def test_a_study_of_it_prunes_and_answers(command, store, folder, name) -> None:
    line = f"-m hydra/sweeper=optuna loop={name}.train schedule=constant threads=1"
    good, high, _ = RATES[name]
    space = f"'lr=choice({good},{high})' study/sampler=grid study.baseline=false"
    rest = "study/pruner=threshold study.pruner.upper=6 study.confirm_seeds=2 study.name=s"
    done = command(f"{line} train.steps=30 train.eval_every=10 {space} {rest}")
    assert done.status == 0, done.err
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{folder}/optuna.db")
    ends = {float(t.params["lr"]): t.state.name for t in attributes.done(study)}
    assert ends == {good: "COMPLETE", high: "PRUNED"}
    trials, confirmed = (
        [run for run in store.runs() if run.data.tags["kind"] == kind]
        for kind in ("trial", "confirm")
    )
    pruned = next(run for run in trials if float(run.data.params["lr"]) == high)
    assert list(store.history(pruned, "train/loss")) == list(range(10))
    assert not any("test/loss" in run.data.metrics for run in trials)
    assert len(confirmed) == 2
    assert all("test/loss" in run.data.metrics for run in confirmed)


@pytest.mark.stress
@pytest.mark.parametrize(
    ("name", "number"),
    [(name, signal.SIGINT) for name in RATES] + [("lightning_module", signal.SIGTERM)],
)
def test_a_signal_ends_it_as_killed_with_its_records(store, shell, name, number) -> None:
    process = shell(f"loop={name}.train train.steps=1000000 train.eval_every=10 threads=1 lr=1e-4")
    next(line for line in process.stdout if line.startswith("step "))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    done = int(re.search(r"^KILLED: interrupted after (\d+) steps$", out, re.MULTILINE)[1])
    (run,) = store.runs()
    assert run.info.status == "KILLED"
    assert list(store.history(run, "train/loss")) == list(range(done))


def test_a_script_is_started_and_learns(command, store) -> None:
    script = EXAMPLES / "script.py"
    start = f"{sys.executable} {script} --width {{width}}"
    done = command(f"train.steps=60 schedule=cosine lr=0.1 loop.width=48 threads=1 -- {start}")
    assert done.status == 0, done.err
    (run,) = store.runs()
    assert run.data.metrics["val/accuracy"] > 0.7
    assert list(store.history(run, "train/loss")) == list(range(60))
    assert load_file(store.file(run, "weights.safetensors"))["0.weight"].shape == (48, 64)
