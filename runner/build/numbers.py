"""Settings -> the numbers of a run that follow a schedule: the rate, and others beside it.

Knows nothing of torch, so that a trace can be drawn without it.
"""

import json
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from cachetools import LRUCache, cached

from runner import config
from runner.build.metrics import keys_of, learn_metrics
from runner.config import Settings
from runner.config.whole import whole
from runner.culprit import blamed, place, told
from runner.errors import Mistake
from runner.results.events import CLIPPED, GRAD_NORM, LOSS, step_key
from runner.results.metrics import MAXIMIZE, metric
from runner.trial import Numbers
from runner.trial.limits import CLIPPING, check_arguments, check_clipping
from runner.trial.numbers import ROOMS, SUFFIX
from schedules import ArgumentError, Duration, Horizon, Offset, Schedule, Warmup
from schedules.errors import about

MOST_BYTES = 2**26  # of traces that are kept for the next run


def _key(settings: Settings, horizon: Horizon) -> Hashable:
    specs = [settings.schedule, settings.warmup, settings.optimizer, settings.clipping]
    told = [settings.task, settings.train.ema]  # what a schedule may listen to
    chosen = settings.choices.get("clipping")
    return json.dumps([*specs, *told], sort_keys=True), chosen, horizon


def _bytes(numbers: Numbers) -> int:
    return sum(numbers.trace(name).nbytes for name in numbers)


@cached(LRUCache(MOST_BYTES, getsizeof=_bytes), key=_key)
def numbers(settings: Settings, horizon: Horizon) -> Numbers:
    """Build everything that follows a schedule; `lr` comes first. What was built for the same
    settings a moment ago is used again, with its traces.

    Raises Mistake for what does not fit, or gives no rates that can be used.
    """
    if any(_monitors(settings.schedule)):
        learn_metrics(settings)
    spec = _facing("schedule", settings.schedule)
    start = spec.get("start") if isinstance(spec, Mapping) else None
    lr, later = _built("schedule", spec, start)
    warmed = bool(settings.warmup and settings.warmup.get("_target_"))
    if warmed:
        with blamed("warmup", settings.warmup["_target_"]):
            lr = config.build("warmup", settings.warmup, schedule=lr)
    lr = _later("schedule", lr, later)
    schedules = {"lr": _bound("schedule", lr, horizon, warmed)}
    _check_listening(settings, schedules["lr"], data=bool(horizon.samples_per_epoch))
    for room in ROOMS:
        for name, schedule in _others(room, getattr(settings, room), horizon, start).items():
            if name in schedules:
                beside = f"must be null beside optimizer.{name}{SUFFIX}"
                why = f"since both would be recorded as {name}"
                raise Mistake(f"clipping.{name}{SUFFIX}", f"{beside}, {why}")
            if (key := step_key(name)) in (LOSS, GRAD_NORM, CLIPPED):
                must = f"must be null, since {key} is recorded of each run"
                raise Mistake(f"{room}.{name}{SUFFIX}", must)
            schedules[name] = schedule
    _check_names(settings, schedules)
    found = Numbers(schedules, horizon)
    for name in found:
        _check_trace(key_of(name, settings), name, found, warmed)
    return found


def forget() -> None:
    """Keep no numbers any longer: the code of a schedule may have changed."""
    numbers.cache_clear()


def _monitors(spec: Any) -> Iterator[str]:
    """Yield what the schedules of a configuration listen to."""
    if isinstance(spec, Mapping) and isinstance(spec.get("monitor"), str):
        yield spec["monitor"]
    parts = spec.values() if isinstance(spec, Mapping) else spec if isinstance(spec, list) else ()
    for part in parts:
        yield from _monitors(part)


def key_of(name: str, settings: Settings) -> str:
    """Return the configuration key of what a number follows."""
    rooms = (r for r in ROOMS if getattr(settings, r).get(f"{name}{SUFFIX}") is not None)
    return "schedule" if name == "lr" else f"{next(rooms)}.{name}{SUFFIX}"


