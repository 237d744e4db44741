"""A state of a loop that can be gone on with: what it has handed over, and how far it is."""

import copy
import shutil
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

from runner.culprit import told
from runner.training.capture import NotStorable
from runner.training.own_loop.drawn import draw_again, drawn
from runner.training.own_loop.files import files_of, write_files
from runner.training.own_loop.handed import unkept
from runner.training.own_loop.state import LoopState
from runner.training.state import Best, Progress

_SAID = ("pattern", "lr_scale")  # of a parameter group, in what is known of a run


@dataclass(frozen=True)
class Snapshot:
    """A copy of a state between two steps.

    progress: how far it is. parts: the state dict of each thing that the loop has handed over, by
    name. generators: the states of what code may draw from. modes: of modules, what their state
    dicts leave out. reading: where the loop is in its data, if `run.batches` gives them. groups:
    what is known of the parameter groups.
    """

    progress: Mapping[str, Any]
    parts: Mapping[str, Any]
    generators: Mapping[str, Any]
    modes: Mapping[str, Any]
    reading: Mapping[str, Any] | None = None
    groups: Sequence[Mapping[str, Any]] = ()

    def state(self, decides: str) -> LoopState:
        """Return a state that goes on from here, once a loop hands over the same parts. decides:
        the name of the metric that does."""
        return LoopState(**copy.deepcopy(dict(self.progress)), decides=decides, waiting=self)

    def restore(self, name: str, part: Any) -> None:
        """Put a part back as it was."""
        part.load_state_dict(copy.deepcopy(self.parts[name]))
        if (modes := self.modes.get(name)) is None:
            return
        for module, training in zip(part.modules(), modes["training"], strict=True):
            module.training = training
        for parameter, trained in zip(part.parameters(), modes["trained"], strict=True):
            parameter.requires_grad_(trained)

    def draw_again(self, device: torch.device) -> None:
        """Let code draw from here what it drew before."""
        draw_again(self.generators, device)


def snapshot(state: LoopState, device: torch.device) -> Snapshot | None:
    """Return a copy of a state as it is between two steps, such as where an event is heard; None
    where the loop hands nothing over, or something of which there is no copy."""
    if not state.parts:
        return None
    progress = {one.name: getattr(state, one.name) for one in fields(Progress)}
    try:
        return Snapshot(*copy.deepcopy((progress, _dicts(state))), **_rest(state, device))
    except Exception:
        return None


def stored(state: LoopState, device: torch.device) -> dict[str, Any]:
    """Return a copy of a state between two steps as plain values, without how far it is.

    Raises NotStorable where a loop cannot go on from it.
    """
    if why := unkept(state):
        raise NotStorable(why)
    try:
        parts = copy.deepcopy(_dicts(state))
    except Exception as error:
        raise NotStorable(f"what the loop hands over gives no copy: {told(error)}") from error
    best = state.best and {**vars(state.best), "weights": _plain(state.best.weights)}
    named = {name: _plain(one) for name, one in parts.items()}
    files = files_of(state.folder)
    return {**_rest(state, device), "parts": named, "files": files, "best": best}


def put(state: LoopState, found: Mapping[str, Any]) -> None:
    """Let a state wait for what a loop hands over, to go on from what is stored."""
    if found["files"]:
        write_files(found["files"], state.make_folder())
    parts = {name: _dict(one) for name, one in found["parts"].items()}
    best = found["best"]
    state.best = best and Best(best["step"], best["metrics"], _dict(best["weights"]))
    rest = {name: found[name] for name in ("generators", "modes", "reading", "groups")}
    state.waiting = Snapshot({}, parts, **rest)


def renew(state: LoopState) -> None:
    """Let a state wait for nothing again."""
    state.waiting, state.best, state.reported = None, None, set()
    if state.folder is not None:
        shutil.rmtree(state.folder, ignore_errors=True)
        state.folder.mkdir(exist_ok=True)


def _dicts(state: LoopState) -> dict[str, Any]:
    return {name: part.state_dict() for name, part in state.parts.items()}


def _rest(state: LoopState, device: torch.device) -> dict[str, Any]:
    modules = {name: one for name, one in state.parts.items() if isinstance(one, nn.Module)}
    groups = [{name: one[name] for name in _SAID if name in one} for one in state.groups]
    return {
        "generators": drawn(device),
        "modes": {name: _modes(one) for name, one in modules.items()},
        "reading": state.reading and state.reading.place,
        "groups": groups,
    }


def _modes(module: nn.Module) -> dict[str, list[bool]]:
    return {
        "training": [one.training for one in module.modules()],
        "trained": [one.requires_grad for one in module.parameters()],
    }


def _plain(values: Any) -> Any:
    """Return a state dict as a plain one, and what torch notes of its modules' versions."""
    if not isinstance(values, OrderedDict):
        return values, None
    return dict(values), getattr(values, "_metadata", None)


def _dict(found: Any) -> Any:
    values, notes = found
    if notes is None:
        return values
    noted = OrderedDict(values)
    noted._metadata = notes  # type: ignore[attr-defined]
    return noted
