"""The configuration's options: every argument stands in its file, and the defaults work."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from families import FAMILIES
from omegaconf import OmegaConf

import schedules
from schedules import (
    Clamp,
    Constant,
    Cosine,
    Horizon,
    Join,
    PiecewiseConstant,
    Polynomial,
    Product,
    Repeat,
    Step,
    Warmup,
)

CONF = Path(__file__).parents[2] / "conf"
OPTIONS = sorted((CONF / "schedule").glob("*.yaml"))
WARMUPS = sorted((CONF / "warmup").glob("*.yaml"))
RAMPS = [path for path in WARMUPS if path.stem != "none"]
WITHOUT_NOISE = {"noisy_linear_cosine": {"initial_variance": 0.0}}
PEAKS = {"tanh": pytest.approx(0.1, rel=1e-5)}  # it begins at lr * (1 - tanh(-6)) / 2
BLOCKS = {"Offset"}  # every option has it as `start`
RISING = {"cyclic", "interpolation", "noam", "one_cycle", "wsd"}


def build(path, **overrides):
    """The schedule of an option's file, with lists as the configuration's own list type."""
    config = OmegaConf.merge({"lr": 0.1}, {"node": OmegaConf.load(path)})
    return built(config.node, **overrides)


def built(node, **overrides):
    """Of a mapping with a _target_ the object, the schedules within it first."""
    if OmegaConf.is_list(node) and node and OmegaConf.is_dict(node[0]):
        return [built(part) for part in node]
    if not (OmegaConf.is_dict(node) and "_target_" in node):
        return node
    arguments = {str(key): built(node[key]) for key in node} | overrides
    if "mode" in arguments and arguments["mode"] is None:  # the runner asks the metric
        del arguments["mode"]
    return kind_of(arguments.pop("_target_"))(**arguments)


def kind_of(target):
    return getattr(schedules, str(target).removeprefix("schedules."))


def test_every_family_has_an_option():
    targets = {kind_of(OmegaConf.load(path)["_target_"]) for path in OPTIONS}
    assert {kind.__name__ for kind in set(FAMILIES) - targets - {Warmup}} == BLOCKS
    assert [path.stem for path in WARMUPS] == [
        "constant",
        "cosine",
        "exponential",
        "linear",
        "none",
        "sqrt",
    ]


@pytest.mark.parametrize("path", OPTIONS + WARMUPS, ids=lambda path: path.stem)
def test_a_file_is_short_and_says_how_to_use_it(path):
    lines = path.read_text().splitlines()
    assert len(lines) < 20
    assert lines[0].startswith(f"# {path.parent.name}={path.stem}")
    keys = [line for line in lines if not line.startswith(("#", "_target_"))]
    assert all(" # " in line for line in keys)
    assert max(map(len, lines)) <= 110


@pytest.mark.parametrize("path", OPTIONS, ids=lambda path: path.stem)
def test_every_argument_stands_in_the_file(path):
    schedule = build(path)
    keys = list(OmegaConf.load(path))[1:]
    assert sorted(map(str, keys)) == sorted(field.name for field in fields(schedule))
    shapes = {1.0} if path.stem == "product" else set()
    assert set(rates_named_lr(OmegaConf.to_container(OmegaConf.load(path)))) <= {"${lr}"} | shapes
    assert "${lr}" in path.read_text()


def rates_named_lr(node):
    """Every value under a key `lr`, within other schedules too."""
    parts = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in parts:
        if isinstance(value, (dict, list)):
            yield from rates_named_lr(value)
        elif key == "lr":
            yield value


@pytest.mark.parametrize("path", OPTIONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("steps", [20, 300, 100_000])
def test_the_defaults_work_at_any_length_and_peak_at_lr(path, steps):
    horizon = Horizon(steps, max(1, steps // 10))
    plain = build(path, **WITHOUT_NOISE.get(path.stem, {}))
    warmed = [build(ramp, schedule=plain) for ramp in RAMPS]
    for schedule in (plain, *warmed):
        bound = schedule.bind(horizon)
        trace = bound.rates(bound.begin(), np.arange(steps))
        assert np.isfinite(trace).all()
        assert trace.max() == PEAKS.get(path.stem, 0.1)


def test_a_list_of_the_configuration_becomes_a_tuple():
    schedule = build(CONF / "schedule" / "piecewise.yaml")
    assert schedule == PiecewiseConstant(lr=0.1)
    assert schedule.boundaries == ("30%", "60%", "90%")


@pytest.mark.parametrize("path", RAMPS, ids=lambda path: path.stem)
def test_a_warm_up_s_option(path):
    cosine = Cosine(lr=0.1)
    start_factor = {"exponential": 0.01, "constant": 0.1}.get(path.stem)
    expected = Warmup(schedule=cosine, shape=path.stem, start_factor=start_factor)
    assert build(path, schedule=cosine) == expected
    started = build(path, schedule=cosine, start=0.05, start_factor=None)
    assert started.bind(Horizon(100, 10))(0) == 0.05
    assert sorted(map(str, OmegaConf.load(path))) == sorted(
        {"_target_"} | {field.name for field in fields(Warmup)} - {"schedule"}
    )


def test_no_warm_up_is_an_option():
    assert OmegaConf.load(CONF / "warmup" / "none.yaml") == {"_target_": None}


def test_schedules_of_other_schedules_are_mappings_of_their_own():
    join = build(CONF / "schedule" / "join.yaml")
    assert join == Join(schedules=(Constant(lr=0.1), Cosine(lr=0.1)))
    repeat = build(CONF / "schedule" / "repeat.yaml")
    assert repeat == Repeat(schedule=Polynomial(lr=0.1))


@pytest.mark.parametrize("path", OPTIONS, ids=lambda path: path.stem)
def test_what_rises_by_itself_says_that_it_needs_no_warm_up(path):
    if path.stem == "torch":  # any scheduler
        return
    bound = build(path, **WITHOUT_NOISE.get(path.stem, {})).bind(Horizon(1000, 100))
    trace = bound.rates(bound.begin(), np.arange(1000))
    rises = trace[0] < 0.9 * trace.max()
    assert rises == (path.stem in RISING)
    assert ("\n# rises by itself: use warmup=none\n" in path.read_text()) == rises


@pytest.mark.parametrize("path", OPTIONS, ids=lambda path: path.stem)
def test_the_lowest_rate_may_be_a_share_of_lr(path):
    names = {"floor", "end"} & {str(key) for key in OmegaConf.load(path)}
    if not names or path.stem == "clamp":  # a clamp has no lr of its own
        return
    (name,) = names
    assert "or a share of lr (10%)" in path.read_text()
    for lr in (0.3, 3e-4):
        schedule = build(path, lr=lr, **{name: "10%"})
        assert getattr(schedule, name) == pytest.approx(lr / 10, rel=1e-15)
        assert schedule == build(path, lr=lr, **{name: getattr(schedule, name)})


def test_blocks_take_any_schedule():
    horizon = Horizon(100, 10)
    product = build(CONF / "schedule" / "product.yaml")
    assert product == Product(schedules=(Cosine(lr=0.1), Step(lr=1.0)))
    # half of the cosine at step 50, behind one stair
    assert product.bind(horizon)(50) == pytest.approx(0.05 * 0.1, rel=1e-12)
    assert build(CONF / "schedule" / "clamp.yaml") == Clamp(schedule=Cosine(lr=0.1))
    scale = build(CONF / "schedule" / "scale.yaml", factor=0.5)
    assert scale.bind(horizon)(0) == 0.05


def test_an_option_needs_its_rate():
    with pytest.raises(TypeError, match=r"^lr must be a number, got None$"):
        build(CONF / "schedule" / "constant.yaml", lr=None)
    assert build(CONF / "schedule" / "constant.yaml", lr=0.3) == Constant(lr=0.3)
