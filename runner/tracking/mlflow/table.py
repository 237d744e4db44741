"""What was recorded, as a table: a row a run."""

import math
import re
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.results.view import CONFIRM, KIND, SETTING, STATUS, STUDY, SUMMARY, TRIAL
from runner.tracking.mlflow import reading
from runner.tracking.mlflow.named import PARTS, Store, tagged
from runner.tracking.mlflow.store import refusal
from runner.tracking.mlflow.tracker import LOST

if TYPE_CHECKING:
    from mlflow.entities import Run
    from pandas import DataFrame, Series

_PAGE = 1000  # runs of an answer
_SEED = "seed"
_PLACES = ("val/", "ema/val/", "test/")  # of metrics that stand in front
_TRIAL = re.compile(r"trial (\d+)")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,17})")  # what 64 bits hold
_TRUTH = {"True": True, "False": False}
_MOST = sys.float_info.max  # what MLflow keeps of inf


def _is_whole(text: str) -> bool:
    return bool(_WHOLE.fullmatch(text)) and str(int(text)) == text


def _is_real(text: str) -> bool:
    """Return whether a text is what Python writes of the number that it is: 007 and 2.10 are names,
    not numbers."""
    try:
        number = float(text)
    except ValueError:
        return False
    return str(number) == text or (_is_whole(text) and int(number) == int(text))


# what fits, how it is read, the type of a column, the type of one in which something is missing
_KINDS: tuple[tuple[Callable[[str], Any], Callable[[str], Any], Any, Any], ...] = (
    (_is_whole, int, "int64", "Int64"),
    (_is_real, float, "float64", "float64"),
    (_TRUTH.__contains__, _TRUTH.__getitem__, "bool", "boolean"),
)


def table(uri: str, name: str) -> "DataFrame":
    """Return the runs of a study, a sweep or an experiment that are in a store.

    name: see `find.find`. Raises Mistake for what is not there, with nothing created.
    """
    reading.check(uri)
    try:
        return frame(runs(Store.of(reading.open_store(uri), uri), name))
    except Exception as error:
        raise refusal(uri, error) from error


def runs(store: Store, name: str) -> list["Run"]:
    """Return the runs that a name means, those of a study by trial and seed, others in the order in
    which they began; none that a worker has lost, and no summaries.

    Raises Mistake for a name that nothing has.
    """
    if (one := store.run(name)) is not None:
        return [one]
    found = [run for run in _named(store, name) if _counts(run.data.tags)]
    found.sort(key=lambda run: run.info.start_time)
    return sorted(found, key=_place) if any(STUDY in run.data.tags for run in found) else found


def frame(found: Sequence["Run"]) -> "DataFrame":
    """Return a row for each run: the trial and seed, how it ended, the parameters that differ, the
    metrics as they were last, of what it is a part, its name and id, the other parameters.

    Numbers and truths are such where all of a column are, each as Python writes it; what a run has
    not is missing. A
    parameter or metric whose name is taken is called `params.NAME` or `metrics.NAME`.
    """
    from pandas import DataFrame

    params = _columns([run.data.params for run in found])
    metrics = _columns([run.data.metrics for run in found])
    first: dict[str, Series] = {}
    if any(numbers := [_trial(run) for run in found]):
        first["trial"] = typed(numbers)
    if _SEED in params:
        first[_SEED] = typed(params.pop(_SEED))
    first["status"] = _texts(run.data.tags.get(STATUS, run.info.status) for run in found)
    first["seconds"] = _floats(map(_seconds, found))
    last = {"run": _texts(run.info.run_name for run in found)}
    last["run_id"] = _texts(run.info.run_id for run in found)
    for tag in (KIND, *PARTS):
        if any(values := [run.data.tags.get(tag) for run in found]):
            last[tag] = _texts(values)
    differing = {key: typed(texts) for key, texts in params.items() if len(set(texts)) > 1}
    same = {key: typed(texts) for key, texts in params.items() if key not in differing}
    figures = {key: _floats(map(_exact, metrics[key])) for key in sorted(metrics, key=_order)}
    taken = {*first, *last}
    differing, same = (_free(more, "params", taken) for more in (differing, same))
    figures = _free(figures, "metrics", {*taken, *differing, *same})
    return DataFrame(first | differing | figures | last | same)


