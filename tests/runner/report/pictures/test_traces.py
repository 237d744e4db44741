"""The learning rates of all trials."""

from collections.abc import Mapping

import numpy as np
import pytest
from matplotlib.colors import to_hex

from runner.report.pictures import Picture, Trials, every
from runner.report.pictures.figure import figure
from runner.results.rows import Row

WORSE = "#B7C4D1"


def traces_of(trials: Trials, rates: Mapping[int, np.ndarray]) -> Picture:
    return every(trials, rates)["traces"]


def test_each_rate_holds_until_the_next_step(of_values, words) -> None:
    rates = {0: np.array([0.2, 0.1]), 1: np.array([0.4, 0.3, 0.05])}
    found = figure(traces_of(of_values(0.9, 0.95), rates))
    for axes in found.axes[:2]:
        shown = {line.get_label(): line for line in axes.lines}
        assert list(shown) == ["baseline", "best of the search (trial 1)"]
        baseline, best = shown.values()
        assert (list(baseline.get_xdata()), list(baseline.get_ydata())) == (
            [0, 1, 2],
            [0.2, 0.1, 0.1],
        )
        assert list(best.get_ydata()) == [0.4, 0.3, 0.05, 0.05]
        assert {line.get_drawstyle() for line in axes.lines} == {"steps-post"}
        assert axes.get_xlim() == (0, 3)
    linear, log = found.axes[:2]
    assert linear.get_ylim() == pytest.approx((0, 0.4 * 1.06))
    assert (log.get_yscale(), log.get_ylim()) == ("log", pytest.approx((0.05 / 1.4, 0.4 * 1.4)))
    assert [axes.get_ylabel() for axes in (linear, log)] == ["learning rate", "learning rate (log)"]
    assert log.get_xlabel() == "step (optimizer update)"
    assert words(found) == ["baseline", "best of the search (trial 1)"]


def test_rates_of_what_matters_are_on_the_axes_and_others_are_counted(study, falling) -> None:
    rows = [
        Row(i, "COMPLETE", {"lr": lr}, (0.9 - 0.01 * i,), baseline=i == 0)
        for i, lr in enumerate([1e-3, 1.0, 2.0, 3.0, 2.5, 1e4, 1e6])
    ]
    trials = study(rows, answer=3)
    for axes in figure(traces_of(trials, falling(trials))).axes[:2]:
        low, high = axes.get_ylim()
        assert low <= 1e-3 <= high
        assert 3.0 < high < 10
        assert axes.get_title(loc="right") == "2 traces beyond the axis"


def test_of_many_traces_the_best_are_coloured_and_on_top(study, falling) -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1 + i / 1000}, (i / 1000,)) for i in range(200)]
    trials = study(rows)
    data = traces_of(trials, falling(trials))
    found = figure(data)
    lines = found.axes[0].lines
    rest = [line for line in lines if line.get_color() == WORSE]
    assert (len(lines), len(rest)) == (200, 180)
    top = [line for line in lines if line not in rest]
    assert min(line.get_zorder() for line in top) > max(line.get_zorder() for line in rest)
    assert min(line.get_linewidth() for line in top) > max(line.get_linewidth() for line in rest)
    assert [line.get_color() for line in top[:-1]] == [
        line.colour for line in data.panels[0].lines if line.kind == "better"
    ]
    assert [line.number for line in data.panels[0].lines[-20:]] == list(range(180, 200))
    assert "the best 20 coloured by val accuracy" in found.get_suptitle()


def test_the_scale_of_colours_is_that_of_the_best(study, falling) -> None:
    rows = [Row(i, "COMPLETE", {"lr": 0.1}, (0.9 + i / 100,)) for i in range(5)]
    trials = study(rows)
    bar = figure(traces_of(trials, falling(trials))).axes[2]
    assert bar.get_ylim() == pytest.approx((92, 94))
    assert bar.get_ylabel() == "val accuracy (%)"
    [shades] = bar.collections[:1]
    assert to_hex(shades.cmap(shades.norm(93.99))) == "#440154"


def test_what_became_of_a_trial_is_said_once(of_any_outcome, falling, words) -> None:
    trials = of_any_outcome(200)
    found = figure(traces_of(trials, falling(trials)))
    assert words(found) == [
        "diverged",
        "pruned",
        "worse trial",
        "baseline",
        "best of the search (trial 179)",
    ]
    alone = sum(row.copy_of is None and row.state != "FAIL" for row in trials.rows)
    assert len(found.axes[0].lines) == alone


def test_traces_of_other_lengths_and_of_rate_0_are_drawn(of_values) -> None:
    trials = of_values(0.9, 0.95)
    some = {0: np.zeros(10), 1: np.full(20_000, 0.1)}
    linear, log = figure(traces_of(trials, some)).axes[:2]
    assert (linear.get_xlim(), linear.get_ylim()) == ((0, 20_000), pytest.approx((0, 0.106)))
    assert (log.get_yscale(), log.get_title(loc="right")) == ("log", "1 trace beyond the axis")
    zero = figure(traces_of(trials, {0: np.zeros(10)})).axes
    assert {axes.get_yscale() for axes in zero} == {"linear"}
