"""Settings -> the names of a run's metrics, without loading what computes them."""

import math
from collections.abc import Mapping

from runner.config import Settings
from runner.errors import Mistake, either, shortened
from runner.results.metrics import (
    MAXIMIZE,
    METRICS,
    MINIMIZE,
    OF_AVERAGE,
    Metric,
    describe,
    is_key,
)

LOSS = "loss"
_before: dict[str, Metric | None] = {}  # what was known of metrics that were learnt
_WAYS = f"must be {MAXIMIZE} or {MINIMIZE}"


def keys_of(settings: Settings, *, data: bool) -> tuple[str, ...]:
    """Return the keys of the validation data that schedules may listen to and studies may search;
    the last one says by itself which run is better.

    data: whether there is a data set; a loop of a person's own reports what its task names. Raises
    Mistake for a metric that decides and is none.
    """
    chosen = deciding(settings, data=data)
    several = data or settings.has_loop
    names = [name for name in (LOSS, *names_of(settings)) if name != chosen] if several else []
    found = [f"val/{name}" for name in (*names, chosen)]
    average = settings.train.ema is not None
    return tuple([f"{OF_AVERAGE}{key}" for key in found] * average + found)


def deciding(settings: Settings, *, data: bool) -> str:
    """Return the name of the metric that says which run is better."""
    if not data and not settings.has_loop:
        return LOSS
    names = [*names_of(settings), LOSS]
    given = settings.task.get("metric") or names[0]
    if given in names:
        return str(given)
    raise Mistake("task.metric", f"must be {either(names)}", f"'{given}'")


def names_of(settings: Settings) -> list[str]:
    """Return the names of a task's metrics, the loss left out.

    Raises Mistake for what cannot be names of metrics.
    """
    specs = settings.task.get("metrics") or {}
    if not isinstance(specs, Mapping):
        raise Mistake("task.metrics", "must be names with a _target_ each", repr(specs))
    names = [str(name) for name, spec in specs.items() if spec is not None]
    for name in names:
        if name == LOSS or not name.isidentifier() or not is_key(f"{OF_AVERAGE}val/{name}"):
            must = "must be named by few letters, digits and underscores, and not 'loss'"
            raise Mistake("task.metrics", must, shortened(f"'{name}'", 60))
    return names


def _learn_reported(settings: Settings) -> None:
    """Make known what task.metrics says of the metrics that a loop reports."""
    for name in names_of(settings):
        said = settings.task["metrics"][name]
        said = said if isinstance(said, Mapping) else {"direction": said}
        known = METRICS.get(name)
        direction = said.get("direction", known and known.direction)
        if direction not in (MAXIMIZE, MINIMIZE):
            given = "none" if direction is None else f"'{direction}'"
            raise Mistake(f"task.metrics.{name}.direction", _WAYS, given)
        percent = said.get("percent", known.percent if known else False) is True
        if known is None or (known.direction, known.percent) != (direction, percent):
            learn(name, direction, percent)


def learn(name: str, direction: str, percent: bool) -> None:
    """Make a metric known."""
    _before.setdefault(name, METRICS.get(name))
    worst = {MAXIMIZE: 0.0 if percent else -math.inf, MINIMIZE: math.inf}[direction]
    describe(Metric(name, direction, percent, lambda classes: worst))


def forget() -> None:
    """Know of metrics what was known before they were learnt: others may have the names now."""
    for name, metric in _before.items():
        METRICS.pop(name, None)
        if metric is not None:
            describe(metric)
    _before.clear()


def learn_metrics(settings: Settings) -> None:
    """Make known which way is better of a task's metrics, where it is not known without them.

    Raises Mistake for one that cannot be built.
    """
    if settings.has_loop:
        _learn_reported(settings)
    elif any(name not in METRICS for name in names_of(settings)):
        from runner.build.task import measures_of

        measures_of(settings)