def typed(texts: Sequence[str | None]) -> "Series":
    """Return texts as whole numbers, numbers or truths where all that are there are such.

    >>> typed(["3", None, "40"]).tolist(), typed(["1e-05", "0.5"]).tolist()
    ([3, <NA>, 40], [1e-05, 0.5])
    >>> typed(["007", "2.10"]).tolist()
    ['007', '2.10']
    >>> typed(["True", "False"]).tolist(), typed(["10%", "3"]).tolist()
    ([True, False], ['10%', '3'])
    """
    from pandas import Series

    there = {text for text in texts if text is not None}
    for fits, read, kind, missing in _KINDS:
        if all(map(fits, there)):
            values: dict[str | None, Any] = {text: read(text) for text in there}
            return Series(map(values.get, texts), dtype=missing if None in texts else kind)
    return _texts(texts)


def _exact(value: float | None) -> float | None:
    """Return a metric as it was recorded: MLflow keeps the largest number in place of inf."""
    return value if value is None or abs(value) < _MOST else math.copysign(math.inf, value)


def _texts(values: Iterable[str | None]) -> "Series":
    from pandas import Series

    return Series(list(values), dtype="str")


def _floats(values: Iterable[float | None]) -> "Series":
    from pandas import Series

    return Series(list(values), dtype="float64")


def _named(store: Store, name: str) -> list["Run"]:
    """Return all runs of the study or sweep, or in the experiment, of a name, and maybe others."""
    if name and (experiment := store.experiment(name)) is not None:
        return [*store.runs(ids=[experiment.experiment_id], first=_PAGE, then=_PAGE)]
    if name and (part := store.part(name)) is not None:
        return _of_part(store, part[0], name)
    newest = store.preset(name) if name else store.newest()
    if newest is None:
        if name:
            raise store.unknown(name)
        return []
    place = newest.info.experiment_id
    for tag in PARTS:
        part_of = newest.data.tags.get(tag)
        if part_of and part_of != store.experiments[place].name:
            return _of_part(store, tag, part_of)
    return [*store.runs(ids=[place], first=_PAGE, then=_PAGE)]


def _of_part(store: Store, tag: str, name: str) -> list["Run"]:
    found = store.runs(tagged(tag, name), first=_PAGE, then=_PAGE)
    return [run for run in found if run.data.tags[tag] == name]


def _counts(tags: Mapping[str, str]) -> bool:
    return LOST not in tags and tags.get(KIND) != SUMMARY


def _place(run: "Run") -> tuple[str, bool, int, int]:
    """Return where a run stands among those of studies: by study, trial and seed."""
    tags, seed = run.data.tags, run.data.params.get(_SEED, "")
    trial = int(_trial(run) or -1)
    last = tags.get(KIND) == CONFIRM
    return tags.get(STUDY, ""), last, trial, int(seed) if _WHOLE.fullmatch(seed) else 0


def _trial(run: "Run") -> str | None:
    """Return the number of the trial that a run is of; that which confirms a baseline has none."""
    tags = run.data.tags
    is_part = tags.get(KIND) in (TRIAL, CONFIRM)
    found = _TRIAL.fullmatch(tags.get(SETTING, "")) if is_part else None
    return found[1] if found else None


def _seconds(run: "Run") -> float | None:
    start, end = run.info.start_time, run.info.end_time
    return (end - start) / 1000 if start is not None and end else None


def _order(key: str) -> tuple[int, str]:
    """Return where a metric stands: validation, test, all else."""
    places = [key.startswith(start) for start in _PLACES]
    return (places.index(True) if any(places) else len(places)), key


def _free(
    columns: "Mapping[str, Series]", room: str, taken: Collection[str]
) -> "dict[str, Series]":
    """Return columns under names that are free."""
    return {f"{room}.{key}" if key in taken else key: one for key, one in columns.items()}


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return rows as columns, in the order in which keys come."""
    keys = dict.fromkeys(key for row in rows for key in row)
    return {key: [row.get(key) for row in rows] for key in keys}
