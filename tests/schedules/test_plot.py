import io
import re
import subprocess
import sys

import numpy as np
import pytest

from schedules import Constant, Cosine, CosineRestarts
from schedules.errors import ArgumentError
from schedules.plot import draw, stairs

T = np.arange(200)
TRACES = {f"cosine lr=0.{i}": Cosine(lr=i / 10, decay_steps=200)(T) for i in range(1, 9)}


@pytest.fixture
def drawn(monkeypatch):
    """Draws, and returns the figure that was written."""
    written = []

    def savefig(figure, *args, **options):
        written.append(figure)

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", savefig)

    def run(*args, **options):
        draw(*args, io.BytesIO(), **options)
        return written[-1]

    return run


def test_a_rate_holds_until_the_next_step(drawn):
    figure = drawn({"one": np.array([0.2, 0.1]), "two": np.array([0.4, 0.3, 0.05])})
    [axes] = figure.axes
    shown = [(line.get_label(), *map(list, line.get_data())) for line in axes.lines]
    assert shown == [
        ("one", [0, 1, 2], [0.2, 0.1, 0.1]),
        ("two", [0, 1, 2, 3], [0.4, 0.3, 0.05, 0.05]),
    ]
    assert {line.get_drawstyle() for line in axes.lines} == {"steps-post"}
    assert (axes.get_xlim(), axes.get_ylim()) == ((0, 3), pytest.approx((0, 0.424)))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step (optimizer update)", "learning rate")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["one", "two"]


def test_scales_and_other_numbers_have_a_panel_each(drawn):
    falling, momentum = np.array([1.0, 0.1, 1e-9, 0.0]), np.array([0.9, 0.8, 0.8, 0.8])
    figure = drawn({"a": falling}, scales=["linear", "log"], others={"momentum": {"a": momentum}})
    linear, log, other = figure.axes
    assert linear.get_ylim() == pytest.approx((0, 1.06))
    assert (log.get_yscale(), log.get_ylim()) == ("log", pytest.approx((1e-5 / 1.4, 1.4)))
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "learning rate",
        "learning rate (log)",
        "momentum",
    ]
    assert list(other.lines[0].get_ydata()) == [0.9, 0.8, 0.8, 0.8, 0.8]
    assert (linear.get_title(loc="left"), figure.legends) == ("a", [])


def test_epochs_stand_above_the_steps(drawn):
    [axes] = drawn(TRACES, steps_per_epoch=20).axes
    [epochs] = axes.child_axes
    epochs.figure.canvas.draw()
    assert (epochs.get_xlabel(), epochs.get_xlim()) == ("epoch", (0, 10))


def test_lines_are_told_apart_and_long_names_are_cut(drawn):
    traces = {f"{i:02} " + "a long name " * 8: np.full(10, i / 10) for i in range(1, 15)}
    figure = drawn(traces)
    styles = {(line.get_color(), line.get_linestyle()) for line in figure.axes[0].lines}
    assert len(styles) == 14
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {len(text) for text in texts} == {84}
    assert texts[0].startswith("01 a long")


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_zero_rates_can_be_drawn_on_both_axes(scale, drawn):
    [axes] = drawn({"zero": Constant(lr=0)(T)}, scales=[scale]).axes
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[0] <= 0 < axes.get_ylim()[1]


def test_a_file_is_a_small_png(tmp_path):
    draw(TRACES, tmp_path / "traces.png", steps_per_epoch=20)
    written = (tmp_path / "traces.png").read_bytes()
    assert written.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(written) < 150_000


def test_thinning_keeps_every_jump():
    schedule = CosineRestarts(lr=0.1, cycle_steps=10_007)
    trace = schedule(np.arange(1_000_000))
    steps, rates = stairs(trace)
    assert steps.size <= 6001
    assert steps[0] == 0
    assert steps[-2:].tolist() == [trace.size - 1, trace.size]
    assert rates[:-1].tolist() == trace[steps[:-1]].tolist()
    assert (np.diff(steps) > 0).all()
    assert np.isin(np.arange(0, 1_000_000, 10_007), steps).all()


def test_thinning_keeps_a_peak_of_one_step():
    trace = np.zeros(100_000)
    trace[54_321] = 1.0
    steps, rates = stairs(trace)
    assert steps.size < 10_000
    assert dict(zip(steps, rates, strict=True))[54_321] == 1.0


def test_a_short_trace_is_drawn_whole():
    assert stairs(np.zeros(100))[0].tolist() == list(range(101))


def test_pyplot_stays_unloaded():
    code = (
        "import io, sys, numpy; from schedules.plot import draw\n"
        "draw({'a': numpy.ones(9)}, io.BytesIO()); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("traces", "message"),
    [
        ({}, "traces must hold at least one trace, got none"),
        *(
            ({"a": trace}, f"traces must be 1-D, finite and not empty, got 'a' of shape {shape}")
            for trace, shape in (
                (np.zeros((2, 2)), "(2, 2)"),
                (np.zeros(0), "(0,)"),
                (np.array([0.1, np.nan]), "(2,)"),
            )
        ),
    ],
    ids=["none", "2-D", "empty", "NaN"],
)
def test_what_is_no_trace_is_refused(traces, message):
    with pytest.raises(ArgumentError, match=f"^{re.escape(message)}$"):
        draw(traces, io.BytesIO())


def test_an_epoch_has_a_step():
    with pytest.raises(ValueError, match=r"^steps_per_epoch must be at least 1, got 0$"):
        draw(TRACES, io.BytesIO(), steps_per_epoch=0)
