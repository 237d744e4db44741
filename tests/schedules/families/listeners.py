"""What listens to evaluations."""

from families.entries import Variant, Worked
from schedules import GreedyPlateau, ReduceOnPlateau

FAMILIES = {
    ReduceOnPlateau: {"lr": 0.1},
    GreedyPlateau: {"lr": 0.1},
}

BY_HAND = {
    "cut after two evaluations that are no better, as Keras counts": Worked(
        ReduceOnPlateau(lr=0.8, factor=0.5, patience=2),
        {30: 0.4, 31: 0.4, 10**9: 0.4},
        hears=((10, 1.0), (20, 1.0), (30, 1.0)),
    ),
    "cut after one more, as PyTorch counts": Worked(
        ReduceOnPlateau(lr=0.8, factor=0.5, patience=2, counting="torch"),
        {30: 0.8, 31: 0.8, 10**9: 0.8},
        hears=((10, 1.0), (20, 1.0), (30, 1.0)),
    ),
    "cut twice to a floor": Worked(
        ReduceOnPlateau(lr=0.8, factor=0.5, patience=1, floor="40%"),
        # better at 20; cut at 30 to 0.4 and at 40 to 0.2, which is under 0.32
        {0: 0.32, 41: 0.32, 10**9: 0.32},
        hears=((10, 1.0), (20, 0.5), (30, 0.5), (40, 0.6)),
    ),
    "a plateau before the first evaluation": Worked(
        ReduceOnPlateau(lr=0.8), {0: 0.8, 1: 0.8, 10**9: 0.8}
    ),
    "raised after two improvements": Worked(
        GreedyPlateau(lr=0.1, factor=0.5, patience=1),
        {0: 0.2, 21: 0.2, 10**9: 0.2},
        hears=((10, 3.0), (20, 2.0)),
    ),
    "raised, then cut after two that are no better": Worked(
        GreedyPlateau(lr=0.1, factor=0.25, patience=1),
        {0: 0.1, 41: 0.1, 10**9: 0.1},
        hears=((10, 3.0), (20, 2.0), (30, 2.0), (40, 2.0)),
    ),
    "raised to a ceiling": Worked(
        GreedyPlateau(lr=0.1, factor=0.25, patience=0, ceiling=0.3),
        {0: 0.3, 11: 0.3},
        hears=((10, 3.0),),
    ),
    "a greedy plateau before the first evaluation": Worked(
        GreedyPlateau(lr=0.1), {0: 0.1, 1: 0.1, 10**9: 0.1}
    ),
}

VARIANTS = (
    Variant("plateau", ReduceOnPlateau(lr=0.1), monitor="val/loss"),
    Variant("plateau_torch", ReduceOnPlateau(lr=0.1, counting="torch"), monitor="val/loss"),
    Variant("greedy", GreedyPlateau(lr=0.1, window=3), monitor="val/loss"),
)

PICTURES = {
    "plateau": ReduceOnPlateau(lr=1.0, patience=3, min_delta=0.02),
    "greedy": GreedyPlateau(lr=0.5, factor=0.8, patience=1, min_delta=0.03, ceiling=1.0),
}
