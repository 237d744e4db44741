"""What else follows a schedule: momentum, weight decay, the clipping threshold, and its records."""

import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim.optimizer import register_optimizer_step_pre_hook

from runner.build.horizon import horizon
from runner.build.numbers import numbers
from runner.config.composer import compose
from runner.config.options import group_options
from runner.config.reading import read
from runner.errors import Mistake
from runner.training import clipping, optimizers

CYCLE = "optimizer=sgd optimizer.momentum=0.9 optimizer/momentum_schedule=one_cycle"
NEED_WORDS = {"clamp", "expression", "function", "join", "product", "repeat", "scale", "torch"}
SCHEDULES = sorted(set(group_options()["schedule"]) - NEED_WORDS)
QUICK = "model=linear tracking=off train.steps=20"


@pytest.fixture
def traces(settings: Any) -> Callable[..., dict[str, np.ndarray]]:
    """Gives the numbers of a command line, each update's."""

    def find(line: str, train_size: int = 1280) -> dict[str, np.ndarray]:
        given = settings(line)
        found = numbers(given, horizon(given, train_size))
        return {name: found.trace(name) for name in found}

    return find


def test_the_momentum_falls_while_the_rate_rises(traces):
    found = traces(f"schedule=one_cycle lr=0.1 train.steps=100 {CYCLE}")
    assert list(found) == ["lr", "momentum"]
    assert found["lr"].argmax() == found["momentum"].argmin() == 30
    assert found["momentum"][[0, 30]].tolist() == [0.95, 0.85]
    assert found["momentum"][15] == pytest.approx(0.9)
    assert found["momentum"][65] == pytest.approx(0.9)


def test_the_schedule_counts_from_its_start_and_ends_where_the_run_ends(traces):
    whole = traces("schedule=cosine lr=0.1 train.steps=100 train.eval_every=10")["lr"]
    half = traces("schedule=cosine lr=0.1 schedule.start=50 train.steps=50")["lr"]
    assert half.tolist() == whole[50:].tolist()
    again = traces("schedule=cosine lr=0.1 schedule.start=5e1 train.steps=50")["lr"]
    assert again.tolist() == half.tolist()
    shared = traces("schedule=exponential lr=0.1 schedule.start=2ep train.epochs=3")["lr"]
    assert shared[0] == pytest.approx(0.1 * 0.9**2)


@pytest.mark.parametrize("placement", ["shift", "overlay"])
@pytest.mark.parametrize("start", [10, 50])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_run_goes_on_inside_and_behind_the_ramp(traces, schedule, start, placement):
    line = f"schedule={schedule} lr=0.1 warmup=linear warmup.steps=20 warmup.placement={placement}"
    whole = traces(f"{line} train.steps=100")["lr"]
    rest = traces(f"{line} train.steps={100 - start} schedule.start={start}")["lr"]
    assert rest.tolist() == whole[start:].tolist()


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("schedule.start=-1", "schedule.start must not be negative, got -1"),
        ("schedule.start=5 warmup.steps=200", "warmup.steps must"),
        ("schedule.start=5 warmup.start=-1", "warmup.start must"),
        ("warmup.start=2", "warmup.start must"),
        ("schedule.start=5 schedule.decay_steps=0", "schedule.decay_steps must be at least 1"),
    ],
)
def test_a_mistake_beside_a_start_names_its_key(traces, words, line):
    with pytest.raises(Mistake, match=f"^{re.escape(line)}"):
        traces(f"schedule=cosine warmup=linear train.steps=50 {words}")


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ("schedule=plateau", "min"),
        ("schedule=plateau schedule.monitor=val/accuracy", "max"),
        ("schedule=plateau schedule.monitor=val/accuracy schedule.mode=max", "max"),
        ("schedule=greedy schedule.monitor=val/accuracy", "max"),
        ("schedule=greedy schedule.mode=min", "min"),
    ],
)
def test_which_way_is_better_is_what_the_metric_says(settings, words, mode):
    given = settings(f"{words} train.steps=20")
    assert numbers(given, horizon(given, 1280))["lr"].mode == mode


