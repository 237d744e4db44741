"""Pictures of traces; needs matplotlib."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from os import PathLike
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from schedules import _checks
from schedules.errors import ArgumentError

COLOURS = (  # Okabe and Ito's, told apart also by colour-blind eyes; yellow is too pale for a line
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#8A8A8A",
)
_LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
_BINS = 1500  # about two a pixel
HIGHEST = 1e300  # rate that can be drawn: beyond it ticks overflow
LOG_SPAN = 1e-5  # of the highest rate: how far down a logarithmic axis reaches
_ROOM = {"linear": 1.06, "log": 1.4}  # of an axis: its end over its highest rate
_LETTERS = 84  # of a line across the picture
_LABELS = {"linear": "learning rate", "log": "learning rate (log)"}


def draw(
    traces: Mapping[str, NDArray[Any]],
    path_or_file: str | PathLike[str] | BinaryIO,
    *,
    steps_per_epoch: int | None = None,
    scales: Sequence[str] = ("linear",),
    others: Mapping[str, Mapping[str, NDArray[Any]]] | None = None,
) -> None:
    """Draw traces, one line each, into a PNG.

    Arguments:
        traces: name to trace, the rate of each step from 0, a 1-D array.
        path_or_file: where the PNG goes: a path or a binary file open for writing.
        steps_per_epoch: adds a second axis in epochs.
        scales: of the rate's axis, a panel each: "linear", or "log", which shows at most five
            decades below the highest rate.
        others: traces of other numbers, by the number's name, a panel each below the rates.

    Raises:
        ValueError: there is no trace, or one is empty, not 1-D or not finite; an unknown scale.
        TypeError: steps_per_epoch is no whole number.

    >>> import io
    >>> from schedules import Cosine
    >>> file = io.BytesIO()
    >>> draw({"cosine": Cosine(lr=0.1, decay_steps=100)(np.arange(100))}, file)
    >>> file.getvalue()[1:4]
    b'PNG'
    """
    rates = _checked(traces)
    scales = tuple(_checks.one_of("scales", scale, _LABELS) for scale in scales)
    panels = [(scale, _LABELS[scale], rates) for scale in scales]
    panels += [("other", name, _checked(more)) for name, more in (others or {}).items()]
    if steps_per_epoch is not None:
        steps_per_epoch = _checks.whole("steps_per_epoch", steps_per_epoch, 1)
    styles: dict[str, dict[str, Any]] = {
        name: {
            "color": COLOURS[i % len(COLOURS)],
            "linestyle": _LINES[i // len(COLOURS) % len(_LINES)],
            "linewidth": 1.5 + 1.2 * (1 - (i + 1) / len(rates)),  # of equal lines both stay visible
        }
        for i, name in enumerate(rates)
    }
    names = [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name in rates]
    columns = max(1, min(len(names), 4, _LETTERS // (max(map(len, names)) + 7)))
    rows = -(-len(names) // columns) if names[1:] else 0  # one trace has a title instead
    figure = blank(7.2, 3.8 + 2.6 * (len(panels) - 1) + 0.2 * rows)
    plots = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (scale, label, lines) in zip(plots, panels, strict=True):
        for name, trace in lines.items():
            style = {"label": name, **styles.get(name, {})}
            axes.plot(*stairs(trace), drawstyle="steps-post", **style)
        dress(axes)
        _limit(axes, lines, scale)
        axes.set_ylabel(label)
    plots[-1].set(xlabel="step (optimizer update)", xlim=(0, max(map(len, rates.values()))))
    steps = plots[-1].xaxis
    steps.set_major_formatter(lambda step, _: f"{step:,.0f}" if step == int(step) else "")
    if steps_per_epoch is not None:
        _epochs(plots[0], steps_per_epoch)
    if not rows:
        plots[0].set_title(*names, fontsize=11, loc="left", pad=8)
    else:
        figure.legend(
            plots[0].lines,
            names,
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            fontsize=9,
            handlelength=2.4,
        )
    figure.savefig(path_or_file, format="png")


def load() -> None:
    """Load what drawing needs, matplotlib and its fonts, for who draws later."""
    figure = blank(1, 1)
    figure.text(0, 0, "0")
    figure.canvas.draw()


def blank(width: float, height: float) -> Any:
    """Return an empty figure of a size in inches, without pyplot and its windows."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def dress(axes: Any) -> None:
    """Give axes a pale grid and take away the frame."""
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def limits(scale: str, low: float, high: float) -> tuple[float, float]:
    """Return the ends of a "linear" or "log" axis on which rates from low to high have room.

    >>> limits("linear", 0.1, 1.0), limits("log", 0.7, 1.0)
    ((0.0, 1.06), (0.5, 1.4))
    """
    room = _ROOM[scale]
    return (0.0 if scale == "linear" else low / room), high * room


def stairs(trace: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return steps and rates worth drawing; a step's rate holds until the next step.

    Of a long trace they are the first, the last and both extremes of each short stretch.

    >>> stairs(np.array([0.2, 0.1]))
    (array([0, 1, 2]), array([0.2, 0.1, 0.1]))
    """
    steps = np.arange(trace.size)
    if trace.size > 4 * _BINS:
        edges = np.linspace(0, trace.size, _BINS + 1).astype(np.int64)
        kept = [
            (a, a + int(trace[a:b].argmin()), a + int(trace[a:b].argmax()), b - 1)
            for a, b in pairwise(edges.tolist())
        ]
        steps = np.unique(np.array(kept))
    return np.append(steps, trace.size), np.append(trace[steps], trace[-1])


def _checked(traces: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float64]]:
    if not traces:
        raise ArgumentError("traces", "must hold at least one trace", "none")
    checked = {name: np.asarray(trace, dtype=np.float64) for name, trace in traces.items()}
    for name, trace in checked.items():
        if trace.ndim != 1 or trace.size == 0 or not np.isfinite(trace).all():
            given = f"{name!r} of shape {trace.shape}"
            raise ArgumentError("traces", "must be 1-D, finite and not empty", given)
    return checked


def _epochs(axes: Any, steps_per_epoch: int) -> None:
    """Add an axis in epochs on top."""
    both_ways = (lambda step: step / steps_per_epoch, lambda epoch: epoch * steps_per_epoch)
    epochs = axes.secondary_xaxis("top", functions=both_ways)
    epochs.set_xlabel("epoch", color="#444444")
    epochs.tick_params(colors="#444444")
    epochs.spines["top"].set_visible(False)


def _limit(axes: Any, traces: Mapping[str, NDArray[np.float64]], scale: str) -> None:
    highest = max(float(trace.max()) for trace in traces.values())
    if scale == "log" and highest > 0:
        lowest = min(float(trace[trace > 0].min(initial=highest)) for trace in traces.values())
        axes.set_yscale("log", nonpositive="mask")
        axes.set_ylim(*limits(scale, max(lowest, highest * LOG_SPAN), highest))
    elif scale == "linear":
        axes.set_ylim(*limits(scale, 0.0, highest or 1.0))
