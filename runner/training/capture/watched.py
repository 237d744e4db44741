"""A training state as plain values, and back."""

from typing import Any

import torch
from torch import Tensor, nn

from runner.training.capture import optimizer
from runner.training.capture.copies import copied, like, memory, same
from runner.training.capture.held import Held, Thing
from runner.training.capture.images import image
from runner.training.capture.kinds import Kind, has_extra_state, name_of, parts
from runner.training.capture.reading import NotStorable, Reading
from runner.training.capture.stored import Captured, Stored
from runner.training.capture.weights import named
from runner.training.capture.writing import write
from runner.training.data import Dataset
from runner.training.state import State

_NUMBERS = (Kind.TENSOR, Kind.ARRAY)


class Watched:
    """A state, looked at while it is fresh: what training changes in it becomes plain values, which
    a fresh state of the same recipe takes back, in another process too.

    data: whose augmentation may hold something that training changes.
    """

    def __init__(self, state: State, data: Dataset | None = None) -> None:
        self._state = state
        held = self._held = Held(_roots(state, data))
        contents = Reading(held).contents
        self._fresh = {path: copied(contents[path]) for path in contents if self._is_seen(path)}
        things = held.things.values()
        numbers = [one for one in things if one.kind in _NUMBERS]
        self._likes = {one.path: like(one.value) for one in numbers}
        self._memory = {one.path: memory(one.value) for one in numbers}
        self._parts = {one.path: _parts(one) for one in things}
        opaque = [one for one in things if one.kind is Kind.OPAQUE]
        self._images = {one.path: image(one.value, held.path) for one in opaque}
        self._trained = optimizer.parameters(state.optimizer)
        self._first: Captured | None = None

    def capture(self) -> Captured:
        """Return all that decides the following updates but what evaluations left: the schedule's
        memory, the best of it, when it was evaluated.

        It is nested in None, bool, int, float, str, bytes, tuple, list, dict, torch.dtype, tensors,
        arrays and numpy's numbers. Tensors are copies on their device, for which nobody waits but
        for those in plain attributes, which are compared with what they were. Call it where a Chunk
        is heard. Raises NotStorable where something changes in training that no plain value says.
        """
        self._follow()
        state, held = self._state, self._held
        if state.diverged:
            raise NotStorable("a loss or gradient is not finite, which no state goes on from")
        reading = Reading(held)
        position = reading.code(state.position, "the position of the training data")
        names = named(state.model, reading)
        self._check(reading)
        contents = {path: one for path, one in reading.contents.items() if self._is_seen(path)}
        weights = {path: held.things[path].value for path in held.things if self._is_weight(path)}
        owners = (held.things[path] for path in contents)
        return {
            "step": state.step,
            "position": position,
            "weights": {path: copied(one) for path, one in weights.items()},
            "names": names,
            "trained": [path for path, one in weights.items() if one.requires_grad],
            "held": {
                path: copied(content)
                for path, content in contents.items()
                if not same(content, self._fresh[path])
            },
            "new": _new(reading),
            "extra": {one.path: _extra(one) for one in owners if has_extra_state(one.value)},
        }

    def restore(self, captured: Captured) -> None:
        """Put what was captured into this state, in place: a fresh one, or one to which other
        things were restored since.

        Raises ValueError where it does not fit; the state is then as it was.
        """
        if self._first is None:
            self._first = self.capture()
        self._put(captured)

    def renew(self) -> None:
        """Make the state fresh again, whatever was restored."""
        if self._first is not None:
            self._put(self._first)

    def settle(self) -> None:
        """Keep nothing that `renew` needs: training begins."""
        self._first = None

    def _put(self, captured: Captured) -> None:
        self._follow()
        state, held = self._state, self._held
        stored = Stored(captured, held, self._fresh, state.optimizer, _home(state))
        for path, value in stored.extra.items():
            held.things[path].value.set_extra_state(value)
        with torch.no_grad():
            for path, tensor in stored.weights.items():
                held.things[path].value.copy_(tensor)
        for path, content in stored.contents.items():
            write(held.things[path], content)
        for path in stored.weights:
            if isinstance(one := held.things[path].value, nn.Parameter):
                one.requires_grad_(path in stored.trained)
        state.step, state.position = stored.step, stored.position

    def _follow(self) -> None:
        """Take the clipping as it is now: a schedule puts another one in its place."""
        if self._held.path(self._state.clipping) != "clipping":
            self._held.replace("clipping", self._state.clipping)

    def _is_weight(self, path: str) -> bool:
        return path in self._held.registered

    def _is_seen(self, path: str) -> bool:
        """Return whether the changes of what is no weight are known."""
        return not self._is_weight(path) and self._held.things[path].kind is not Kind.OPAQUE

    def _check(self, reading: Reading) -> None:
        """Raise NotStorable for what changes in another way than in what it holds."""
        if optimizer.parameters(self._state.optimizer) != self._trained:
            raise NotStorable("optimizer.param_groups has other parameters, since training began")
        places: dict[int, str] = {}
        for path in reading.contents:
            self._check_thing(thing := self._held.things[path])
            if thing.kind in _NUMBERS and memory(thing.value) == self._memory[path]:
                places.setdefault(memory(thing.value), path)
        moved = [
            (path, self._held.things[path].value)
            for path in self._memory
            if path in reading.contents
            and memory(self._held.things[path].value) != self._memory[path]
        ]
        made = [(path, content) for kind, content, path in reading.new if kind in _NUMBERS]
        for path, value in (*moved, *made):
            other = places.setdefault(memory(value), path) if memory(value) else path
            if other != path:
                raise NotStorable(f"{path} shares its memory with {other}, since training began")

    def _check_thing(self, thing: Thing) -> None:
        path, value = thing.path, thing.value
        if thing.kind is Kind.OPAQUE:
            before = self._images[path]
            if before is None or before != image(value, self._held.path):
                how = "cannot be compared" if before is None else "changes in training"
                raise NotStorable(f"{path} is a {name_of(value)}, which {how}")
        if thing.kind in _NUMBERS and like(value) != self._likes[path]:
            raise NotStorable(f"{path} is of another shape, type or strides, since training began")
        if isinstance(value, Tensor) and value.grad_fn is not None:
            raise NotStorable(f"{path} is a tensor with a gradient, which training makes")
        if _parts(thing) != self._parts[path]:
            raise NotStorable(f"{path} has other modules or parameters, since training began")


def _roots(state: State, data: Dataset | None) -> dict[str, Any]:
    roots = {"model": state.model, "optimizer": state.optimizer, "clipping": state.clipping}
    roots["loss"] = state.task.loss
    if state.average is not None:
        roots["average"] = state.average
    if data is not None and data.augment is not None:
        roots["augment"] = data.augment
    return roots


def _home(state: State) -> torch.device:
    found: torch.device = state.optimizer.param_groups[0]["params"][0].device
    return found


def _parts(thing: Thing) -> dict[str, int]:
    if thing.kind is not Kind.OWNER:
        return {}
    return {name: id(one) for name, one in parts(thing.value).items()}


def _new(reading: Reading) -> list[tuple[str, Any]]:
    """Return what was made in training; of a tensor also where it lies."""
    return [
        (kind.value, (copied(one), one.device.type) if kind is Kind.TENSOR else copied(one))
        for kind, one, _ in reading.new
    ]


def _extra(thing: Thing) -> dict[str, Any]:
    """Return what a module itself gives to be stored."""
    given = thing.value.get_extra_state()
    reading = Reading(Held({}))
    code = reading.code(given, f"the extra state of {thing.path}")
    return {"code": code, "new": _new(reading)}
