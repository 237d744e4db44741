"""How values are shown: axes, strips, colours."""

import pytest

KEPT = (0.98, 0.97, 0.96, 0.95)


def test_values_far_on_the_worse_side_are_left_out_of_the_axis(of_values) -> None:
    values = of_values(*KEPT, 0.1).values
    assert (values.low, values.high, values.far) == (0.95, 0.98, True)
    assert [values.is_far(one) for one in (*KEPT, 0.1)] == [False] * 4 + [True]
    losses = of_values(*KEPT, 0.1, goal="val/loss").values  # 0.1 is the best now
    assert (losses.low, losses.high, losses.far) == (0.1, 0.98, False)


def test_what_the_axis_has_room_for_is_on_it(of_values) -> None:
    values = of_values(0.96, 0.98, 0.97, 0.921, 0.919).values
    assert (values.low, values.far) == (0.919, False)  # reach 0.06, but the axis ends at 0.9175


def test_the_answer_is_on_the_axis(of_values) -> None:
    found = (0.97, 0.98, 0.1)
    assert of_values(*found).values.low == 0.97
    assert of_values(*found, answer=2).values.low == 0.1


def test_the_baseline_is_on_the_axis_but_does_not_decide_the_palest_colour(of_values) -> None:
    values = of_values(0.1, *KEPT).values
    assert (values.low, values.high, values.far, values.pale) == (0.1, 0.98, False, 0.95)


def test_losses_over_more_than_three_decades_have_a_logarithmic_axis(of_values) -> None:
    found = (1e-13, 1e-14, 1e-9, 0.01, 35)
    values = of_values(*found, goal="val/loss").values
    assert (values.low, values.high, values.far, values.log) == (1e-14, 35, False, True)
    assert not of_values(0.01, goal="val/loss").values.log
    assert not of_values(*found).values.log
    assert not of_values(0.0, *found, goal="val/loss").values.log


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
    assert values.ends == pytest.approx(axis)
    assert values.strip[1] == pytest.approx(strip)


@pytest.mark.parametrize("goal", ["val/accuracy", "val/loss"])
def test_better_is_darker(of_values, goal: str) -> None:
    values = of_values(0.8, 0.9, 0.85, goal=goal).values
    dark, pale = "#440154", "#d2e21b"
    best, worst = (0.9, 0.8) if goal == "val/accuracy" else (0.8, 0.9)
    assert (values.shade(best), values.shade(worst)) == (dark, pale)
    assert values.shade(0.8499) != values.shade(0.8501)  # ten equal parts
    assert values.shade(0.8501) == values.shade(0.8599)


def test_shades_of_a_logarithmic_axis_are_decades(of_values) -> None:
    values = of_values(1e-10, 1.0, goal="val/loss").values
    assert [values.shade(10.0 ** (-10 + i + 0.5)) for i in range(10)] == list(values.palette)
