"""Settings -> the numbers of a run that follow a schedule: the rate, and others beside it.

Knows nothing of torch, so that a trace can be drawn without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runner import config
from runner.config import Settings
from runner.errors import Mistake
from runner.trial.limits import CLIPPING, check_arguments, check_clipping
from schedules import ArgumentError, Horizon, Offset, Schedule, Warmup, steps_of
from schedules.errors import about

SUFFIX = "_schedule"
MOST_STEPS = 10**8  # of a trace that is held as a whole


@dataclass(frozen=True)
class Scheduled:
    """The schedules of a run, all bound to its horizon.

    lr: of the learning rate. optimizer, clipping: of their other numbers, by the argument's name.
    warmed: whether the group `warmup` stands around the rate's.
    """

    horizon: Horizon
    lr: Schedule
    optimizer: Mapping[str, Schedule] = field(default_factory=dict)
    clipping: Mapping[str, Schedule] = field(default_factory=dict)
    warmed: bool = False

    @property
    def others(self) -> dict[str, Schedule]:
        """What is scheduled beside the rate, by name."""
        return {**self.optimizer, **self.clipping}

    def traces(self) -> dict[str, np.ndarray]:
        """Return the value of every update by name, `lr` first; as if no evaluation came for a
        schedule that listens.

        Raises Mistake for a schedule, perhaps of a person's own, that gives no such numbers.
        """
        steps = np.arange(self.horizon.total_steps)
        found = {}
        for name, key, schedule in self._keys():
            try:
                trace = schedule.rates(schedule.begin(), steps)
            except ValueError as error:
                warmed = self.warmed and name == "lr"
                raise _mistake(key, schedule, error, warmed) from error
            if (bad := np.flatnonzero(~(np.isfinite(trace) & (trace >= 0)))).size:
                kind = "rates" if name == "lr" else "values"
                raise Mistake(
                    f"{key} must give finite {kind} of at least 0, "
                    f"got {trace[bad[0]]} at step {bad[0]}"
                )
            if name != "lr":
                self._check_range(key, name, trace)
            found[name] = trace
        return found

    def notes(self) -> list[str]:
        """Return what a person might not have meant: boundaries that the run never reaches."""
        schedule, steps = self.lr, self.horizon.total_steps
        while isinstance(schedule, Warmup | Offset):
            if isinstance(schedule, Offset):
                steps += int(schedule.start)
            elif schedule.placement == "shift":
                steps -= int(schedule.steps or 0) + int(schedule.hold_steps)
            schedule = schedule.schedule
        return [
            f"schedule.{name} {step} lies beyond the last step that it sees, {steps - 1}"
            for name in schedule.durations
            for step in _listed(getattr(schedule, name))
            if step > steps
        ]

    @staticmethod
    def _check_range(key: str, name: str, trace: np.ndarray) -> None:
        check = check_clipping if key.startswith("clipping.") else check_arguments
        for value in (float(trace.min()), float(trace.max())):
            try:
                check({name: value})
            except ValueError as error:
                raise Mistake(f"{key} must give a valid {name}: {error}") from error

    def _keys(self) -> list[tuple[str, str, Schedule]]:
        """The name, the configuration key and the schedule of each number."""
        rooms = {"optimizer": self.optimizer, "clipping": self.clipping}
        return [("lr", "schedule", self.lr)] + [
            (name, f"{room}.{name}{SUFFIX}", schedule)
            for room, schedules in rooms.items()
            for name, schedule in schedules.items()
        ]


def horizon(settings: Settings, train_size: int) -> Horizon:
    """Return the length of a run over so many training samples; 0 is no data, where a step is an
    epoch.

    Raises Mistake for a batch or a run that does not fit them.
    """
    train = settings.train
    if train_size and train.batch_size > train_size:
        raise Mistake(
            f"train.batch_size must be at most {train_size}, the training samples that there are, "
            f"got {train.batch_size}"
        )
    per_epoch = -(-train_size // train.batch_size) if train_size else 1
    one = Horizon(total_steps=1, steps_per_epoch=per_epoch, samples_per_epoch=train_size or None)
    if train.steps is not None:
        return one.of(_possible("train.steps", train.steps, train.steps))
    epochs = f"{train.epochs:.12f}".rstrip("0").rstrip(".") + "ep"
    try:
        steps = steps_of(epochs, one, "epochs", 1)
    except ArgumentError as error:
        raise Mistake.of(error, "train") from error
    return one.of(_possible("train.epochs", train.epochs or 0, steps))


def _listed(value: Any) -> tuple[int, ...]:
    """Return the steps of a duration that is a list; none of any other."""
    return value if isinstance(value, tuple) else ()


def _possible(key: str, given: float, steps: int) -> int:
    if steps > MOST_STEPS:
        raise Mistake(f"{key} must come to at most {MOST_STEPS:,} steps, got {given:g} = {steps:,}")
    return steps


def scheduled(settings: Settings, horizon: Horizon) -> Scheduled:
    """Build everything that follows a schedule. Raises Mistake for what does not fit."""
    spec = settings.schedule
    start = spec.get("start") if isinstance(spec, Mapping) else None
    lr = _built("schedule", spec, start)
    warmed = bool(settings.warmup and settings.warmup.get("_target_"))
    if warmed:
        lr = config.build("warmup", settings.warmup, schedule=lr)
    found = Scheduled(
        horizon=horizon,
        lr=_bound("schedule", lr, horizon, warmed),
        optimizer=_others("optimizer", settings.optimizer, horizon, start),
        clipping=_others("clipping", settings.clipping, horizon, start),
        warmed=warmed,
    )
    _check_listening(found.lr, bool(horizon.samples_per_epoch))
    _check_names(settings, found)
    if both := set(found.optimizer) & set(found.clipping):
        name = min(both)
        raise Mistake(
            f"clipping.{name}{SUFFIX} must be null beside optimizer.{name}{SUFFIX}, since both "
            f"would be recorded as {name}"
        )
    return found


def _check_listening(schedule: Schedule, data: bool) -> None:
    known = ("val/loss", "val/accuracy") if data else ("val/loss",)
    if schedule.listens and schedule.monitor not in known:
        raise Mistake(f"schedule.monitor must be {' or '.join(known)}, got '{schedule.monitor}'")


def _check_names(settings: Settings, found: Scheduled) -> None:
    """Refuse a threshold that the chosen clipping of ours does not have."""
    own = {key for key in unscheduled(settings.clipping) if key != "_target_"}
    for name in found.clipping:
        if name in CLIPPING and name not in own:
            raise Mistake(
                f"clipping.{name}{SUFFIX} needs a clipping with {name}; "
                f"clipping={settings.choices.get('clipping')} has {', '.join(own) or 'no numbers'}"
            )


def unscheduled(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a group's arguments without the schedules among them.

    >>> unscheduled({"max_norm": 1.0, "max_norm_schedule": None})
    {'max_norm': 1.0}
    """
    return {key: value for key, value in spec.items() if not _is_schedule(key, spec)}


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
            raise Mistake(f"{name} must be left out: the group 'schedule' gives the rate")
        schedule = _bound(name, _built(name, value, start), horizon)
        if schedule.listens:
            raise Mistake(
                f"{name} must not depend on evaluations, got {type(schedule).__name__}; "
                f"only the learning rate's schedule may"
            )
        found[key.removesuffix(SUFFIX)] = schedule
    return found


