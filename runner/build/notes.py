"""What a person might not have meant by a run's schedules, as lines to be shown."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from runner.build.numbers import key_of
from runner.config import Settings
from runner.trial import Numbers
from schedules import (
    Clamp,
    FromTorch,
    Join,
    Offset,
    Product,
    Repeat,
    Scale,
    Schedule,
    Warmup,
    WarmupStableDecay,
)
from schedules.durations import parse
from schedules.warmup import USUAL_FRACTION

FAR = 2  # times the steps that a schedule sees, or they it
VANISHED = 1e-6  # of the peak
MOST_EVALUATIONS = 1000  # that a schedule is tried with


@dataclass(frozen=True)
class _Seen:
    """A schedule within a run's: its key, its configuration, and the steps that it sees."""

    key: str
    spec: Mapping[str, Any]
    schedule: Schedule
    steps: int


def notes(settings: Settings, numbers: Numbers, eval_every: int) -> list[str]:
    """Return what a person might not have meant, a line each.

    That is durations beyond the run or long before its end, a ramp that rounds to nothing, a step()
    each update where nothing says so, a rate that vanishes early, and a schedule that hears too few
    evaluations to act.
    """
    seen = list(_seen(settings, numbers))
    early = [line for one in seen for line in _early(one)]
    epoch = numbers.horizon.steps_per_epoch
    return [
        *(line for one in seen for line in (*_beyond(one, epoch), *_no_ramp(one))),
        *(line for one in seen if 1 < epoch < one.steps for line in _each_update(one)),
        *(early or _vanishing(numbers)),
        *_unheard(seen, numbers, eval_every),
    ]


def _seen(settings: Settings, numbers: Numbers) -> Iterator[_Seen]:
    """Yield what each number follows, the learning rate's warm-up, and what is within them."""
    for name in numbers:
        key, steps = key_of(name, settings), numbers.horizon.total_steps
        room, _, inner = key.partition(".")
        spec = _mapping(getattr(settings, room).get(inner) if inner else settings.schedule)
        schedule: Schedule = numbers[name]
        if isinstance(schedule, Offset) and spec.get("_target_") != "schedules.Offset":
            schedule, steps = schedule.schedule, _within(schedule, steps)
        if name == "lr" and isinstance(schedule, Warmup) and settings.warmup.get("_target_"):
            yield _Seen("warmup", settings.warmup, schedule, steps)
            schedule, steps = schedule.schedule, _within(schedule, steps)
        yield from _and_parts(_Seen(key, spec, schedule, steps))


def _and_parts(one: _Seen) -> Iterator[_Seen]:
    yield one
    schedule, inner = one.schedule, one.spec.get("schedule")
    if isinstance(schedule, Warmup | Offset | Repeat | Scale | Clamp):
        steps = _within(schedule, one.steps)
        yield from _and_parts(
            _Seen(f"{one.key}.schedule", _mapping(inner), schedule.schedule, steps)
        )
    if isinstance(schedule, Join | Product):
        stretches = [one.steps] * len(schedule.schedules)
        if isinstance(schedule, Join) and schedule.placement == "shift":
            edges = pairwise((0, *map(int, schedule.boundaries), one.steps))
            stretches = [stop - start for start, stop in edges]
        specs = one.spec.get("schedules")
        for i, (part, steps) in enumerate(zip(schedule.schedules, stretches, strict=True)):
            own = _mapping(specs[i] if isinstance(specs, list) else None)
            yield from _and_parts(_Seen(f"{one.key}.schedules[{i}]", own, part, steps))


def _within(schedule: Schedule, steps: int) -> int:
    """Return the steps that the schedule within one sees."""
    if isinstance(schedule, Offset):
        return steps + int(schedule.start)
    if isinstance(schedule, Repeat):
        return min(steps, int(schedule.cycle_steps))
    if isinstance(schedule, Warmup) and schedule.placement == "shift":
        return steps - int(schedule.steps or 0) - int(schedule.hold_steps)
    return steps


def _mapping(spec: Any) -> Mapping[str, Any]:
    return spec if isinstance(spec, Mapping) else {}


def _beyond(one: _Seen, epoch: int) -> Iterator[str]:
    """Yield the boundaries that are never reached, and the durations that hardly begin."""
    for name in one.schedule.durations:
        value, key = getattr(one.schedule, name), f"{one.key}.{name}"
        if isinstance(value, tuple):
            beyond = [step for step in value if step > one.steps]
            last = f"beyond the last step that it sees, {one.steps - 1}"
            if len(beyond) == 1:
                yield f"{key} {beyond[0]} lies {last}"
            elif beyond:
                yield f"{key}: {len(beyond)} of {len(value)}, from {beyond[0]} on, lie {last}"
        elif name not in ("end_steps", "start") and (value or 0) > max(FAR * one.steps, epoch):
            yield f"{key} {value} is more than twice the {one.steps} steps that it sees"


