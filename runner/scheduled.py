"""Settings -> the numbers of a run that follow a schedule: the rate, and others beside it.

Knows nothing of torch, so that a trace can be drawn without it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from runner import config
from runner.config import Settings
from runner.errors import Mistake, one_line
from schedules import Horizon, Offset, Schedule, Warmup, steps_of

SUFFIX = "_schedule"


@dataclass(frozen=True)
class Scheduled:
    """The schedules of a run, all bound to its horizon.

    lr: of the learning rate. optimizer, clipping: of their other numbers, by the argument's name.
    """

    horizon: Horizon
    lr: Schedule
    optimizer: Mapping[str, Schedule] = field(default_factory=dict)
    clipping: Mapping[str, Schedule] = field(default_factory=dict)

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
                raise Mistake(_named(key, schedule, error)) from error
            if (bad := np.flatnonzero(~(np.isfinite(trace) & (trace >= 0)))).size:
                kind = "rates" if name == "lr" else "values"
                raise Mistake(
                    f"{key} must give finite {kind} of at least 0, "
                    f"got {trace[bad[0]]} at step {bad[0]}"
                )
            found[name] = trace
        return found

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
        return one.of(train.steps)
    epochs = f"{train.epochs:.12f}".rstrip("0").rstrip(".") + "ep"
    try:
        return one.of(steps_of(epochs, one, "epochs", 1))
    except ValueError as error:
        raise Mistake(f"train.{one_line(error)}") from error


def scheduled(settings: Settings, horizon: Horizon) -> Scheduled:
    """Build everything that follows a schedule. Raises Mistake for what does not fit."""
    lr = _built("schedule", settings.schedule)
    if settings.warmup and settings.warmup.get("_target_"):
        lr = config.build("warmup", settings.warmup, schedule=lr)
    return Scheduled(
        horizon=horizon,
        lr=_bound("schedule", lr, horizon),
        optimizer=_others("optimizer", settings.optimizer, horizon),
        clipping=_others("clipping", settings.clipping, horizon),
    )


def unscheduled(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a group's arguments without the schedules among them.

    >>> unscheduled({"max_norm": 1.0, "max_norm_schedule": None})
    {'max_norm': 1.0}
    """
    return {key: value for key, value in spec.items() if not key.endswith(SUFFIX)}


def _others(room: str, spec: Any, horizon: Horizon) -> dict[str, Schedule]:
    found = {}
    for key, value in spec.items() if isinstance(spec, Mapping) else ():
        if not key.endswith(SUFFIX) or value is None:
            continue
        if isinstance(value, Mapping) and value.get("_target_", "") is None:
            continue
        name = f"{room}.{key}"
        schedule = _bound(name, _built(name, value), horizon)
        if schedule.listens:
            raise Mistake(
                f"{name} must not depend on evaluations, got {type(schedule).__name__}; "
                f"only the learning rate's schedule may"
            )
        found[key.removesuffix(SUFFIX)] = schedule
    return found


def _built(key: str, spec: Any) -> Schedule:
    """Return the schedule of a configuration, counted from its `start`."""
    start = None
    if isinstance(spec, Mapping) and "start" in spec:
        rest = {name: value for name, value in spec.items() if name != "start"}
        if not config.partial(key, rest).accepts("start"):
            spec, start = rest, spec["start"]
    schedule = config.build(key, spec)
    if not isinstance(schedule, Schedule):
        raise Mistake(f"{key}._target_ must be a schedules.Schedule, got {schedule!r}")
    if start in (None, 0):
        return schedule
    try:
        return Offset(schedule=schedule, start=start)
    except (ValueError, TypeError) as error:
        raise Mistake(f"{key}.{one_line(error)}") from error


def _bound(key: str, schedule: Schedule, horizon: Horizon) -> Schedule:
    try:
        return schedule.bind(horizon)
    except ValueError as error:
        raise Mistake(_named(key, schedule, error)) from error


def _named(key: str, schedule: Schedule, error: ValueError) -> str:
    """Return an error of a schedule with its configuration key in front."""
    message, inner = one_line(error), schedule
    if isinstance(schedule, Warmup) and key == "schedule":
        if not message.startswith("schedule."):
            return f"warmup.{message}"
        message, inner = message.removeprefix("schedule."), schedule.schedule
    if isinstance(inner, Offset):  # stands for a schedule's own `start`
        message = message.removeprefix("schedule.")
    return f"{key}.{message}"