def _built(key: str, spec: Any, start: Any) -> Schedule:
    """Return the schedule of a configuration, counted from its own `start` or the one given."""
    if isinstance(spec, Mapping) and "start" in spec:
        rest = {name: value for name, value in spec.items() if name != "start"}
        own = spec["start"] is not None and config.partial(key, rest).accepts("start")
        start = None if own else start if spec["start"] is None else spec["start"]
        spec = spec if own else rest
    schedule = config.build(key, spec)
    if not isinstance(schedule, Schedule):
        raise Mistake(f"{key}._target_ must be a schedules.Schedule, got {schedule!r}")
    if start in (None, 0):
        return schedule
    try:
        return Offset(schedule=schedule, start=start)
    except ArgumentError as error:
        raise Mistake.of(error, key) from error


def _bound(key: str, schedule: Schedule, horizon: Horizon, warmed: bool = False) -> Schedule:
    try:
        return schedule.bind(horizon)
    except ValueError as error:
        raise _mistake(key, schedule, error, warmed) from error


def _mistake(key: str, schedule: Schedule, error: ValueError, warmed: bool) -> Mistake:
    """Return an error of a schedule as one about its configuration key.

    warmed: whether the group `warmup` stands around it.
    """
    if (own := about(schedule, error)) is None:
        return Mistake.of(error, key)
    where, inner = own.where, schedule
    if warmed and isinstance(schedule, Warmup):
        if not where.startswith("schedule."):
            return Mistake.of(own, "warmup")
        where, inner = where.removeprefix("schedule."), schedule.schedule
    if isinstance(inner, Offset):  # stands for a schedule's own `start`
        where = where.removeprefix("schedule.")
    return Mistake(f"{key}.{where}", own.must, own.given, own.advice)
