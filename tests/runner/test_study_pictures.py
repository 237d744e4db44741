"""Pictures of studies of any size."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from runner.study import pictures
from runner.study.definition import Definition, Goal
from runner.study.pictures._columns import column, columns, ticks
from runner.study.pictures._parallel import _chosen
from runner.study.pictures._values import Values
from runner.study.rows import Row

ACCURACY, LOSS = Goal("val/accuracy", "maximize"), Goal("val/loss", "minimize")
SPACE = {
    "groups": ["schedule"],
    "entries": [
        {"key": "schedule", "spec": "choice(cosine, exponential, piecewise)"},
        {"key": "lr", "spec": "tag(log, interval(0.0001, 0.1))"},
        {"key": "batch_size", "spec": "choice(32, 64, 128)"},
        {"key": "warmup.fraction", "spec": "interval(0%, 20%)"},
        {"key": "schedule.decay_rate", "spec": "interval(0.5, 0.99)"},
        {"key": "schedule.boundaries", "spec": "ordered(2, interval(10%, 90%), step=5%)"},
        {"key": "clip", "spec": "choice(null, 1.0, 5.0)"},
    ],
}
DRAWN = ("history", "slices", "parallel")


def study_of(*goals: Goal) -> Definition:
    return Definition("schedule", SPACE, (), {}, goals or (ACCURACY,))


def trial(number: int, rng: np.random.Generator, goals: int = 1) -> Row:
    """A made-up trial of any outcome; number 0 is the baseline."""
    schedule = "exponential" if number == 0 else str(rng.choice(["cosine", "piecewise"]))
    values: dict[str, Any] = {
        "schedule": schedule,
        "lr": float(10 ** rng.uniform(-4, -1)),
        "batch_size": int(rng.choice([32, 64, 128])),
        "warmup.fraction": f"{rng.uniform(0, 20):.3f}%",
        "clip": [None, 1.0, 5.0][number % 3],
    }
    if schedule == "exponential":
        values["schedule.decay_rate"] = 0.9
    if schedule == "piecewise":
        low, high = sorted(rng.choice(np.arange(10, 95, 5), 2, replace=False).tolist())
        values["schedule.boundaries"] = [f"{low}%", f"{high}%"]
    value = float(rng.uniform(0.9, 0.98) if number % 5 else 0.3) if number else 0.95
    more: dict[str, Any] = {"objective": (value,) * goals, "state": "COMPLETE"}
    if number % 10 == 3:
        more = {"rungs": {20: 0.5}, "state": "PRUNED"}
    elif number % 10 == 4:
        more |= {"diverged": "step 3"}
    elif number % 50 == 6:
        more = {"state": "FAIL", "reason": "boom"}
    elif number % 20 == 7:
        more |= {"copy_of": 1}
    return Row(number, values=values, baseline=number == 0, **more)


def trials(count: int, goals: int = 1) -> list[Row]:
    rng = np.random.default_rng(0)
    return [trial(number, rng, goals) for number in range(count)]


def rates(rows: list[Row], steps: int = 500) -> dict[int, np.ndarray]:
    falling = 1 - np.arange(steps) / steps
    return {row.number: row.values.get("lr", 0.0) * falling for row in rows}


def draw(kind: str, rows: list[Row], study: Definition, file: Path) -> np.ndarray:
    """Write a picture, check the file, and return its pixels."""
    if kind == "traces":
        pictures.traces(rates(rows), rows, study, file)
    else:
        getattr(pictures, kind)(rows, study, file)
    assert file.stat().st_size <= 150_000
    with Image.open(file) as image:
        assert image.format == "PNG"
        assert 850 < image.width < 950
        assert 300 < image.height < 1000
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("count", [0, 1, 5, 200])
@pytest.mark.parametrize("kind", [*DRAWN, "traces"])
def test_pictures_of_any_number_of_trials_are_small_files(
    kind: str, count: int, tmp_path: Path
) -> None:
    draw(kind, trials(count), study_of(), tmp_path / "picture.png")


@pytest.mark.parametrize("kind", [*DRAWN, "traces"])
def test_a_loss_several_goals_and_values_far_off_are_drawn(kind: str, tmp_path: Path) -> None:
    draw(kind, trials(40), study_of(LOSS), tmp_path / "loss.png")
    draw(kind, trials(40, goals=2), study_of(LOSS, ACCURACY), tmp_path / "goals.png")


@pytest.mark.parametrize("kind", [*DRAWN, "traces"])
@pytest.mark.parametrize(
    "rows",
    [
        [Row(i, "COMPLETE", {"lr": 0.1}, (0.5,)) for i in range(5)],  # all equal
        [Row(i, "COMPLETE", {"lr": 0.1}, (math.nan,)) for i in range(5)],
        [Row(i, "COMPLETE", {}, (0.1 * i,)) for i in range(5)],  # nothing searched
        [Row(i, "PRUNED", {"lr": 0.1}, rungs={20: 0.5}) for i in range(5)],
        [Row(i, "COMPLETE", {"lr": 0.1}, (0.1,), diverged="step 3") for i in range(5)],
        [Row(0, "FAIL", {"lr": 0.1}), Row(1, "RUNNING"), Row(2, "WAITING")],
    ],
    ids=["equal", "nan", "no keys", "pruned", "diverged", "failed"],
)
def test_edges_are_drawn(kind: str, rows: list[Row], tmp_path: Path) -> None:
    draw(kind, rows, study_of(), tmp_path / "picture.png")


def test_values_of_every_kind_are_drawn(tmp_path: Path) -> None:
    kinds = ["word", None, True, 3, 0.5, "10%", "3ep", ["20%", "40%"], [1], "50samples", []]
    rows = [Row(i, "COMPLETE", {"odd": kind}, (0.1 * i,)) for i, kind in enumerate(kinds)]
    for kind in ("slices", "parallel"):
        draw(kind, rows, study_of(), tmp_path / f"{kind}.png")


def test_a_dollar_in_a_name_is_no_formula(tmp_path: Path) -> None:
    rows = [Row(i, "COMPLETE", {"a$^$b": f"$^{i}$"}, (0.1 * i,)) for i in range(3)]
    for kind in ("slices", "parallel"):
        draw(kind, rows, study_of(), tmp_path / f"{kind}.png")


def test_a_line_passes_below_the_values_where_a_key_does_not_exist() -> None:
    rows = [Row(i, "COMPLETE", {"x": 1.0 * i} if i else {}, (0.1 * i,)) for i in range(3)]
    [(_, [found])] = columns(rows, study_of())
    assert found.heights(np.zeros(3)) == pytest.approx([0.02, 0.12, 1.0])
    [(_, [found])] = columns(rows[1:], study_of())
    assert found.heights(np.zeros(2)) == pytest.approx([0.0, 1.0])


def test_elements_of_lists_are_columns_of_their_own_in_the_order_of_the_space() -> None:
    rows = [
        Row(0, "COMPLETE", {"extra": 1, "schedule.boundaries": ["30%", "60%"], "lr": 0.1}, (1,)),
        Row(1, "COMPLETE", {"lr": 0.01}, (1,)),
    ]
    found = columns(rows, study_of())
    assert [key for key, _ in found] == ["lr", "schedule.boundaries", "extra"]
    first, second = found[1][1]
    assert (first.label, second.label) == ("schedule.boundaries 1", "schedule.boundaries 2")
    assert (first.places[0], second.places[0], second.unit) == (30, 60, "%")
    assert math.isnan(first.places[1])


def test_values_far_on_the_worse_side_are_left_out_of_the_axis() -> None:
    rows = [Row(i, "COMPLETE", {}, (x,)) for i, x in enumerate([0.98, 0.97, 0.96, 0.95, 0.1])]
    scale = Values.of(rows, study_of())
    assert (scale.low, scale.high, scale.far) == (0.95, 0.98, True)
    assert [scale.is_far(row.objective[0]) for row in rows] == [False] * 4 + [True]
    losses = Values.of(rows, study_of(LOSS))  # 0.1 is the best now
    assert (losses.low, losses.high, losses.far) == (0.1, 0.98, False)


def test_the_baseline_does_not_decide_the_palest_colour() -> None:
    far = [Row(i, "COMPLETE", {}, (x,)) for i, x in enumerate([0.98, 0.97, 0.96, 0.95])]
    scale = Values.of([*far, Row(4, "COMPLETE", {}, (0.1,), baseline=True)], study_of())
    assert (scale.low, scale.high, scale.far, scale.pale) == (0.1, 0.98, False, 0.95)


def test_losses_over_more_than_three_decades_have_a_logarithmic_axis() -> None:
    rows = [Row(i, "COMPLETE", {}, (x,)) for i, x in enumerate([1e-14, 1e-13, 1e-9, 0.01, 35])]
    scale = Values.of(rows, study_of(LOSS))
    assert (scale.low, scale.high, scale.far, scale.log) == (1e-14, 35, False, True)
    assert not Values.of(rows[3:4], study_of(LOSS)).log
    assert not Values.of(rows, study_of(ACCURACY)).log
    assert not Values.of([Row(0, "COMPLETE", {}, (0.0,)), *rows], study_of(LOSS)).log


def test_the_lines_end_with_the_keys_that_every_trial_has() -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1, "extra": i} if i else {"lr": 0.1}, (i,)) for i in (0, 1)]
    found = [one for _, mine in columns(rows, study_of()) for one in mine]
    assert [one.label for one in _chosen(found)] == ["extra", "lr"]


def test_of_many_axes_those_of_rare_keys_are_left_out_unless_the_best_trial_has_them() -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1, f"key{i}": i}, (i,)) for i in range(6)]
    found = [one for _, mine in columns(rows, study_of()) for one in mine]
    assert [one.label for one in _chosen(found)] == ["key0", "lr"]
    assert len(_chosen(found[:6])) == 6


def test_copies_do_not_change_what_is_drawn_of_values(tmp_path: Path) -> None:
    rows = trials(6)
    copy = Row(6, "COMPLETE", rows[1].values, rows[1].objective, copy_of=1)
    one = draw("parallel", rows, study_of(), tmp_path / "one.png")
    other = draw("parallel", [*rows, copy], study_of(), tmp_path / "other.png")
    np.testing.assert_array_equal(one, other)


def test_traces_of_other_lengths_and_of_rate_0_are_drawn(tmp_path: Path) -> None:
    rows = trials(3)
    some = {0: np.zeros(10), 1: np.full(20_000, 0.1)}
    pictures.traces(some, rows, study_of(), tmp_path / "traces.png")
    pictures.traces({0: np.zeros(10)}, rows, study_of(), tmp_path / "zero.png")
    pictures.traces({}, rows, study_of(), tmp_path / "none.png")


@pytest.mark.parametrize("keys", [0, 1, 15])
def test_importance_is_drawn(keys: int, tmp_path: Path) -> None:
    found = {f"group.inner.schedule.long_key_{i}": 1 / keys for i in range(keys)}
    pictures.importance(found, tmp_path / "importance.png")
    assert (tmp_path / "importance.png").stat().st_size < 150_000


@pytest.mark.parametrize(
    ("spec", "values", "log"),
    [
        ("tag(log, interval(0.01, 0.1))", [0.01, 0.1], True),
        ("interval(0.0, 0.1)", [0.0001, 0.1], False),  # drawn evenly, also where near 0
        ("interval(0.0001, 0.1)", [0.05, 0.1], True),
        ("ordered(2, tag(log, interval(1%, 90%)))", ["1%", "5%"], True),
        ("interval(0%, 20%)", ["0.01%", "20%"], False),
    ],
)
def test_an_axis_is_log_by_the_space(spec: str, values: list[Any], log: bool) -> None:
    assert column("key", values, [spec]).log is log


def test_an_axis_without_a_space_is_log_over_more_than_two_decades() -> None:
    assert column("key", [0.001, 1], []).log
    assert not column("key", [0.01, 1], []).log
    assert not column("key", [-1, 1000], []).log


def test_few_choices_are_strips_in_order_of_their_numbers() -> None:
    found = column("key", [128, 32, 64], ["choice(128, 32, 64)"])
    assert found.categories == ("32", "64", "128")
    assert found.places.tolist() == [2, 0, 1]


@pytest.mark.parametrize(
    ("low", "high", "log", "found"),
    [
        (1e-4, 1e-1, True, [1e-4, 1e-3, 1e-2, 1e-1]),
        (2e-3, 9e-3, True, [0.002, 0.005]),
        (6e-3, 9e-3, True, [6e-3, 9e-3]),
        (1e-12, 1.0, True, [1e-12, 1e-9, 1e-6, 1e-3, 1]),
        (0.0, 20.0, False, [0, 5, 10, 15, 20]),
        (3.0, 3.0, False, [3]),
    ],
)
def test_ticks_are_few_and_round(low: float, high: float, log: bool, found: list[float]) -> None:
    assert ticks(low, high, log) == pytest.approx(found)
