"""Settings -> the names of a run's metrics, without loading what computes them."""

from collections.abc import Mapping

from runner.config import Settings
from runner.errors import Mistake, either
from runner.results.metrics import METRICS, OF_AVERAGE

LOSS = "loss"
USUAL = "accuracy"  # decides where a task has it


def keys_of(settings: Settings, *, data: bool) -> tuple[str, ...]:
    """Return the keys of the validation data that schedules may listen to and studies may search;
    the last one says by itself which run is better.

    data: whether there is a data set. Raises Mistake for a metric that decides and is none.
    """
    chosen = deciding(settings, data=data)
    names = [name for name in (LOSS, *names_of(settings)) if name != chosen] if data else []
    found = [f"val/{name}" for name in (*names, chosen)]
    average = settings.train.ema is not None
    return tuple([f"{OF_AVERAGE}{key}" for key in found] * average + found)


def deciding(settings: Settings, *, data: bool) -> str:
    """Return the name of the metric that says which run is better."""
    if not data:
        return LOSS
    names = [*names_of(settings), LOSS]
    given = settings.task.get("metric") or names[0]
    if given in names:
        return str(given)
    if given == USUAL:  # taken away
        return names[0]
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
        if name == LOSS or not name.isidentifier():
            must = "must be named by letters, digits and underscores, and not 'loss'"
            raise Mistake("task.metrics", must, f"'{name}'")
    return names


def learn_metrics(settings: Settings) -> None:
    """Make known which way is better of a task's metrics, where it is not known without them.

    Raises Mistake for one that cannot be built.
    """
    if any(name not in METRICS for name in names_of(settings)):
        from runner.build.task import measures_of

        measures_of(settings)
