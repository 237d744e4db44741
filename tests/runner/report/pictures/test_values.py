"""How values are shown: axes, strips, colours."""

import pytest

from runner.report.pictures.scale import Scale

KEPT = (0.98, 0.97, 0.96, 0.95)


def test_values_far_on_the_worse_side_are_left_out_of_the_axis(of_values) -> None:
    values = of_values(*KEPT, 0.1).values
    assert (values.shown, values.far) == (Scale(95.0, 98.0), True)
    assert [values.is_far(100 * one) for one in (*KEPT, 0.1)] == [False] * 4 + [True]
    losses = of_values(*KEPT, 0.1, goal="val/loss").values  # 0.1 is the best now
    assert (losses.shown, losses.far) == (Scale(0.1, 0.98), False)


def test_what_the_axis_has_room_for_is_on_it(of_values) -> None:
    values = of_values(0.96, 0.98, 0.97, 0.921, 0.919).values
    assert (values.shown.low, values.far) == (
        91.9,
        False,
    )  # reach 6; the axis ends at 91.75


def test_the_answer_is_on_the_axis(of_values) -> None:
    found = (0.97, 0.98, 0.1)
    assert of_values(*found).values.shown.low == 97
    assert of_values(*found, answer=2).values.shown.low == 10


def test_the_baseline_is_on_the_axis_but_does_not_decide_the_palest_colour(of_values) -> None:
    values = of_values(0.1, *KEPT).values
    assert (values.shown, values.far, values.pale) == (Scale(10.0, 98.0), False, 95.0)


def test_losses_over_more_than_three_decades_have_a_logarithmic_axis(of_values) -> None:
    found = (1e-13, 1e-14, 1e-9, 0.01, 35)
    values = of_values(*found, goal="val/loss").values
    assert (values.shown, values.far) == (Scale(1e-14, 35, log=True), False)
    assert not of_values(0.01, goal="val/loss").values.shown.log
    assert not of_values(*found).values.shown.log
    assert not of_values(0.0, *found, goal="val/loss").values.shown.log


@pytest.mark.parametrize(
    ("goal", "label", "axis", "strip"),
    [
        ("val/accuracy", "val accuracy (%)", (79.4, 90.6), 79.4 - 0.07 * 11.2),
        ("val/loss", "val loss, lower is better", (0.794, 0.906), 0.906 + 0.07 * 0.112),
    ],
)
def test_an_axis_has_a_unit_and_room_on_each_side(of_values, goal, label, axis, strip) -> None:
    values = of_values(0.8, 0.9, goal=goal).values
    assert values.label == label
    assert (values.axis.low, values.axis.high) == pytest.approx(axis)
    assert values.strip[1] == pytest.approx(strip)


@pytest.mark.parametrize("goal", ["val/accuracy", "val/loss"])
def test_better_is_darker(of_values, goal: str) -> None:
    values = of_values(0.8, 0.9, 0.85, goal=goal).values
    dark, pale = "#440154", "#d2e21b"
    best, worst = (90, 80) if goal == "val/accuracy" else (0.8, 0.9)
    assert (values.shade(best), values.shade(worst)) == (dark, pale)
    parts = [values.shade(min(best, worst) * (1 + x / 8)) for x in (0.499, 0.501, 0.599)]
    assert parts[0] != parts[1] == parts[2]  # ten equal parts


def test_shades_of_a_logarithmic_axis_are_decades(of_values) -> None:
    values = of_values(1e-10, 1.0, goal="val/loss").values
    assert [values.shade(10.0 ** (-10 + i + 0.5)) for i in range(10)] == list(
        values.shades([]).palette
    )