@pytest.mark.parametrize("warmup", ["none", "linear"])
def test_a_plateau_inside_another_schedule_knows_it_too(warmup):
    config = compose(["schedule=product", f"warmup={warmup}", "train.steps=20"])
    inner = {"_target_": "schedules.ReduceOnPlateau", "lr": 1.0, "monitor": "val/accuracy"}
    config.schedule.schedules = [{"_target_": "schedules.Constant", "lr": 0.1}, inner]
    given = read(config, config.hydra)
    found = numbers(given, horizon(given, 1280))["lr"]
    product = found if warmup == "none" else found.schedule
    assert product.schedules[1].mode == "max"


@pytest.mark.parametrize(
    ("monitor", "mode", "which"), [("accuracy", "min", "higher"), ("loss", "max", "lower")]
)
def test_a_mode_against_the_metric_is_refused(traces, monitor, mode, which):
    right = {"min": "max", "max": "min"}[mode]
    must = f"must be null or {right}, as a {which} val/{monitor} is better, got '{mode}'"
    with pytest.raises(Mistake, match=f"^schedule.mode {must}$"):
        traces(f"schedule=plateau schedule.monitor=val/{monitor} schedule.mode={mode}")


def test_what_else_is_scheduled_counts_from_the_same_start(traces):
    whole = traces(f"schedule=one_cycle lr=0.1 train.steps=100 {CYCLE}")
    half = traces(f"schedule=one_cycle lr=0.1 schedule.start=50 train.steps=50 {CYCLE}")
    assert half["lr"].tolist() == whole["lr"][50:].tolist()
    assert half["momentum"].tolist() == whole["momentum"][50:].tolist()


def test_a_start_of_a_persons_own_is_theirs(traces, monkeypatch, tmp_path):
    (tmp_path / "mine_line.py").write_text(
        "from dataclasses import dataclass\n"
        "import numpy as np\n"
        "from schedules import Schedule\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Line(Schedule):\n"
        "    start: float = 0.05\n"
        "    def formula(self, t):\n"
        "        return self.start + 0.001 * t\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    line = "schedule=constant schedule._target_=mine_line.Line lr=1 ~schedule.lr ~schedule.after"
    line += " train.steps=5"
    assert traces(line)["lr"][0] == 0.05
    assert traces(f"{line} schedule.start=0.5")["lr"][0] == 0.5


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("low must be kind", "schedule.low must be kind"),
        ("math domain error", "schedule: ValueError: math domain error (TMP/mine_bad.py, line 7)"),
    ],
)
@pytest.mark.parametrize("warmup", ["none", "linear"])
def test_an_error_of_a_persons_own_schedule_is_about_the_schedule(
    traces, monkeypatch, tmp_path, says, message, warmup
):
    (tmp_path / "mine_bad.py").write_text(
        "from dataclasses import dataclass\n"
        "from schedules import Schedule\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Bad(Schedule):\n"
        "    low: float = 0.05\n"
        "    def formula(self, t):\n"
        f"        raise ValueError({says!r})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mine_bad", raising=False)
    line = "schedule=constant schedule._target_=mine_bad.Bad lr=1 ~schedule.lr ~schedule.after"
    message = re.escape(message.replace("TMP", str(tmp_path)))
    with pytest.raises(Mistake, match=rf"^{message}$"):
        traces(f"{line} warmup={warmup} train.steps=20")


STRICT = "schedule=cosine schedule.after=error schedule.decay_steps=5 train.steps=20"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("warmup=linear warmup.steps=20 train.steps=20", "warmup.steps must be shorter than the"),
        (f"{STRICT} schedule.start=3", "schedule.after must be .* and step 22 of its own$"),
        (f"{STRICT} schedule.start=3 warmup=linear", "schedule.after must be .* of its own$"),
    ],
)
def test_an_error_is_about_the_group_that_it_is_of(traces, line, message):
    with pytest.raises(Mistake, match=f"^{message}"):
        traces(line)


def test_samples_are_a_duration(traces):
    found = traces("schedule=step schedule.decay_steps=5000samples lr=1 train.epochs=10", 2500)
    assert found["lr"][39] == 1
    assert found["lr"][40] == pytest.approx(0.1)


