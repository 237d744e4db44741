"""The configuration files, and the numbers of the articles that the presets reproduce."""

from pathlib import Path

import numpy as np
import pytest

from runner.config import partial
from runner.config.composer import compose
from runner.config.options import CONF, group_options
from runner.config.reading import read
from runner.training import datasets

FILES = sorted(CONF.rglob("*.yaml"))
DOWNLOADED = ("mnist", "fashion_mnist", "kmnist", "cifar10", "cifar100")
OPTIONS = [
    (group, option)
    for group, options in group_options().items()
    if group != "experiment"
    for option in options
    if option not in DOWNLOADED
]
NEEDED = {
    "model=quadratic": "dataset=none",
    "dataset=none": "model=quadratic",
    "clipping/max_norm_schedule=linear": "clipping=global_norm",
    "task=none": "dataset=none model=quadratic",
    "task=regression": "dataset=diabetes model=mlp",
    "task=language": "dataset=python_docs model=gpt",
    "dataset=diabetes": "task=regression model=mlp",
    "dataset=python_docs": "task=language model=gpt",
    "model=gpt": "dataset=python_docs task=language",
    "model=resnet9": "model.width=2",
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(CONF).as_posix())
def test_a_file_is_short_and_begins_with_its_usage(file: Path) -> None:
    lines = file.read_text().splitlines()
    usage = next(line for line in lines if not line.startswith("# @package"))
    assert usage.startswith("# ")
    own = f"{file.parent.name}={file.stem}" if file.parent != CONF else "python -m runner"
    assert own in usage or file.parent.name == "sweeper"
    assert len(lines) <= 20 or file.name == "config.yaml"


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_option_fits_the_defaults(job, group: str, option: str) -> None:
    choice = f"{group}={option}"
    small = "" if group == "model" or choice in NEEDED else "model=linear"
    given = job(f"{small} {choice} {NEEDED.get(choice, '')}").settings
    assert given.choices[group] == option


@pytest.mark.parametrize("name", DOWNLOADED)
def test_a_data_set_that_is_downloaded_takes_its_arguments(name: str) -> None:
    config = compose([f"dataset={name}", "dataset.root=digits"])
    load = partial("dataset", read(config, config.hydra).dataset)
    assert load.bound.func is getattr(datasets, name)


@pytest.mark.parametrize("name", [n for n in group_options()["experiment"] if n != "finetune"])
def test_every_experiment_can_be_trained(job, name: str) -> None:
    assembled = job(f"+experiment={name}")
    rates = assembled.trial.numbers.trace("lr")[:20]
    assert np.isfinite(rates).all()
    assert (rates >= 0).all()


def test_quadratic_decay_gives_article_4s_numbers(command, store) -> None:
    assert command("+experiment=quadratic_decay").status == 0
    (run,) = store.runs()
    w, loss = store.history(run, "param/w"), store.history(run, "val/loss")
    assert w[1] == pytest.approx(3.8, abs=1e-6)
    assert loss[1] == pytest.approx(23.04, abs=1e-5)
    assert w[40] == pytest.approx(-0.995731, abs=1e-6)
    lr = store.history(run, "train/lr")
    assert lr[1] == pytest.approx(0.099, abs=1e-15)
    assert len(lr) == 40
    assert lr[39] * 0.99 == pytest.approx(0.066897, abs=1e-6)


def test_quadratic_constant_gives_article_4s_numbers(command, store) -> None:
    assert command("+experiment=quadratic_constant").status == 0
    (run,) = store.runs()
    w = store.history(run, "param/w")
    assert [w[n] for n in (1, 2, 3)] == pytest.approx([2.6, 1.16, 0.296], abs=1e-6)


def test_quadratic_rates_crawls_converges_swings_and_diverges(command, store) -> None:
    done = command("+experiment=quadratic_rates")
    assert done.status == 0
    ends = {run.info.run_name: run.data for run in store.runs()}
    # w + 1 is multiplied by 1 - 2 * lr at each of 200 updates: by 0.998, 0.6, -1, -1.4
    assert ends["lr=0.001"].metrics["param/w"] == pytest.approx(6 * 0.998**200 - 1, rel=1e-4)
    assert ends["lr=0.2"].metrics["param/w"] == pytest.approx(-1, abs=1e-6)
    assert ends["lr=1.0"].metrics["param/w"] == pytest.approx(5, abs=1e-5)
    swings = next(run for run in store.runs() if run.info.run_name == "lr=1.0")
    assert {round(v, 4) for v in store.history(swings, "param/w").values()} == {5, -7}
    # (6 * 1.4 ** n) ** 2 leaves float32's 3.4e38 at n = 127
    reason = ends["lr=1.2"].tags["diverged"]
    assert reason == "train/loss is inf at step 127, learning rate 1.2"
    table = done.out[done.out.index("rank") :].splitlines()
    assert [row.split()[1] for row in table[1:4]] == ["lr=0.2", "lr=0.001", "lr=1.0"]
    assert table[4].split() == ["-", "lr=1.2", "-", *table[4].split()[3:]]
    assert table[4].endswith(f"DIVERGED  {reason}")