def _early(one: _Seen) -> Iterator[str]:
    """Yield an end after which the rate holds for most of the steps; none given as a share."""
    if one.schedule.after != "hold" or one.schedule.lists or "end_steps" in one.schedule.durations:
        return
    end = one.schedule.end_step() or one.steps
    for name in one.schedule.durations:
        share = str(one.spec.get(name)).endswith("%")
        if end == getattr(one.schedule, name) and FAR * end < one.steps and not share:
            yield f"{one.key}.{name} ends at step {end} of {one.steps}, and the rate holds there"


def _no_ramp(one: _Seen) -> Iterator[str]:
    """Yield a ramp that was asked for and rounds to nothing."""
    schedule, name, least = one.schedule, "warmup_steps", 1
    if isinstance(schedule, Warmup):
        name = "fraction" if one.spec.get("steps") is None else "steps"
        length = int(schedule.steps or 0)
        least += schedule.start is None and schedule.start_factor is None
    elif isinstance(schedule, WarmupStableDecay):
        length = int(schedule.warmup_steps)
    else:
        return
    given = one.spec.get(name)
    if name == "fraction" and given is None:
        given = USUAL_FRACTION
    share = name == "fraction" and isinstance(given, float) and given
    rounded = parse(given)[0] > 0 if isinstance(given, str) else share
    if rounded and length < least:
        count = f"{length} step{'' if length == 1 else 's'}"
        yield f"{one.key}.{name} {given} comes to {count} of {one.steps}, which is no ramp"


def _each_update(one: _Seen) -> Iterator[str]:
    """Yield that a scheduler of PyTorch's, such as ExponentialLR, is stepped each update, where no
    argument has a unit that would say so."""
    null = isinstance(one.schedule, FromTorch) and one.spec.get("step_every") is None
    if null and one.spec.get("arguments") and _lacks_unit(one.spec):
        yield f"{one.key}.step_every is null: a step() follows each update; with 1ep, each epoch"


def _lacks_unit(spec: Mapping[str, Any]) -> bool:
    """Return whether a scheduler, or one within it, has no duration with a unit of its own."""
    arguments = _mapping(spec.get("arguments"))
    parts = (part for value in arguments.values() if isinstance(value, list) for part in value)
    inner = [part for part in parts if isinstance(part, Mapping) and "scheduler" in part]
    return any(map(_lacks_unit, inner)) if inner else not _has_unit(arguments)


def _has_unit(value: Any) -> bool:
    """Return whether there is a duration with a unit among a scheduler's arguments."""
    if isinstance(value, Mapping):
        return any(map(_has_unit, value.values()))
    if isinstance(value, list):
        return any(map(_has_unit, value))
    try:
        return isinstance(value, str) and parse(value)[1] != "steps"
    except ValueError:
        return False


def _vanishing(numbers: Numbers) -> Iterator[str]:
    """Yield a rate that is next to nothing for most of the run."""
    trace, total = numbers.trace("lr"), numbers.horizon.total_steps
    peak = trace.max()
    if not peak:
        return
    left = int(np.flatnonzero(trace >= VANISHED * peak)[-1]) + 1
    if 2 * left < total:
        why = "" if numbers.horizon.steps_per_epoch > 1 else "; without data an epoch is 1 step"
        yield f"the rate is under a millionth of its peak from step {left} of {total} on{why}"


def _unheard(seen: list[_Seen], numbers: Numbers, eval_every: int) -> Iterator[str]:
    """Yield a schedule that listens and whose rate no evaluation of the run can change."""
    schedule, last = numbers["lr"], numbers.horizon.total_steps - 1
    if not schedule.listens:
        return
    heard, memory = last // eval_every, schedule.begin()
    known = all(type(one.schedule).__module__.startswith("schedules.") for one in seen)
    if heard and (heard > MOST_EVALUATIONS or not known):
        return
    # None of these improves on the first, so that a cut comes as early as it can.
    for step in range(eval_every, last + 1, eval_every):
        memory = schedule.observe(memory, step, 1.0)
        steps = np.array([step, last])
        if (schedule.rates(memory, steps) != numbers.trace("lr")[steps]).any():
            return
    count = f"{heard} evaluation{'' if heard == 1 else 's'}"
    few = f"{count} of {schedule.monitor} before the last step (train.eval_every {eval_every})"
    yield f"the schedule cannot change the rate: it hears {few}"
