"""A composed configuration becomes typed, checked settings."""

import pytest
import yaml
from omegaconf import OmegaConf

from runner import config
from runner.config.composer import compose
from runner.config.reading import read
from runner.config.settings import Settings
from runner.config.study import read_study


def settings(*overrides: str) -> Settings:
    config = compose(list(overrides))
    return read(config, config.hydra)


def test_the_defaults_are_five_epochs_at_a_rate_of_1e_3() -> None:
    found = settings()
    assert (found.lr, found.train.epochs, found.train.steps) == (1e-3, 5, None)
    assert found.schedule["lr"] == 1e-3
    assert found.choices["schedule"] == "exponential"


def test_steps_alone_leave_no_epochs() -> None:
    train = settings("train.steps=10").train
    assert (train.steps, train.epochs) == (10, None)


def test_values_of_a_schedule_leave_no_rate() -> None:
    found = settings("schedule=piecewise", "schedule.values=[1,0.5,0.1,0.01]")
    assert found.lr is None
    assert found.schedule["lr"] is None


def test_a_rate_may_be_a_whole_number() -> None:
    assert settings("lr=1").lr == 1.0


def test_an_experiment_can_be_overridden() -> None:
    found = settings("+experiment=quadratic_decay", "train.steps=7", "schedule=cosine")
    assert (found.train.steps, found.choices["schedule"], found.lr) == (7, "cosine", 0.1)


def test_the_yaml_text_gives_the_same_values_again() -> None:
    found = settings("schedule=cosine", "warmup=linear", "seed=3")
    assert yaml.safe_load(found.yaml()) == found.resolved()


OLD_NAMES = """
model: {_target_: runner.models.MLP, hidden: [8]}
dataset: {_target_: runner.datasets.none}
schedule:
  _target_: schedules.Join
  schedules:
    - {_target_: schedules.Constant, lr: 0.1}
  boundaries: []
clipping: {_target_: runner.clipping.global_norm, max_norm: 1.0}
"""


def test_targets_of_earlier_versions_are_read_by_todays_names() -> None:
    config = compose(["schedule=join"])
    OmegaConf.set_struct(config, False)
    config.merge_with(OmegaConf.create(OLD_NAMES))
    config.schedule.schedules[0] = {"_target_": "runner.models.MLP", "inner": "${model}"}
    found = read(config, config.hydra)
    assert found.model["_target_"] == "runner.training.models.MLP"
    assert found.dataset["_target_"] == "runner.training.datasets.none"
    assert found.clipping["_target_"] == "runner.training.clipping.global_norm"
    nested = found.schedule["schedules"][0]
    assert nested["_target_"] == nested["inner"]["_target_"] == "runner.training.models.MLP"
    assert "runner.models" not in found.yaml()


def test_a_value_of_the_command_line_too() -> None:
    found = settings("model._target_=runner.models.MLP")
    assert found.model["_target_"] == "runner.training.models.MLP"


@pytest.mark.parametrize("part", ["sampler", "pruner"])
def test_a_study_is_read_by_todays_names(part: str) -> None:
    word = f"study.{part}._target_=runner.study.samplers.Grid"
    config = compose([word if part == "sampler" else f"+{word}"])
    assert getattr(read_study(config), part)["_target_"] == "runner.study.plan.samplers.Grid"


@pytest.mark.parametrize("key", ["train.steps", "train.batch_size", "threads", "train.eval_every"])
def test_a_whole_float_is_a_whole_number(key: str) -> None:
    found = settings(f"{key}=1e3").resolved()
    value = found["train"][key.removeprefix("train.")] if "." in key else found[key]
    assert (value, type(value)) == (1000, int)


def test_so_it_is_for_a_study_and_for_arguments() -> None:
    study = read_study(compose(["study=schedule", "study.trials=2e1"]))
    assert (study.trials, type(study.trials)) == (20, int)
    spec = settings("schedule=cosine", "schedule.decay_steps=2e1").schedule
    schedule = config.build("schedule", spec)
    assert (schedule.decay_steps, type(schedule.decay_steps)) == (20, int)
    spec = settings("schedule=piecewise", "schedule.boundaries=[1e1,20,3e1]").schedule
    assert config.build("schedule", spec).boundaries == (10, 20, 30)
