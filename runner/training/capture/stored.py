"""A captured state, checked as a whole before anything takes it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from runner.training.capture import optimizer as optimizers
from runner.training.capture.copies import described
from runner.training.capture.held import Held
from runner.training.capture.kinds import Kind, can_be_named, has_extra_state
from runner.training.capture.writing import Values, check_generator
from schedules.errors import ArgumentError

Captured = dict[str, Any]


class Stored:
    """What a captured state gives each thing of a fresh one.

    fresh: what the things whose changes are stored hold in a fresh one, by their paths. device:
    where the model lies.
    Raises ValueError where it does not fit.
    """

    def __init__(
        self,
        captured: Captured,
        held: Held,
        fresh: Mapping[str, Any],
        optimizer: Optimizer,
        device: torch.device,
    ) -> None:
        self._held = held
        try:
            self.step = _whole(captured["step"])
            self.weights = self._weights(captured["weights"])
            self.trained = frozenset(captured["trained"])
            values = Values(held, captured["new"], device)
            self.position = values.value(captured["position"])
            given = dict(captured["held"])
            for path in given:
                if path not in fresh:
                    raise ValueError(f"{path} is there and not here")
            self.contents = {
                path: self._content(path, values, content)
                for path, content in {**fresh, **given}.items()
            }
            optimizers.check(optimizer, self._now)
            self.extra = self._extra(captured["extra"], device)
        except ValueError as error:
            raise ArgumentError("a stored state", f"must fit its recipe: {error}") from error
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise ArgumentError(
                "a stored state", f"must be whole, but it is not: {told}"
            ) from error

    def _weights(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        own = [path for path in self._held.things if path in self._held.registered]
        for path in (*own, *given):
            if path not in given or path not in own:
                raise ValueError(
                    f"{path} is {'here and not there' if path in own else 'there and not here'}"
                )
            _check_like(path, given[path], self._held.things[path].value)
        return dict(given)

    def _content(self, path: str, values: Values, content: Any) -> Any:
        thing = self._held.things[path]
        found = values.content(thing.kind, content)
        match thing.kind:
            case Kind.TENSOR | Kind.ARRAY:
                _check_like(path, found, thing.value)
            case Kind.GENERATOR:
                check_generator(thing.value, found)
            case Kind.OWNER:
                for name in found["attributes"]:
                    if not can_be_named(thing.value, name):
                        raise ValueError(f"{path} has {name} there, which is no attribute to store")
                for name, one in found["buffers"].items():
                    if not isinstance(one, Tensor | None):
                        raise ValueError(f"{path}.{name} is no tensor there")
        return found

    def _now(self, value: Any) -> Any:
        """Return what a thing is to hold; anything else as it is."""
        path = self._held.path(value)
        return value if path is None else self.contents.get(path, value)

    def _extra(self, given: Mapping[str, Any], device: torch.device) -> dict[str, Any]:
        found = {}
        for path, part in given.items():
            if path not in self._held.things or not has_extra_state(self._held.things[path].value):
                raise ValueError(f"{path} has an extra state there and none here")
            found[path] = Values(Held({}), part["new"], device).value(part["code"])
        return found


def _whole(step: Any) -> int:
    if type(step) is not int or step < 0:
        raise ValueError(f"step is {step!r} there")
    return step


def _check_like(path: str, there: Any, here: Any) -> None:
    """Raise ValueError unless numbers are of one kind, shape and type."""
    is_tensor = isinstance(here, Tensor)
    if not isinstance(there, Tensor if is_tensor else type(here)):
        raise ValueError(f"{path} is a {type(there).__name__} there")
    if described(there) != described(here):
        raise ValueError(f"{path} is {described(there)} there and {described(here)} here")
