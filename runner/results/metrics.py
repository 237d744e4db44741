"""What a metric is, in one place: how it is computed and shown, which way is better, who uses it.

A metric of a person's own is made known with `describe`.
"""

import math
import posixpath
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MAXIMIZE, MINIMIZE = "maximize", "minimize"
OF_AVERAGE = "ema/"  # before the keys of what the average of the weights finds
PARTS = ("val", f"{OF_AVERAGE}val", "test")  # of the keys that are compared
KEY_CHARACTERS = 250
KEY_RULE = (
    "must be letters, digits, spaces and any of _ - . : between single slashes, "
    f"at most {KEY_CHARACTERS} characters"
)
_KEY = re.compile(r"[\w/. :-]+")


@dataclass(frozen=True)
class Metric:
    """A number that evaluations find.

    name: as it stands behind "val/" and "test/". direction: "maximize" or "minimize". percent:
    whether it is a share of the samples, shown in percent. worst: number of classes (1 without
    classes) -> what a sampler is told of a run that diverged before any was finite.
    """

    name: str
    direction: str = MINIMIZE
    percent: bool = False
    worst: Callable[[int], float] = lambda classes: math.inf

    @property
    def factor(self) -> float:
        """What a value is multiplied by to be shown."""
        return 100.0 if self.percent else 1.0

    @property
    def unit(self) -> str:
        """The unit that a value is shown in, nothing where it has none."""
        return "%" if self.percent else ""

    def digits(self, value: float, sign: str = "", most: int = 4) -> str:
        """Return a value as it is shown, without the unit.

        sign: "+" also shows that of a positive one. most: digits where it is no share.
        """
        kind = ".2f" if self.percent else f".{most}g"
        return f"{self.factor * value:{sign}{kind}}"

    def cost(self, value: float) -> float:
        """Return a number that is the less, the better a value is."""
        return -value if self.direction == MAXIMIZE else value

    def step(self, samples: int) -> float:
        """Return the least that two values over so many samples can differ by, 0 for any.

        >>> metric("val/accuracy").step(450) == 1 / 450
        True
        """
        return 1 / samples if self.percent else 0.0


METRICS: dict[str, Metric] = {}


def describe(metric: Metric) -> None:
    """Make a metric known, one of a person's own too."""
    METRICS[metric.name] = metric


describe(Metric("loss", worst=lambda classes: 10 * math.log(classes if classes > 1 else math.e)))
describe(Metric("accuracy", MAXIMIZE, percent=True, worst=lambda classes: 0.0))


def is_key(key: str) -> bool:
    """Return whether trackers take a key: letters, digits, `_`, `-`, `.`, `:` and spaces between
    slashes, at most 250 characters, and a relative path that is as short as it can be.

    This is MLflow's rule, which a name must keep to be a file's, too; TensorBoard takes more.

    >>> [key for key in ("train/top 5", "acc@1", "", "a//b", "/a", "../a") if is_key(key)]
    ['train/top 5']
    """
    plain = len(key) <= KEY_CHARACTERS and _KEY.fullmatch(key) and posixpath.normpath(key) == key
    return bool(plain) and not key.startswith(("..", "/")) and key != "."


def metric(key: str) -> Metric:
    """Return what is known of a recorded key; of any other that less is better.

    >>> metric("test/accuracy").unit, metric("param/w").direction
    ('%', 'minimize')
    """
    name = key.rpartition("/")[2]
    return METRICS.get(name, Metric(name))


def heading(key: str) -> str:
    """Return a metric's name.

    >>> heading("val/accuracy")
    'val accuracy'
    """
    return key.replace("/", " ")


def number(key: str, value: float, *, named: bool = False) -> str:
    """Return a metric's value with its unit; if named, behind the metric's name.

    >>> number("val/accuracy", 0.98765), number("val/loss", 0.04321, named=True)
    ('98.77 %', 'val loss 0.04321')
    """
    known = metric(key)
    return f"{heading(key)} " * named + f"{known.digits(value)} {known.unit}".rstrip()


def numbers(metrics: Mapping[str, float], width: int = 0) -> str:
    """Return metrics side by side, each with its name and of at least so many letters.

    >>> numbers({"val/loss": 0.04321, "val/accuracy": 0.98765}, width=18)
    'val loss 0.04321    val accuracy 98.77 %'
    """
    texts = (number(key, value, named=True) for key, value in metrics.items())
    return "  ".join(f"{text:<{width}}" for text in texts).rstrip()


def spread(key: str, values: Sequence[float]) -> str:
    """Return the mean of a metric's values, with their standard deviation where there are several.

    >>> spread("val/accuracy", [0.98, 0.99]), spread("val/loss", [0.4, 0.6]), spread("x", [0.5])
    ('98.50 ± 0.71 %', '0.5 ± 0.14', '0.5')
    >>> spread("val/loss", [0.5, math.nan])
    'not finite'
    """
    mean = statistics.fmean(values)
    if not math.isfinite(mean):
        return "not finite"
    if len(values) < 2:
        return number(key, mean)
    known = metric(key)
    deviation = known.digits(statistics.stdev(values), most=2)
    return f"{known.digits(mean)} ± {deviation} {known.unit}".rstrip()


def merit(metrics: Mapping[str, float], key: str) -> tuple[float, float]:
    """Return a key that sorts runs best first by what their last evaluation found, ties by the
    loss; what is missing or not a number comes last.

    key: what says which is better.

    >>> one, other = {"val/loss": 0.3, "val/accuracy": 0.9}, {"val/loss": 0.2, "val/accuracy": 0.8}
    >>> merit(one, "val/accuracy") < merit(other, "val/accuracy")
    True
    >>> merit(one, "val/loss") < merit(other, "val/loss")
    False
    """
    known = metric(key)
    costs = (known.cost(metrics.get(key, math.nan)), metrics.get(f"{_part(key)}/loss", math.nan))
    first, second = (math.inf if math.isnan(cost) else cost for cost in costs)
    return first, second


def _part(key: str) -> str:
    """Return what a key's metric is of, such as "ema/val"."""
    return key.rpartition("/")[0]
