"""The values of each trial as a line."""

import numpy as np
import pytest

from runner.report.pictures.figure import figure
from runner.report.pictures.parallel import chosen, parallel
from runner.results.rows import Row

DARK, MIDDLE, PALE = "#440154", "#297b8e", "#d2e21b"


def last_heights(picture) -> dict[int, float]:
    return {line.number: line.y[-1] for line in picture.panels[0].lines}


def test_a_line_goes_through_the_values_to_the_outcome(of_values) -> None:
    data = parallel(of_values(0.8, 0.9, 0.85))  # lr 0.1, 0.05, 0.025
    lines = data.panels[0].lines
    assert [(line.number, line.label) for line in lines if line.kind != "pale"] == [
        (0, ""),
        (2, ""),
        (1, ""),
        (0, "baseline"),
        (1, "best of the search (trial 1)"),
    ]
    assert {line.number: line.y.tolist() for line in lines} == {
        0: pytest.approx([1.0, 0.0]),
        1: pytest.approx([0.5, 1.0]),
        2: pytest.approx([0.0, 0.5]),
    }
    [axes] = figure(data).axes
    assert axes.get_xticks().tolist() == [0, 1]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["lr (log)", "val accuracy (%)"]
    best = next(line for line in axes.lines if line.get_label().startswith("best"))
    assert best.get_xdata().tolist() == [0, 1]
    assert best.get_ydata().tolist() == pytest.approx([0.5, 1.0])
    assert [line.get_color() for line in axes.lines[:6:2]] == [PALE, MIDDLE, DARK]
    assert {tuple(line.get_xdata()) for line in axes.lines[:8]} == {(0, 1)}
    assert [(text.get_text(), text.xy[1]) for text in axes.texts] == [
        ("0.05", 0.5),
        ("0.1", 1.0),
        *(("80", 0.0), ("82.5", 0.25), ("85", 0.5), ("87.5", 0.75), ("90", 1.0)),
    ]


@pytest.mark.parametrize("count", [3, 200])
def test_every_trial_with_a_value_has_a_line(of_any_outcome, count: int) -> None:
    trials = of_any_outcome(count)
    [axes] = figure(parallel(trials)).axes
    through = [line for line in axes.lines if len(line.get_xdata()) > 2]
    marked = [line for line in through if not line.get_label().startswith("_")]
    assert len(through) == 2 * len(trials.counted) + len(marked)
    assert len(marked) == 2 if count > 3 else 1


def test_lines_are_pale_towards_a_key_that_a_trial_does_not_have(study) -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1, "x": i} if i else {"lr": 0.1}, (i,)) for i in (2, 1, 0)]
    [axes] = figure(parallel(study(rows))).axes
    pale, whole = axes.lines[:2]  # the worst trial is the lowest
    assert pale.get_ydata()[0] == pytest.approx(0.02)
    assert np.isnan(whole.get_ydata()).tolist() == [True, False, False]
    assert pale.get_alpha() < 1
    dash = next(text for text in axes.texts if text.get_text() == "-")
    assert dash.xy == (0, 0.02)


@pytest.mark.parametrize(
    ("goal", "beyond", "heights", "ends"),
    [
        ("val/accuracy", 0.02, [1, 0.56, 0.12], (0.12, 1.0)),
        ("val/loss", 0.98, [0, 0.44, 0.88], (0.0, 0.88)),
    ],
)
def test_lines_end_as_far_as_colours_reach_or_beyond(
    of_values, goal: str, beyond: float, heights: list[float], ends: tuple[float, float]
) -> None:
    """The worst trial, the baseline, has the palest colour but a place of its own."""
    sign = 1 if goal == "val/accuracy" else -1
    data = parallel(of_values(*(0.5 - sign * x for x in (0.5, 0.0, 0.1, 0.2)), goal=goal))
    last = last_heights(data)
    assert [last[i] for i in (1, 2, 3, 0)] == pytest.approx([*heights, beyond])
    [axes] = figure(data).axes
    [strip] = axes.images
    assert strip.get_extent()[2:] == list(ends)
    assert strip.get_array()[:, 0].shape == (10, 3)
    darkest = strip.get_array()[-1 if goal == "val/accuracy" else 0, 0] * 255
    assert darkest.tolist() == pytest.approx([0x44, 0x01, 0x54])


def test_the_lines_end_with_the_keys_that_every_trial_has(study) -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1, "extra": i} if i else {"lr": 0.1}, (i,)) for i in (0, 1)]
    assert [*parallel(study(rows)).panels[0].x.ticks.values()][:-1] == ["extra", "lr (log)"]


def test_of_many_axes_those_of_rare_keys_are_left_out_unless_the_best_trial_has_them(study) -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1, f"key{i}": i}, (1 - i,)) for i in range(6)]
    data = parallel(study(rows))
    assert [*data.panels[0].x.ticks.values()][:-1] == ["key0", "lr (log)"]
    assert data.remarks[-1] == "5 axes of rare keys not drawn"
    found = [one for mine in study(rows).columns.values() for one in mine]
    assert len(chosen(found[:6])) == 6


def test_copies_do_not_change_what_is_drawn(study, of_any_outcome) -> None:
    rows = list(of_any_outcome(6).rows)
    copy = Row(6, "COMPLETE", rows[1].values, rows[1].objective, copy_of=1)
    one, other = (parallel(study(some)) for some in (rows, [*rows, copy]))
    assert last_heights(one) == last_heights(other)
    assert 6 not in last_heights(other)


def test_it_says_how_it_is_to_be_read(of_any_outcome) -> None:
    found = figure(parallel(of_any_outcome(24)))
    note = " ".join(found.legends[0].get_title().get_text().split())
    assert "keys that only some trials have, then the others, each in the order of" in note
    assert "-: the trial does not have the key" in note
    assert "lines are spread around a category" in note