def unscheduled(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a group's arguments without the schedules among them.

    >>> unscheduled({"max_norm": 1.0, "max_norm_schedule": None})
    {'max_norm': 1.0}
    """
    return {key: value for key, value in spec.items() if not _is_schedule(key, spec)}


def _check_trace(key: str, name: str, numbers: Numbers, warmed: bool) -> None:
    """Refuse a schedule, perhaps of a person's own, whose values cannot be used."""
    with blamed(key, _named(numbers[name])):
        try:
            trace = numbers.trace(name)
        except ValueError as error:
            warmed = warmed and name == "lr"
            raise _mistake(key, numbers[name], error, warmed) from error
    if (bad := np.flatnonzero(~(np.isfinite(trace) & (trace >= 0)))).size:
        kind = "rates" if name == "lr" else "values"
        raise Mistake(
            key, f"must give finite {kind} of at least 0", f"{trace[bad[0]]} at step {bad[0]}"
        )
    check = check_clipping if key.startswith("clipping.") else check_arguments
    for value in (float(trace.min()), float(trace.max())) if name != "lr" else ():
        try:
            check({name: value})
        except ValueError as error:
            raise Mistake(key, f"must give a valid {name}: {error}") from error


def _named(schedule: Schedule) -> str:
    return f"{type(schedule).__module__}.{type(schedule).__qualname__}"


def _check_listening(settings: Settings, schedule: Schedule, *, data: bool) -> None:
    """Refuse what is never evaluated, and a schedule of a person's own that fails to listen."""
    if not schedule.listens:
        return
    known = keys_of(settings, data=data)
    if schedule.monitor not in known:
        raise Mistake("schedule.monitor", f"must be {' or '.join(known)}", f"'{schedule.monitor}'")
    with blamed("schedule", _named(schedule)):
        memory = schedule.observe(schedule.begin(), 1, 1.0)
        schedule.rates(memory, np.arange(1, 2))


def _check_names(settings: Settings, schedules: Mapping[str, Schedule]) -> None:
    """Refuse a threshold that the chosen clipping of ours does not have."""
    own = {key for key in unscheduled(settings.clipping) if key != "_target_"}
    for name in schedules:
        if name in CLIPPING and name not in own and key_of(name, settings).startswith("clipping."):
            has = ", ".join(own) or "no numbers"
            advice = f"clipping={settings.choices.get('clipping')} has {has}"
            needs = f"needs a clipping with {name}"
            raise Mistake(f"clipping.{name}{SUFFIX}", needs, advice=advice)


def _is_schedule(key: str, spec: Mapping[str, Any]) -> bool:
    """Return whether a key names a schedule of ours, not an argument of the target's own."""
    return key.endswith(SUFFIX) and (spec[key] is None or isinstance(spec[key], Mapping))


def _others(room: str, spec: Any, horizon: Horizon, start: Any) -> dict[str, Schedule]:
    found = {}
    for key, value in spec.items() if isinstance(spec, Mapping) else ():
        if value is None or not _is_schedule(key, spec):
            continue
        name = f"{room}.{key}"
        if name == f"optimizer.lr{SUFFIX}":
            raise Mistake(name, "must be left out: the group 'schedule' gives the rate")
        schedule = _bound(name, _later(name, *_built(name, value, start)), horizon)
        if schedule.listens:
            raise Mistake(
                name,
                "must not depend on evaluations",
                f"{type(schedule).__name__}",
                "only the learning rate's schedule may",
            )
        found[key.removesuffix(SUFFIX)] = schedule
    return found


def _built(key: str, spec: Any, start: Any) -> tuple[Schedule, Any]:
    """Return the schedule of a configuration, and the step to count it from: its own `start` or the
    one given; None where it counts by itself."""
    if isinstance(spec, Mapping) and "start" in spec:
        rest = {name: value for name, value in spec.items() if name != "start"}
        own = spec["start"] is not None and config.partial(key, rest).accepts("start")
        start = None if own else start if spec["start"] is None else spec["start"]
        spec = spec if own else rest
    with blamed(key, spec.get("_target_") if isinstance(spec, Mapping) else spec):
        schedule = config.build(key, spec)
    if not isinstance(schedule, Schedule):
        raise Mistake(f"{key}._target_", "must be a schedules.Schedule", f"{schedule!r}")
    return schedule, start


def _later(key: str, schedule: Schedule, start: Any) -> Schedule:
    """Return a schedule, its warm-up included, counted from a later step."""
    if start in (None, 0):
        return schedule
    try:
        return Offset(schedule=schedule, start=whole(start, Duration))
    except ArgumentError as error:
        raise Mistake.of(error, key) from error


def _facing(key: str, spec: Any) -> Any:
    """Return a configuration in which each schedule that listens knows which way is better.

    Raises Mistake where it says the other one.
    """
    if isinstance(spec, list):
        return [_facing(f"{key}[{i}]", one) for i, one in enumerate(spec)]
    if not isinstance(spec, Mapping):
        return spec
    found = {name: _facing(f"{key}.{name}", one) for name, one in spec.items()}
    monitor, given = found.get("monitor"), found.get("mode")
    if not isinstance(monitor, str) or not found.get("_target_"):
        return found
    if not config.partial(key, {"_target_": found["_target_"]}).accepts("mode"):
        return found
    mode = "max" if metric(monitor).direction == MAXIMIZE else "min"
    if given in ("min", "max") and given != mode:
        which = "higher" if mode == "max" else "lower"
        must = f"must be null or {mode}, as a {which} {monitor} is better"
        raise Mistake(f"{key}.mode", must, f"'{given}'")
    return found if given else {**found, "mode": mode}


def _bound(key: str, schedule: Schedule, horizon: Horizon, warmed: bool = False) -> Schedule:
    with blamed(key, _named(schedule)):
        try:
            return schedule.bind(horizon)
        except ValueError as error:
            raise _mistake(key, schedule, error, warmed) from error


def _mistake(key: str, schedule: Schedule, error: ValueError, warmed: bool) -> Mistake:
    """Return an error of a schedule as one about its configuration key.

    warmed: whether the group `warmup` stands around it.
    """
    if (own := about(schedule, error)) is None:
        plain = isinstance(error, ArgumentError) or not place(error)
        return Mistake.of(error, key) if plain else Mistake(f"{key}:", told(error))
    where, inner = own.where, schedule
    if isinstance(inner, Offset):  # stands for a schedule's own `start`
        if where == "start":
            return Mistake.of(own, key)
        where, inner = where.removeprefix("schedule."), inner.schedule
    if warmed and isinstance(inner, Warmup):
        if not where.startswith("schedule."):
            return Mistake(f"warmup.{where}", own.must, own.given, own.advice)
        where = where.removeprefix("schedule.")
    return Mistake(f"{key}.{where}", own.must, own.given, own.advice)