def test_tf_piecewise_gives_article_3s_rates_read_back_from_mlflow(command, store) -> None:
    assert command("+experiment=tf_piecewise").status == 0
    (run,) = store.runs()
    rates = [0.1] * 6 + [0.05] * 5 + [0.01] * 5 + [0.001] * 4
    assert store.history(run, "train/lr") == dict(enumerate(rates))


def test_tf_piecewise_long_changes_after_2000_and_6000(job) -> None:
    trace = job("+experiment=tf_piecewise_long").trial.numbers.trace("lr")
    assert (trace == [0.1] * 2001 + [0.05] * 4000 + [0.01] * 1999).all()


def test_tf_staircase_has_a_stair_each_16_updates(command, store) -> None:
    assert command("+experiment=tf_staircase").status == 0
    (run,) = store.runs()
    lr = list(store.history(run, "train/lr").values())
    assert lr[:16] == [0.01] * 16
    assert lr[16:32] == [pytest.approx(0.0096, rel=1e-15)] * 16
    assert len(set(lr)) == 10
    assert len(lr) == 160


def test_keras_exponential_falls_once_an_epoch_and_keeps_its_floor(job) -> None:
    assembled = job("+experiment=keras_exponential train.epochs=100")
    per_epoch = assembled.trial.horizon.steps_per_epoch
    assert per_epoch == 131  # 4,050 samples in batches of 31
    trace = assembled.trial.numbers.trace("lr").reshape(100, per_epoch)
    expected = [max(1e-3 * 0.9**epoch, 1e-6) for epoch in range(100)]
    assert trace[:, 0] == pytest.approx(expected, rel=1e-12)
    assert (trace == trace[:, :1]).all()


def test_bert_recipe_never_reaches_its_rate_and_ends_linear(job) -> None:
    assembled = job("+experiment=bert_recipe train.steps=100")
    trace = assembled.trial.numbers.trace("lr")
    assert trace[0] == 0
    assert trace.max() == trace[10] == pytest.approx(0.9e-3)
    assert trace[10:] == pytest.approx(1e-3 * (1 - np.arange(10, 100) / 100))
    assert assembled.state.clipping.max_norm == 1.0


def test_keras_warmup_cosine_rises_holds_and_falls(job) -> None:
    trace = job("+experiment=keras_warmup_cosine").trial.numbers.trace("lr")
    assert trace[0] == 1e-5
    assert (trace[262 : 262 + 131] == 1e-3).all()  # 20 % of 1,310, then an epoch
    assert (np.diff(trace[:263]) > 0).all()
    assert (np.diff(trace[262 + 131 :]) < 0).all()


def test_keras_cosine_restarts_has_five_cycles(job) -> None:
    trace = job("+experiment=keras_cosine_restarts").trial.numbers.trace("lr")
    starts = [0, 66, 197, 393, 655]  # 0, 5, 15, 30 and 50 % of 1,310, to the nearest step
    assert [t for t in range(1, 1310) if trace[t] == 1e-5] == starts[1:]
    assert np.count_nonzero(trace == 1e-3) == 5


def test_keras_plateau_halves_the_rate(job) -> None:
    schedule = job("+experiment=keras_plateau").trial.numbers["lr"]
    memory = schedule.begin()
    for loss in (1.0, 1.2, 1.1):
        memory = schedule.observe(memory, 0, loss)
    assert schedule.rates(memory, np.array([0])) == 0.5e-3


def test_gpt_warms_up_and_decays_matrices_alone(job) -> None:
    assembled = job("+experiment=gpt")
    for group in assembled.state.optimizer.param_groups:
        assert {p.ndim > 1 for p in group["params"]} == {group["weight_decay"] == 0.1}
    trace = assembled.trial.numbers.trace("lr")
    total = len(trace)
    assert total == 6 * -(-len(assembled.data.train) // 32)
    assert abs(int(trace.argmax()) - total / 10) <= 1
    assert trace.max() == 3e-3
    assert trace[-1] < 1e-7
    assert assembled.state.clipping.max_norm == 1.0


@pytest.mark.parametrize("source", ["a run", "a file"])
def test_finetune_moves_loaded_layers_slowly_and_a_new_one_fast(
    command, store, job, source: str
) -> None:
    assert command("train.steps=1 train.batch_size=8 seed=7").status == 0
    (run,) = store.runs()
    file = store.file(run, "weights.safetensors")
    weights = run.info.run_id if source == "a run" else file
    assembled = job(f"+experiment=finetune model.weights={weights}")
    groups = assembled.state.optimizer.param_groups
    assert [g["lr_scale"] * 1e-3 for g in groups] == pytest.approx([1e-3, 1e-5, 1e-5])
    assert [len(g["params"]) for g in groups] == [2, 4, 4]
    import safetensors.torch

    stored, own = safetensors.torch.load_file(file), assembled.state.model.state_dict()
    same = {name for name in own if (own[name] == stored[name]).all()}
    assert set(own) - same == {"dense3.weight", "dense3.bias"}
