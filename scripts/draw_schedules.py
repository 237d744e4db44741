"""Draw the README's picture: every family of schedules over one run, a small plot each.

python scripts/draw_schedules.py
"""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Cyclic,
    Exponential,
    GreedyPlateau,
    Horizon,
    InverseTime,
    Join,
    LinearCosine,
    MultiStep,
    Noam,
    NoisyLinearCosine,
    OneCycle,
    PiecewiseConstant,
    PiecewiseInterpolation,
    Polynomial,
    ReduceOnPlateau,
    Repeat,
    Schedule,
    Tanh,
    Warmup,
    WarmupStableDecay,
)

PICTURE = Path(__file__).resolve().parents[1] / ".github" / "schedules.png"
HORIZON = Horizon(total_steps=1000, steps_per_epoch=50)
COLUMNS = 6
FAMILIES: dict[str, Schedule] = {
    "constant": Constant(lr=1.0),
    "exponential": Exponential(lr=1.0, decay_rate=0.85),
    "exponential, staircase": Exponential(
        lr=1.0, decay_rate=0.6, decay_steps="12.5%", staircase=True
    ),
    "multistep": MultiStep(lr=1.0, factor=0.3),
    "piecewise": PiecewiseConstant(
        lr=1.0, boundaries=("30%", "60%", "90%"), factors=(1, 0.5, 0.1, 0.01)
    ),
    "interpolation": PiecewiseInterpolation(
        lr=1.0,
        boundaries=("0%", "15%", "50%", "70%", "100%"),
        factors=(0.1, 1, 0.35, 0.6, 0),
    ),
    "inverse_time": InverseTime(lr=1.0),
    "noam (inverse square root)": Noam(lr=1.0),
    "linear": Polynomial(lr=1.0),
    "polynomial, power 2": Polynomial(lr=1.0, power=2.0),
    "polynomial, cycle": Polynomial(lr=1.0, decay_steps="25%", cycle=True),
    "cosine": Cosine(lr=1.0),
    "cosine_restarts": CosineRestarts(
        lr=1.0, cycle_steps="12%", cycle_multiplier=1.6, peak_multiplier=0.85
    ),
    "cosine_restarts, in pieces": CosineRestarts(
        lr=1.0, boundaries=("5%", "15%", "30%", "50%"), warmup_fraction=0.2
    ),
    "linear_cosine": LinearCosine(lr=1.0, half_cycles=7),
    "noisy_linear_cosine": NoisyLinearCosine(lr=1.0, initial_variance=0.5),
    "tanh": Tanh(lr=1.0),
    "wsd (warmup-stable-decay)": WarmupStableDecay(lr=1.0, shape="sqrt"),
    "cyclic, triangular2": Cyclic(lr=1.0, mode="triangular2"),
    "one_cycle": OneCycle(lr=1.0),
    "plateau": ReduceOnPlateau(lr=1.0, patience=3, min_delta=0.02),
    "greedy": GreedyPlateau(lr=0.5, factor=0.8, patience=1, min_delta=0.03, ceiling=1.0),
    "warm-up, then join": Warmup(
        schedule=Join(schedules=(Constant(lr=1.0), Cosine(lr=0.4)), boundaries=("40%",)),
        shape="cosine",
    ),
    "repeat": Repeat(schedule=Polynomial(lr=1.0, power=0.5), cycle_steps="20%"),
}


def main() -> None:
    """Write the picture."""
    rows = -(-len(FAMILIES) // COLUMNS)
    figure = Figure(figsize=(10.4, 1.25 * rows + 0.2), dpi=85, layout="constrained")
    FigureCanvasAgg(figure)
    plots = figure.subplots(rows, COLUMNS, sharex=True, sharey=True).ravel()
    for axes, (name, schedule) in zip(plots, FAMILIES.items(), strict=True):
        axes.plot(trace(schedule.bind(HORIZON)), color="#0072B2", linewidth=1.3)
        axes.fill_between(
            np.arange(HORIZON.total_steps), axes.lines[0].get_ydata(), color="#0072B2", alpha=0.1
        )
        axes.set_title(name, fontsize=8, loc="left", pad=3)
        axes.set(xlim=(0, HORIZON.total_steps), ylim=(0, 1.08), xticks=[], yticks=[])
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color("#999999")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, format="png")


def trace(schedule: Schedule) -> np.ndarray:
    """Return the rates of a run in which the loss falls, rests and falls again."""
    memory, rates = schedule.begin(), []
    for epoch in range(HORIZON.total_steps // HORIZON.steps_per_epoch):
        start = epoch * HORIZON.steps_per_epoch
        stop = start + HORIZON.steps_per_epoch
        rates.append(schedule.rates(memory, np.arange(start, stop)))
        loss = 1.0 - 0.05 * min(epoch, 5) - 0.05 * max(epoch - 11, 0) * (epoch < 16)
        if schedule.listens:
            memory = schedule.observe(memory, stop, loss)
    return np.concatenate(rates)


if __name__ == "__main__":
    main()