def test_every_update_uses_and_records_what_is_scheduled(command, store) -> None:
    used = []

    def spy(optimizer, given, named):
        used.append([(g["momentum"], g["weight_decay"]) for g in optimizer.param_groups])

    spying = register_optimizer_step_pre_hook(spy)
    line = (
        f"{CYCLE} optimizer/weight_decay_schedule=cosine clipping=global_norm "
        "clipping/max_norm_schedule=linear model=linear schedule=one_cycle train.steps=10"
    )
    done = command(f"{line} 'optimizer.groups=[{{pattern: \"*.bias\", weight_decay: 0.0}}]'")
    spying.remove()
    assert done.status == 0, done.err
    (run,) = store.runs()
    keys = ("lr", "momentum", "weight_decay", "max_norm")
    history = {key: store.history(run, f"train/{key}") for key in keys}
    assert [list(steps) for steps in history.values()] == [list(range(10))] * 4
    assert history["momentum"][3] == 0.85
    assert history["max_norm"][0] == 10.0
    assert history["max_norm"][5] == 5.5
    values = zip(history["momentum"].values(), history["weight_decay"].values(), strict=True)
    trained = used[1:]  # one update is rehearsed
    assert trained == [[(momentum, decay), (momentum, 0.0)] for momentum, decay in values]
    records = store.records(run)
    assert all(records[f"train/{key}"].tolist() == list(history[key].values()) for key in keys)
    rows = store.file(run, "trace.csv").read_text().splitlines()
    assert rows[0] == "step,lr,momentum,weight_decay,max_norm"
    assert rows[4].split(",")[2] == "0.85"
    assert run.data.params["optimizer/momentum_schedule"] == "one_cycle"


def test_the_threshold_that_is_recorded_is_the_one_that_clips(command, store) -> None:
    line = (
        "model=quadratic dataset=none schedule=constant lr=1e-9 optimizer=sgd train.steps=10 "
        "clipping=global_norm clipping/max_norm_schedule=linear"
    )
    limits = "clipping.max_norm_schedule.values=[20.0,2.0]"
    assert command(f"{line} {limits}").status == 0  # the gradient of (w + 1)^2 at 5 is 12
    (run,) = store.runs()
    limit, clipped = store.history(run, "train/max_norm"), store.history(run, "train/clipped")
    assert [clipped[t] for t in range(10)] == [float(limit[t] < 12) for t in range(10)]
    assert {0.0, 1.0} == set(clipped.values())


def test_a_schedule_can_be_written_on_the_command_line(command, folder) -> None:
    schedule = "{_target_:schedules.Polynomial,lr:0.9,end:0.5}"
    done = command(f"{QUICK} optimizer=rmsprop optimizer.momentum_schedule={schedule}")
    assert done.status == 0, done.err


def test_the_first_beta_is_adams_momentum():
    adam = torch.optim.Adam([torch.zeros(1, requires_grad=True)], betas=(0.9, 0.95))
    optimizers.check_scheduled(adam, "momentum", 0.85)
    optimizers.set_number(adam, "momentum", 0.85)
    assert adam.param_groups[0]["betas"] == (0.85, 0.95)


def test_the_fingerprint_knows_what_else_was_scheduled(command, store) -> None:
    for line in (CYCLE, "optimizer=sgd optimizer.momentum=0.9"):
        assert command(f"model=linear train.steps=3 {line}").status == 0
    first, second = (run.data.tags["fingerprint"] for run in store.runs())
    assert first != second


def test_the_fingerprint_of_a_run_is_that_of_its_trial(command, store, job) -> None:
    line = f"model=linear train.steps=3 {CYCLE}"
    assert command(line).status == 0
    assert store.runs()[0].data.tags["fingerprint"] == job(line).trial.fingerprint(3)


