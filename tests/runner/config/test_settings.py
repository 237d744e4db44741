"""Composing, expanding and reading configurations, one function at a time."""

import shlex
from pathlib import Path

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from runner.config import build, compose, expand, partial, read
from runner.config.compose import group_options, split
from runner.config.kinds import check_kinds
from runner.config.text import to_yaml
from runner.errors import Mistake, nearest, redact
from runner.provenance import command, name

PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="$"))  # no interpolations
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | PLAIN


def settings(*overrides: str):
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
    import yaml

    found = settings("schedule=cosine", "warmup=linear", "seed=3")
    assert yaml.safe_load(found.yaml()) == found.resolved()


def test_composing_inside_a_running_hydra_leaves_it_alone(tmp_path: Path) -> None:
    running = GlobalHydra.instance()
    running.hydra = sentinel = object()
    try:
        assert compose(["seed=4"]).seed == 4
        assert GlobalHydra.instance().hydra is sentinel
    finally:
        GlobalHydra.instance().hydra = None


def test_a_grid_varies_the_last_key_fastest() -> None:
    assert expand(["lr=0.1,0.2", "model=mlp", "seed=range(0,2)"]) == [
        ["lr=0.1", "model=mlp", "seed=0"],
        ["lr=0.1", "model=mlp", "seed=1"],
        ["lr=0.2", "model=mlp", "seed=0"],
        ["lr=0.2", "model=mlp", "seed=1"],
    ]


def test_a_key_given_twice_counts_as_given_last() -> None:
    assert expand(["seed=0,1", "lr=0.1", "seed=5"]) == [["seed=5", "lr=0.1"]]


def test_lists_and_quoted_text_are_values_of_a_grid() -> None:
    jobs = expand(["schedule.boundaries=[20%,60%],[30%,70%]", "tracking.run_name='a,b'"])
    assert [job[0] for job in jobs] == [
        "schedule.boundaries=[20%,60%]",
        "schedule.boundaries=[30%,70%]",
    ]
    assert jobs[0][1] == "tracking.run_name='a,b'"


def test_an_interval_is_no_grid() -> None:
    with pytest.raises(Mistake, match=r"^lr must list its values in a grid .*, got interval\(0,1"):
        expand(["lr=interval(0,1)"])


def test_flags_are_told_from_overrides() -> None:
    assert split(["-m", "lr=1", "--config-dir=mine", "seed=0,1"]) == (["lr=1", "seed=0,1"], "mine")


def test_own_options_stand_beside_ours(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "tiny.yaml").write_text("_target_: mine.Tiny\n")
    assert group_options(str(tmp_path))["model"] == sorted([*group_options()["model"], "tiny"])
    assert compose(["model=tiny"], str(tmp_path)).model._target_ == "mine.Tiny"


def test_a_target_that_complains_names_its_key() -> None:
    with pytest.raises(Mistake, match=r"^schedule\.decay_rate must lie in \(0, 1\], got 2$"):
        build("schedule", {"_target_": "schedules.Exponential", "lr": 0.1, "decay_rate": 2})


def test_a_misspelt_argument_names_the_nearest() -> None:
    spec = {"_target_": "schedules.Exponential", "lr": 0.1, "decay_rat": 0.5}
    with pytest.raises(Mistake, match=r"decay_rat is not .* \(did you mean 'decay_rate'\?\)"):
        build("schedule", spec)


def test_a_target_knows_what_it_accepts() -> None:
    model = partial("model", {"_target_": "runner.training.models.MLP", "hidden": [8]})
    assert model.accepts("classes")
    assert not model.accepts("width")
    assert model(input_shape=(4,), classes=2).dense1.weight.shape == (8, 4)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("count", 1.5, "must be a whole number, got 1.5"),
        ("count", True, "must be a whole number, got True"),
        ("count", None, "must be a whole number, got None"),
        ("share", "half", "must be a number, got 'half'"),
        ("share", False, "must be a number, got False"),
        ("flag", 1, "must be true or false, got 1"),
        ("pair", [1.0], r"must be a list of 2, got \[1.0\]"),
        ("pair", 0.9, "must be a list of 2, got 0.9"),
        ("maybe", "x", "must be a whole number, got 'x'"),
    ],
)
def test_a_value_is_held_against_the_annotation(name: str, value: object, words: str) -> None:
    with pytest.raises(Mistake, match=rf"^key\.{name} {words}$"):
        check_kinds("key", _annotated, {name: value})


def test_what_fits_the_annotation_or_has_none_passes() -> None:
    spec = {"count": 3, "share": 1, "flag": True, "pair": [0, 0.5], "maybe": None, "loose": "x"}
    assert check_kinds("key", _annotated, spec | {"duration": "2ep", "none": object()}) is None


def _annotated(
    count: int,
    share: float,
    flag: bool,
    pair: tuple[float | torch.Tensor, float],
    maybe: int | None,
    duration: int | str,
    loose,
) -> None: ...


def test_the_command_passes_on_what_was_typed_and_the_threads() -> None:
    found = settings("seed=1", "tracking.run_name=mine", "threads=3", "train.eval_every='10%'")
    assert command(found) == "python -m runner seed=1 \"train.eval_every='10%'\" threads=3"
    found = settings("schedule=expression", "schedule.expression='\"\"'")
    assert command(found).endswith(shlex.quote("schedule.expression='\"\"'"))


def test_a_name_holds_options_bare_and_values_with_their_key() -> None:
    words = ["schedule=cosine", "lr=0.1", "tracking=off", "device=cpu", "threads=1", "~model.foo"]
    assert name(words, "run") == "cosine lr=0.1"
    assert name(["threads=1"], "run") == "run"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://me:secret@host", "http://me:***@host"),
        ("http://me:se/cret@host", "http://me:***@host"),
        ("http://:secret@host", "http://:***@host"),
        ("postgresql+psycopg://me:secret@host/db", "postgresql+psycopg://me:***@host/db"),
        ("mysql://host/db?password=secret&ssl=1", "mysql://host/db?password=***&ssl=1"),
        ("http://host:5000/a@b", "http://host:5000/a@b"),
        ("a and b@c", "a and b@c"),
    ],
)
def test_passwords_are_hidden(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_the_nearest_name_may_lie_in_another_group() -> None:
    assert nearest("batch_size", ["train.batch_size", "seed"]) == (
        " (did you mean 'train.batch_size'?)"
    )


@pytest.mark.parametrize(
    "group", ["schedule", "model", "dataset", "optimizer", "clipping", "warmup"]
)
def test_a_configuration_as_text_is_what_omegaconf_writes(group: str) -> None:
    for option in group_options()[group]:
        values = OmegaConf.to_container(compose([f"{group}={option}"]), resolve=False)
        del values["hydra"]
        assert to_yaml(values) == OmegaConf.to_yaml(OmegaConf.create(values))


@given(st.recursive(SCALARS, lambda x: st.lists(x) | st.dictionaries(PLAIN, x)))
def test_values_as_text_are_read_back_as_they_were(value: object) -> None:
    assert OmegaConf.to_container(OmegaConf.create(to_yaml({"key": value}))) == {"key": value}
