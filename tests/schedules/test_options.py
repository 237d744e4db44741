"""The configuration's options: every argument stands in its file, and the defaults work."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

import schedules
from schedules import Constant, Cosine, Horizon, PiecewiseConstant, Warmup

CONF = Path(__file__).parents[2] / "conf"
OPTIONS = sorted((CONF / "schedule").glob("*.yaml"))
WARMUPS = sorted((CONF / "warmup").glob("*.yaml"))


def build(path, **overrides):
    """The schedule of an option's file, with lists as the configuration's own list type."""
    config = OmegaConf.merge({"lr": 0.1}, {"node": OmegaConf.load(path)})
    node = {str(key): config.node[key] for key in config.node} | overrides
    kind = getattr(schedules, str(node.pop("_target_")).removeprefix("schedules."))
    return kind(**node)


def test_every_family_has_an_option():
    assert [path.stem for path in OPTIONS] == [
        "constant",
        "cosine",
        "cosine_restarts",
        "exponential",
        "piecewise",
        "plateau",
        "polynomial",
    ]
    assert [path.stem for path in WARMUPS] == ["linear", "none"]


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
    assert OmegaConf.to_container(OmegaConf.load(path))["lr"] == "${lr}"


@pytest.mark.parametrize("path", OPTIONS, ids=lambda path: path.stem)
@pytest.mark.parametrize("steps", [20, 300, 100_000])
def test_the_defaults_work_at_any_length_and_peak_at_lr(path, steps):
    horizon = Horizon(steps, max(1, steps // 10))
    for schedule in (build(path), build(WARMUPS[0], schedule=build(path))):
        bound = schedule.bind(horizon)
        trace = bound.rates(bound.begin(), np.arange(steps))
        assert np.isfinite(trace).all()
        assert trace.max() == 0.1


def test_a_list_of_the_configuration_becomes_a_tuple():
    schedule = build(CONF / "schedule" / "piecewise.yaml")
    assert schedule == PiecewiseConstant(lr=0.1)
    assert schedule.boundaries == ("30%", "60%", "90%")


def test_the_warm_up_s_option():
    warmup = build(CONF / "warmup" / "linear.yaml", schedule=Cosine(lr=0.1))
    assert warmup == Warmup(schedule=Cosine(lr=0.1), fraction=0.1)
    assert sorted(map(str, OmegaConf.load(WARMUPS[0]))) == sorted(
        {"_target_"} | {field.name for field in fields(Warmup)} - {"schedule"}
    )
    assert OmegaConf.load(WARMUPS[1]) == {"_target_": None}


def test_an_option_needs_its_rate():
    with pytest.raises(TypeError, match=r"^lr must be a number, got None$"):
        build(CONF / "schedule" / "constant.yaml", lr=None)
    assert build(CONF / "schedule" / "constant.yaml", lr=0.3) == Constant(lr=0.3)