MISTAKES = {
    "optimizer=sgd clipping=value clipping/max_norm_schedule=linear": (
        "clipping.max_norm_schedule needs a clipping with max_norm; clipping=value has max_value"
    ),
    "clipping/max_norm_schedule=linear": (
        "clipping.max_norm_schedule needs a clipping with max_norm; clipping=none has no numbers"
    ),
    f"{CYCLE} optimizer.momentum_schedule.values=[0.95,1.0,0.9]": (
        "optimizer.momentum_schedule must give a valid momentum: momentum must lie in [0, 1), got "
        "1.0"
    ),
    f"{CYCLE} optimizer.momentum_schedule.values=[0.95,-0.5,0.9]": (
        "optimizer.momentum_schedule.values[1] must be at least 0, got -0.5"
    ),
    f"{CYCLE} optimizer.momentum_schedule.boundaries=[0%,0.1%,100%]": (
        "optimizer.momentum_schedule.boundaries must be strictly increasing, "
        "got ('0%', '0.1%', '100%') = (0, 0, 20)"
    ),
    "+optimizer.momentum_schedule._target_=schedules.ReduceOnPlateau "
    "+optimizer.momentum_schedule.lr=0.9": (
        "optimizer.momentum_schedule must not depend on evaluations, got ReduceOnPlateau; only "
        "the learning rate's schedule may"
    ),
    "+optimizer.tau_schedule={_target_:schedules.Constant,lr:0.5}": (
        "optimizer.tau_schedule needs an optimizer with tau; Adam has momentum, eps, weight_decay"
    ),
    "+optimizer.lr_schedule={_target_:schedules.Constant,lr:0.5}": (
        "optimizer.lr_schedule must be left out: the group 'schedule' gives the rate"
    ),
    "optimizer=sgd +optimizer.maximize_schedule={_target_:schedules.Constant,lr:0.5}": (
        "optimizer.maximize_schedule needs an optimizer with maximize; SGD has momentum, dampening,"
    ),
    "optimizer=rmsprop optimizer/momentum_schedule=one_cycle "
    "optimizer.momentum_schedule.values=[0.0,0.9,0.9]": (
        "optimizer.momentum_schedule must stay above 0 with RMSprop, got 0"
    ),
    "clipping=adaptive +clipping.eps_schedule={_target_:schedules.Constant,lr:0.5} "
    "+optimizer.eps_schedule={_target_:schedules.Constant,lr:1e-8}": (
        "clipping.eps_schedule must be null beside optimizer.eps_schedule, since both would be "
        "recorded as eps"
    ),
    "+optimizer.loss_schedule={_target_:schedules.Constant,lr:0.5}": (
        "optimizer.loss_schedule must be null, since train/loss is recorded of each run"
    ),
    "schedule=cosine warmup=linear schedule.after=error schedule.decay_steps=5": (
        "schedule.after must be 'hold' or 'continue' for steps beyond 5, the end of Cosine"
    ),
    "schedule.start=-1": "schedule.start must not be negative, got -1",
    "schedule.start=soon": "schedule.start must be steps (an int), epochs ('2ep'),",
    "optimizer.layer_decay=1.5": "optimizer.layer_decay must be a number in (0, 1], got 1.5",
    "schedule=cosine schedule.decay_steps=50% schedule.after=error": (
        "schedule.after must be 'hold' or 'continue' for steps beyond 10, the end of Cosine, "
        "got 'error' and step 19"
    ),
}


@pytest.mark.parametrize("line", MISTAKES)
def test_what_cannot_be_scheduled_is_one_line(command, folder, line: str) -> None:
    done = command(f"{QUICK} {line}")
    assert done.status == 2
    assert done.err.startswith("error: " + MISTAKES[line]), done.err
    assert done.err.count("\n") == 1
    assert not list(folder.iterdir())


def test_a_clipping_of_a_persons_own_can_be_scheduled_if_it_is_a_dataclass():
    assert clipping.with_numbers(clipping.Adaptive(), {"factor": 0.5}).factor == 0.5
    with pytest.raises(ValueError, match="limit_schedule needs a clipping with limit; object has"):
        clipping.with_numbers(object(), {"limit": 1.0})
    with pytest.raises(ValueError, match=r"^max_norm must be a number greater than 0, got 0\.0$"):
        clipping.with_numbers(clipping.Norm(1.0), {"max_norm": 0.0})


def test_layers_learn_at_shares_of_the_rate(job) -> None:
    groups = job("optimizer.layer_decay=0.5").state.optimizer.param_groups
    scales = [group["lr_scale"] for group in groups]
    assert scales == [0.0625, 0.125, 0.25, 0.5, 1.0]


def test_no_torch_is_needed(traces) -> None:
    import subprocess
    import sys

    code = "import sys, runner.build.numbers; assert not {'torch', 'mlflow'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert np.isfinite(traces("train.steps=5")["lr"]).all()
