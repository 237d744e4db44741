"""Pictures of studies of any size."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from runner.report import pictures
from runner.report.pictures import _figure, _history, _importance, _parallel, _slices, _traces
from runner.report.pictures._columns import column, columns, ticks
from runner.report.pictures._marks import marks
from runner.report.pictures._outcomes import Outcomes
from runner.report.pictures._parallel import _chosen
from runner.report.pictures._values import Values
from runner.results.definition import Definition, Goal
from runner.results.rows import Row

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


def draw(
    kind: str, rows: list[Row], study: Definition, file: Path, answer: int | None = None
) -> np.ndarray:
    """Write a picture, check the file, and return its pixels."""
    if kind == "traces":
        pictures.traces(rates(rows), rows, study, file, answer)
    else:
        getattr(pictures, kind)(rows, study, file, answer)
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


@pytest.mark.parametrize("keys", [1, 15])
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


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that were written."""
    written: list[Any] = []

    def save(figure: Any, file: Any) -> None:
        _figure.save(figure, file)
        written.append(figure)

    for module in (_history, _importance, _parallel, _slices, _traces):
        monkeypatch.setattr(module, "save", save)
    return written


def labels(figure: Any) -> list[str]:
    """The words of a figure's legend."""
    return [text.get_text() for text in figure.legends[0].get_texts()]


def of_values(*found: float) -> list[Row]:
    """Trials of some values; number 0 is the baseline."""
    return [Row(i, "COMPLETE", {"lr": 0.1}, (x,), baseline=i == 0) for i, x in enumerate(found)]


@pytest.mark.parametrize(
    ("found", "answer", "said"),
    [
        ((0.95, 0.97, 0.96), None, ["baseline", "best of the search (trial 1)"]),
        ((0.95, 0.97, 0.96), 1, ["baseline", "answer (trial 1)"]),
        (
            (0.95, 0.97, 0.96),
            2,
            ["baseline", "best of the search (trial 1)", "answer (trial 2)"],
        ),
        ((0.95, 0.97, 0.96), 0, ["best of the search (trial 1)", "answer: the baseline"]),
        ((0.99, 0.97, 0.96), None, ["best of the search: the baseline"]),
        ((0.99, 0.97, 0.96), 2, ["best of the search: the baseline", "answer (trial 2)"]),
    ],
)
def test_the_star_is_the_answer_and_nothing_else(
    found: tuple[float, ...], answer: int | None, said: list[str]
) -> None:
    outstanding = marks(of_values(*found), study_of(), answer)
    assert [mark.label for mark in outstanding] == said
    stars = [mark.number for mark in outstanding if mark.point["marker"] == "*"]
    assert stars == ([] if answer is None else [answer])


@pytest.mark.parametrize("kind", [*DRAWN, "traces"])
def test_every_picture_marks_the_answer(kind: str, figures: list[Any], tmp_path: Path) -> None:
    rows = of_values(0.95, 0.97, 0.96, 0.94)
    draw(kind, rows, study_of(), tmp_path / "picture.png", answer=2)
    assert {"baseline", "best of the search (trial 1)", "answer (trial 2)"} <= {*labels(figures[0])}
    draw(kind, rows, study_of(), tmp_path / "picture.png", answer=0)
    assert "answer: the baseline" in labels(figures[1])
    assert "baseline" not in labels(figures[1])


@pytest.mark.parametrize("kind", ["history", "slices"])
def test_a_legend_names_only_what_is_there(kind: str, figures: list[Any], tmp_path: Path) -> None:
    one = [Row(3, "COMPLETE", {"lr": 0.1}, (0.5,))]
    draw(kind, one, study_of(), tmp_path / "picture.png")
    assert {*labels(figures[0])} - {"best so far"} == {"best of the search (trial 3)"}


def test_a_baseline_without_a_value_is_the_answer_beside_what_became_of_it(
    figures: list[Any], tmp_path: Path
) -> None:
    rows = [Row(0, "PRUNED", {"lr": 0.1}, baseline=True), *of_values(0.9, 0.95, 0.96)[1:]]
    draw("history", rows, study_of(), tmp_path / "picture.png", answer=0)
    assert "answer: the baseline" in labels(figures[0])


@pytest.mark.parametrize("kind", [*DRAWN, "traces"])
@pytest.mark.parametrize("count", [1, 24, 200])
def test_text_is_large_and_the_legend_covers_nothing(
    kind: str, count: int, figures: list[Any], tmp_path: Path
) -> None:
    draw(kind, trials(count), study_of(), tmp_path / "picture.png")
    [figure] = figures
    texts = [text for text in figure.findobj(Text) if text.get_text().strip()]
    assert min(text.get_fontsize() for text in texts) >= 8
    top = figure.legends[0].get_window_extent().y1
    assert all(axes.get_tightbbox().y0 >= top - 1 for axes in figure.axes)


def test_what_the_axis_has_room_for_is_on_it() -> None:
    scale = Values.of(of_values(0.96, 0.98, 0.97, 0.921, 0.919), study_of())
    assert (scale.low, scale.far) == (0.919, False)  # reach 0.06, but the axis ends at 0.9175


def test_the_answer_is_on_the_axis() -> None:
    rows = [Row(i, "COMPLETE", {}, (x,)) for i, x in enumerate([0.98, 0.97, 0.1])]
    assert Values.of(rows, study_of()).low == 0.97
    assert Values.of(rows, study_of(), answer=2).low == 0.1


