"""What is known of a metric, in one place: which way is better, how it is shown, who may use it.

`runner/training/metrics.py` computes them; a metric of a person's own is described with `describe`.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

MAXIMIZE, MINIMIZE = "maximize", "minimize"


@dataclass(frozen=True)
class Metric:
    """A number that evaluations find.

    name: as it stands behind "val/" and "test/". direction: "maximize" or "minimize". percent:
    whether it is a share of the samples, shown in percent. worst: number of classes (1 without
    classes) -> what a sampler is told of a run that diverged before any was finite. needs_data:
    whether models that bring their own loss lack it.
    """

    name: str
    direction: str = MINIMIZE
    percent: bool = False
    worst: Callable[[int], float] = lambda classes: math.inf
    needs_data: bool = True

    @property
    def factor(self) -> float:
        """What a value is multiplied by to be shown."""
        return 100.0 if self.percent else 1.0

    @property
    def unit(self) -> str:
        """The unit that a value is shown in, nothing where it has none."""
        return "%" if self.percent else ""

    def better(self, one: float, other: float) -> bool:
        """Return whether one value is better than another."""
        return one > other if self.direction == MAXIMIZE else one < other

    def step(self, samples: int) -> float:
        """Return the least that two values over so many samples can differ by, 0 for any.

        >>> metric("val/accuracy").step(450) == 1 / 450
        True
        """
        return 1 / samples if self.percent else 0.0


# Of those that a run has the last one decides which run is better; the others break ties.
METRICS: dict[str, Metric] = {
    "loss": Metric("loss", worst=lambda n: 10 * math.log(n if n > 1 else math.e), needs_data=False),
    "accuracy": Metric("accuracy", MAXIMIZE, percent=True, worst=lambda classes: 0.0),
}


def describe(metric: Metric) -> None:
    """Make a metric of a person's own known; it decides more than those that are known."""
    METRICS[metric.name] = metric


def metric(key: str) -> Metric:
    """Return what is known of a recorded key; of any other that less is better.

    >>> metric("test/accuracy").unit, metric("param/w").direction
    ('%', 'minimize')
    """
    name = key.rpartition("/")[2]
    return METRICS.get(name, Metric(name))


def evaluated(*, data: bool) -> tuple[str, ...]:
    """Return the keys of the validation data that schedules may listen to and studies may search.

    data: whether there is a data set.

    >>> evaluated(data=True), evaluated(data=False)
    (('val/loss', 'val/accuracy'), ('val/loss',))
    """
    return tuple(f"val/{one.name}" for one in METRICS.values() if data or not one.needs_data)


def merit(metrics: Mapping[str, float], part: str = "val") -> tuple[float, ...]:
    """Return a key that sorts runs best first by what their last evaluation found.

    >>> one, other = {"val/loss": 0.3, "val/accuracy": 0.9}, {"val/loss": 0.2, "val/accuracy": 0.8}
    >>> merit(one) < merit(other)
    True
    """
    return tuple(
        _sign(one) * metrics[key] if (key := f"{part}/{one.name}") in metrics else math.inf
        for one in reversed(METRICS.values())
    )


def _sign(one: Metric) -> float:
    return -1.0 if one.direction == MAXIMIZE else 1.0
