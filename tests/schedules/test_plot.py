import io
import subprocess
import sys

import numpy as np
import pytest

from schedules import Constant, Cosine, CosineRestarts
from schedules.plot import draw, thinned

T = np.arange(200)
TRACES = {f"cosine lr=0.{i}": Cosine(lr=i / 10, decay_steps=200)(T) for i in range(1, 9)}


def png_size(data):
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_picture(count, scale):
    file = io.BytesIO()
    draw(dict(list(TRACES.items())[:count]), file, steps_per_epoch=20, scales=[scale])
    width, height = png_size(file.getvalue())
    assert 600 <= width <= 1200
    assert 350 <= height <= 900
    assert len(file.getvalue()) < 150_000


def test_a_path_and_long_names_and_many_traces(tmp_path):
    path = tmp_path / "traces.png"
    traces = {f"{i} " + "a long name " * 5: np.full(10, i / 10) for i in range(1, 15)}
    draw(traces, path)
    png_size(path.read_bytes())


def test_zero_rates_can_be_drawn_on_both_axes():
    for scale in ("linear", "log"):
        draw({"zero": Constant(lr=0)(T)}, io.BytesIO(), scales=[scale])
        draw({"one step": np.array([0.1])}, io.BytesIO(), scales=[scale])


def test_thinning_keeps_every_jump():
    schedule = CosineRestarts(lr=0.1, cycle_steps=10_007)
    trace = schedule(np.arange(1_000_000))
    steps = thinned(trace)
    assert steps.size <= 6000
    assert steps[0] == 0
    assert steps[-1] == trace.size - 1
    assert (np.diff(steps) > 0).all()
    assert np.isin(np.arange(0, 1_000_000, 10_007), steps).all()


def test_a_short_trace_is_drawn_whole():
    assert thinned(np.zeros(100)).tolist() == list(range(100))


def test_pyplot_stays_unloaded():
    code = (
        "import io, sys, numpy; from schedules.plot import draw\n"
        "draw({'a': numpy.ones(9)}, io.BytesIO()); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    "traces",
    [{}, {"a": np.zeros((2, 2))}, {"a": np.zeros(0)}, {"a": np.array([0.1, np.nan])}],
    ids=["none", "2-D", "empty", "NaN"],
)
def test_what_is_no_trace_is_refused(traces):
    with pytest.raises(ValueError, match=r"^traces must"):
        draw(traces, io.BytesIO())


def test_an_epoch_has_a_step():
    with pytest.raises(ValueError, match=r"^steps_per_epoch must be at least 1, got 0$"):
        draw(TRACES, io.BytesIO(), steps_per_epoch=0)
