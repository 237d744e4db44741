"""Draw the README's picture: six schedules over ten epochs of 100 steps.

python scripts/draw_schedules.py
"""

from pathlib import Path

import numpy as np

from schedules import (
    Cosine,
    CosineRestarts,
    Exponential,
    Horizon,
    PiecewiseConstant,
    Polynomial,
    Warmup,
)
from schedules.plot import draw

PICTURE = Path(__file__).resolve().parents[1] / ".github" / "schedules.png"
HORIZON = Horizon(total_steps=1000, steps_per_epoch=100)
SCHEDULES = {
    "exponential, staircase": Exponential(lr=1e-3, decay_rate=0.8, staircase=True),
    "polynomial, power 2": Polynomial(lr=1e-3, power=2.0),
    "piecewise": PiecewiseConstant(lr=1e-3),
    "cosine, warm-up 10 %": Warmup(schedule=Cosine(lr=1e-3), fraction=0.1),
    "cosine restarts": CosineRestarts(
        lr=1e-3, boundaries=("5%", "15%", "30%", "50%"), warmup_fraction=0.1
    ),
    "linear under a ramp (BERT)": Warmup(
        schedule=Polynomial(lr=1e-3), fraction=0.2, placement="overlay"
    ),
}


def main() -> None:
    """Write the picture."""
    steps = np.arange(HORIZON.total_steps)
    traces = {name: schedule.bind(HORIZON)(steps) for name, schedule in SCHEDULES.items()}
    PICTURE.parent.mkdir(exist_ok=True)
    draw(traces, PICTURE, steps_per_epoch=HORIZON.steps_per_epoch)


if __name__ == "__main__":
    main()