@pytest.mark.parametrize("goal", [ACCURACY, LOSS])
def test_only_what_lies_beyond_the_axis_is_in_the_strip_of_the_history(
    goal: Goal, figures: list[Any], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    for i in range(6):
        rows = of_values(*rng.exponential(0.3, 30))
        draw("history", rows, study_of(goal), tmp_path / "picture.png")
        plot, *strips = figures[i].axes
        low, high = plot.get_ylim()
        scaled = [row.objective[0] * (100 if goal is ACCURACY else 1) for row in rows]
        beyond = [number for number, value in enumerate(scaled) if not low <= value <= high]
        found = strips[0].collections[0].get_offsets()[:, 0].tolist() if strips else []
        assert found == beyond


def test_values_beyond_the_axis_are_in_a_strip_of_their_own(
    figures: list[Any], tmp_path: Path
) -> None:
    draw("slices", of_values(0.95, 0.98, 0.97, 0.96, 0.1), study_of(), tmp_path / "picture.png")
    [axes] = figures[0].axes
    heights = axes.collections[0].get_offsets()[:, 1]
    edge = 95 - 0.06 * 3
    assert heights.tolist() == pytest.approx([97, 96, edge - 0.07 * (3 + 0.36)])
    assert [text.get_text() for text in axes.get_yticklabels()][-1] == "beyond ↓"
    assert axes.get_yticks()[:-1].min() >= edge


def test_slices_say_their_units_and_which_are_logarithmic(
    figures: list[Any], tmp_path: Path
) -> None:
    draw("slices", trials(24), study_of(), tmp_path / "picture.png")
    titles = [axes.get_title() for axes in figures[0].axes]
    assert titles[:4] == ["schedule", "lr (log)", "batch_size", "warmup.fraction (%)"]
    note = figures[0].legends[0].get_title().get_text()
    assert "points are spread sideways around a category" in note
    assert not any(label.get_rotation() for a in figures[0].axes for label in a.get_xticklabels())
    colours = {
        text: tuple(mark.get_facecolor()[0])
        for text, mark in zip(labels(figures[0]), figures[0].legends[0].legend_handles, strict=True)
    }
    assert len({*colours.values()}) == len(colours)


def test_long_categories_have_wide_plots() -> None:
    words = [f"a_long_word_{i}" for i in range(6)]
    assert _slices._span(column("key", words, []), 3) == 3
    assert _slices._span(column("key", ["32", "64"], []), 3) == 1


@pytest.mark.parametrize(
    ("goal", "beyond", "heights"),
    [(ACCURACY, 0.02, [1, 0.56, 0.12]), (LOSS, 0.98, [0, 0.44, 0.88])],
)
def test_lines_end_as_far_as_colours_reach_or_beyond(
    goal: Goal, beyond: float, heights: list[float]
) -> None:
    """The worst trial, the baseline, has the palest colour but a place of its own."""
    sign = 1 if goal is ACCURACY else -1
    rows = [
        Row(i, "COMPLETE", {}, (x,), baseline=i == 3)
        for i, x in enumerate([0.5, 0.5 - sign * 0.1, 0.5 - sign * 0.2, 0.5 - sign * 0.5])
    ]
    values = Values.of(rows, study_of(goal))
    low, high = sorted([0.5, 0.5 - sign * 0.2])
    assert values.coloured == pytest.approx((low * values.factor, high * values.factor))
    assert Outcomes(rows, values).heights() == pytest.approx([*heights, beyond])
    assert (values.colours.norm.vmin, values.colours.norm.vmax) == values.coloured


def test_parallel_says_how_it_is_to_be_read(figures: list[Any], tmp_path: Path) -> None:
    draw("parallel", trials(24), study_of(), tmp_path / "picture.png")
    note = " ".join(figures[0].legends[0].get_title().get_text().split())
    assert "keys that only some trials have, then the others, each in the order of" in note
    assert "-: the trial does not have the key" in note
    assert "lines are spread around a category" in note


def test_rates_of_what_matters_are_on_the_axes_and_others_are_counted(
    figures: list[Any], tmp_path: Path
) -> None:
    found = [1e-3, 1.0, 2.0, 3.0, 2.5, 1e4, 1e6]
    rows = [
        Row(i, "COMPLETE", {"lr": lr}, (0.9 - 0.01 * i,), baseline=i == 0)
        for i, lr in enumerate(found)
    ]
    draw("traces", rows, study_of(), tmp_path / "picture.png", answer=3)
    for axes in figures[0].axes[:2]:
        low, high = axes.get_ylim()
        assert low <= 1e-3 <= high
        assert 3.0 < high < 10
        assert axes.get_title(loc="right") == "2 traces beyond the axis"


def test_of_many_traces_the_best_are_coloured_and_on_top(
    figures: list[Any], tmp_path: Path
) -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1 + i / 1000}, (i / 1000,)) for i in range(200)]
    draw("traces", rows, study_of(), tmp_path / "picture.png")
    lines = figures[0].axes[0].lines
    rest = [line for line in lines if line.get_color() == _traces._WORSE]
    assert (len(lines), len(rest)) == (200, 180)
    top = [line for line in lines if line not in rest]
    assert min(line.get_zorder() for line in top) > max(line.get_zorder() for line in rest)
    assert min(line.get_linewidth() for line in top) > max(line.get_linewidth() for line in rest)
    assert "the best 20 coloured by val accuracy" in figures[0].get_suptitle()


def test_where_nothing_can_be_told_there_is_no_picture_of_importance(tmp_path: Path) -> None:
    file = tmp_path / "importance.png"
    pictures.importance({"lr": 1.0}, file)
    assert file.exists()
    pictures.importance({}, file)
    pictures.importance({}, file)
    assert not file.exists()
