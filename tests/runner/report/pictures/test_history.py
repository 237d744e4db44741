"""Each trial's value by its number."""

import pytest

from runner.report.pictures.figure import figure
from runner.report.pictures.history import history
from runner.results.rows import Row


def lines(axes) -> dict[str, list[list[float]]]:
    return {
        line.get_label(): [list(line.get_xdata()), list(line.get_ydata())] for line in axes.lines
    }


def test_values_stand_at_their_numbers_with_the_best_so_far(of_values, places, words) -> None:
    found = figure(history(of_values(0.95, 0.97, 0.96, 0.94, answer=2)))
    [axes] = found.axes
    assert places(axes) == {
        "trial": [[3, 94]],
        "baseline": [[0, 95]],
        "best of the search (trial 1)": [[1, 97]],
        "answer (trial 2)": [[2, 96]],
    }
    assert lines(axes) == {
        "best so far": [[0, 1, 2, 3, 3.5], [95, 97, 97, 97, 97]],
        "value of the baseline": [[0, 3.5], [95, 95]],
    }
    assert {line.get_label(): line.get_drawstyle() for line in axes.lines} == {
        "best so far": "steps-post",
        "value of the baseline": "default",
    }
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("trial", "val accuracy (%)")
    assert axes.get_ylim() == pytest.approx((94 - 0.06 * 3, 97 + 0.06 * 3))
    assert found.get_suptitle() == "val accuracy of each trial"
    assert words(found) == [*places(axes), *lines(axes)]


def test_a_loss_is_better_when_it_is_lower(of_values) -> None:
    found = figure(history(of_values(0.5, 0.4, 0.6, goal="val/loss")))
    assert lines(found.axes[0])["best so far"] == [[0, 1, 2, 2.5], [0.5, 0.4, 0.4, 0.4]]
    assert found.axes[0].get_ylabel() == "val loss, lower is better"


def test_losses_over_decades_have_a_logarithmic_axis(of_values) -> None:
    found = figure(history(of_values(1.0, 1e-4, goal="val/loss")))
    assert found.axes[0].get_yscale() == "log"
    assert found.axes[0].get_ylim() == pytest.approx((1e-4 / 1e4**0.06, 1e4**0.06))


def test_trials_without_a_value_are_in_a_strip_by_what_became_of_them(study) -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1}, (x,)) for i, x in enumerate([0.98, 0.97, 0.96, 0.95])]
    rows += [
        Row(4, "COMPLETE", {}, (0.1,)),
        Row(5, "PRUNED", {}, rungs={20: 0.5}),
        Row(6, "COMPLETE", {}, (0.0,), diverged="step 3"),
        Row(7, "FAIL", {}),
        Row(8, "FAIL", {}),
        Row(9, "COMPLETE", {}, (0.98,), copy_of=0),
    ]
    plot, strip = figure(history(study(rows))).axes
    assert [one.get_offsets().tolist() for one in strip.collections] == [
        [[4, 0]],
        [[5, 1]],
        [[6, 2]],
        [[7, 3], [8, 3]],
    ]
    assert [text.get_text() for text in strip.get_yticklabels()] == [
        "beyond ↓",
        "pruned",
        "diverged",
        "failed",
    ]
    assert strip.get_ylim() == (3.5, -0.5)  # the first on top
    copies, trials = plot.collections[1::-1]
    assert (copies.get_offsets().tolist(), len(copies.get_facecolors())) == ([[9, 98]], 0)
    assert (len(trials.get_offsets()), len(trials.get_facecolors())) == (3, 1)
    assert strip.get_xlim() == plot.get_xlim()


@pytest.mark.parametrize("goal", ["val/accuracy", "val/loss"])
def test_what_lies_beyond_the_axis_is_in_the_strip_and_nothing_else(
    of_any_outcome, goal: str
) -> None:
    trials = of_any_outcome(200, goal=goal)
    above, below = history(trials).panels
    low, high = above.y.ends
    scale = 100 if goal == "val/accuracy" else 1
    values = {row.number: row.objective[0] * scale for row in trials.rows if row.counts}
    beyond = next((one.places for one in below.points if one.kind.startswith("beyond")), {})
    assert [number for number, y in values.items() if not low <= y <= high] == list(beyond)
    shown = [number for points in above.points for number in points.places]
    assert sorted([*shown, *beyond]) == sorted(values)


def test_a_baseline_without_a_value_is_the_answer_beside_what_became_of_it(study, words) -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1}, (0.9 + i / 100,)) for i in (1, 2)]
    rows.insert(0, Row(0, "PRUNED", {"lr": 0.1}, baseline=True))
    found = figure(history(study(rows, answer=0)))
    assert "answer: the baseline" in words(found)
    assert found.axes[1].collections[-1].get_offsets().tolist() == [[0, 0]]


def test_a_legend_names_only_what_is_there(study, words) -> None:
    found = figure(history(study([Row(3, "COMPLETE", {"lr": 0.1}, (0.5,))])))
    assert words(found) == ["best of the search (trial 3)", "best so far"]
