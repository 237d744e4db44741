"""The value against each searched key."""

import pytest

from runner.report.pictures.columns import column
from runner.report.pictures.figure import figure
from runner.report.pictures.slices import slices, span
from runner.results.rows import Row


def texts(axes) -> list[str]:
    return [text.get_text() for text in axes.get_xticklabels()]


def test_values_stand_above_the_values_of_a_key(of_values, places) -> None:
    found = figure(slices(of_values(0.95, 0.97, 0.96, 0.94)))
    [axes] = found.axes
    assert places(axes) == {
        "trial": [[0.025, 96], [0.0125, 94]],
        "baseline": [[0.1, 95]],
        "best of the search (trial 1)": [[0.05, 97]],
    }
    assert (axes.get_title(), axes.get_xscale()) == ("lr (log)", "log")
    assert texts(axes) == ["0.02", "0.05", "0.1"]
    assert axes.get_ylim() == pytest.approx((94 - 0.06 * 3, 97 + 0.06 * 3))
    assert found.get_supylabel() == "val accuracy (%)"


def test_categories_are_strips_in_which_points_are_spread(study, places) -> None:
    rows = [Row(i, "COMPLETE", {"batch_size": s}, (0.9,)) for i, s in enumerate([64, 32, 128, 32])]
    found = figure(slices(study(rows)))
    [axes] = found.axes
    assert texts(axes) == ["32", "64", "128"]
    assert axes.get_xlim() == (-0.6, 2.6)
    x = [place[0] for some in places(axes).values() for place in some]
    assert sorted(map(round, x)) == [0, 0, 1, 2]
    assert len({*x}) == 4
    assert "spread sideways" in found.legends[0].get_title().get_text()


def test_elements_of_a_list_are_told_apart(study) -> None:
    rows = [Row(i, "COMPLETE", {"schedule.boundaries": [f"{i}0%", "90%"]}, (i,)) for i in (1, 2, 3)]
    [axes] = figure(slices(study(rows))).axes
    first, best, second, again = axes.collections
    assert (first.get_label(), second.get_label()) == (
        "trial, 1st of its list",
        "trial, 2nd of its list",
    )
    assert first.get_offsets()[:, 0].tolist() == [20, 10]
    assert second.get_offsets()[:, 0].tolist() == [90, 90]
    assert [one.get_offsets().tolist() for one in (best, again)] == [[[30, 300]], [[90, 300]]]
    assert axes.get_title() == "schedule.boundaries (%)"


def test_values_beyond_the_axis_are_in_a_strip_of_their_own(of_values) -> None:
    [axes] = figure(slices(of_values(0.95, 0.98, 0.97, 0.96, 0.1))).axes
    edge = 95 - 0.06 * 3
    heights = axes.collections[0].get_offsets()[:, 1].tolist()
    assert heights == pytest.approx([97, 96, edge - 0.07 * (3 + 0.36)])
    assert [text.get_text() for text in axes.get_yticklabels()][-1] == "beyond ↓"
    assert axes.get_yticks()[:-1].min() >= edge
    assert axes.get_ylim()[0] == pytest.approx(edge - 0.14 * (3 + 0.36))
    assert axes.lines[0].get_ydata() == pytest.approx([edge, edge])


def test_many_plots_say_their_units_and_have_one_legend(of_any_outcome, words) -> None:
    found = figure(slices(of_any_outcome(24)))
    titles = [axes.get_title() for axes in found.axes]
    assert titles == [
        "schedule",
        "batch_size",
        "clip",
        "lr (log)",
        "schedule.boundaries (%)",
        "schedule.decay_rate",
        "warmup.fraction (%)",
    ]
    assert len({axes.get_ylim() for axes in found.axes}) == 1
    note = found.legends[0].get_title().get_text()
    assert "a trial without a key is missing there" in note
    colours = [tuple(one.get_facecolor()[0]) for one in found.legends[0].legend_handles]
    assert len({*colours}) == len(colours) == len(words(found))


def test_long_categories_have_wide_plots() -> None:
    found = [f"a_long_word_{i}" for i in range(6)]
    assert span(column("key", found, []), 3) == 3
    assert span(column("key", ["32", "64"], []), 3) == 1


@pytest.mark.parametrize(("count", "shown"), [(1, 5), (7, 2)])
def test_ticks_stand_side_by_side(study, count: int, shown: int) -> None:
    more = {f"other{i}": 1 for i in range(count - 1)}
    rows = [Row(i, "COMPLETE", {"lr": lr, **more}, (0.9,)) for i, lr in enumerate((0.00011, 0.09))]
    assert len(texts(figure(slices(study(rows))).axes[0])) == shown
