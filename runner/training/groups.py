"""Parameter groups: which parameters learn at another rate, decay otherwise, or not at all."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from torch import nn

from runner.errors import nearest
from runner.trial.groups import Group
from schedules.errors import ArgumentError

_RESTS = "_stays_as_it_is"


def split_parameters(
    model: nn.Module, groups: Sequence[Group], layer_decay: float | None = None
) -> list[dict[str, Any]]:
    """Return torch's parameter groups; a parameter belongs to the first pattern that fits.

    Each group has `params`, `lr_scale`, `pattern` ("" for what fits none) and, where given,
    `weight_decay`; parameters of frozen groups stop needing a gradient and are left out. With
    layer_decay, in (0, 1], a layer's lr_scale is multiplied by layer_decay ** (layers above it).
    Raises ValueError for a pattern that fits no parameter that is still free, and where nothing is
    left to train.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    >>> [g["lr_scale"] for g in split_parameters(model, [Group("0.*", lr_scale=0.01)])]
    [1.0, 0.01]
    >>> [g["lr_scale"] for g in split_parameters(model, [], layer_decay=0.8)]
    [0.8, 1.0]
    """
    decay = 1.0 if layer_decay is None else layer_decay
    if isinstance(decay, bool) or not isinstance(decay, int | float) or not 0 < decay <= 1:
        raise ArgumentError("layer_decay", "must be a number in (0, 1]", f"{layer_decay!r}")
    depths = layers(model)
    free = {name: p for name, p in model.named_parameters() if p.requires_grad}
    names = list(free)
    chosen: list[dict[str, Any]] = []
    frozen: set[int] = set()
    for i, group in enumerate(groups):
        hits = [name for name in free if fnmatchcase(name, group.pattern)]
        if not hits:
            taken = any(fnmatchcase(name, group.pattern) for name in names)
            why = " that an earlier group has not taken" if taken else ""
            raise ArgumentError(
                f"groups[{i}].pattern",
                f"must fit a parameter of the model{why}",
                f"'{group.pattern}'{nearest(group.pattern, names)}",
                f"there are {_some(names)}",
            )
        parameters = {name: free.pop(name) for name in hits}
        if group.frozen:
            for p in parameters.values():
                p.requires_grad_(False)
            frozen |= {id(p) for p in parameters.values()}
            continue
        entry: dict[str, Any] = {"params": parameters, "lr_scale": float(group.lr_scale)}
        entry |= {"pattern": group.pattern}
        if group.weight_decay is not None:
            entry |= {"weight_decay": group.weight_decay, "own_weight_decay": True}
        chosen.append(entry)
    if free:
        chosen.insert(0, {"params": free, "lr_scale": 1.0, "pattern": ""})
    _rest(model, frozen)
    if not chosen:
        raise ArgumentError("groups", "must leave at least one parameter to train")
    return [part for entry in chosen for part in _by_layer(entry, depths, float(decay))]


def set_training(model: nn.Module) -> None:
    """Put a model into training mode, without what a frozen group keeps: the running statistics
    of a batch normalisation stay, and are what it normalises by.

    >>> model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    >>> _ = split_parameters(model, [Group("1.*", frozen=True)])
    >>> set_training(model)
    >>> model[0].training, model[1].training
    (True, False)
    """
    model.train()
    for module in model.modules():
        if getattr(module, _RESTS, False):
            module.train(mode=False)


def _rest(model: nn.Module, frozen: set[int]) -> None:
    """Mark what holds statistics and lies in a module whose parameters are all frozen."""
    for module in model.modules():
        parameters = list(module.parameters())
        if parameters and all(id(p) in frozen for p in parameters):
            for inner in module.modules():
                if any(True for _ in inner.buffers(recurse=False)):
                    setattr(inner, _RESTS, True)


def layers(model: nn.Module) -> dict[str, int]:
    """Return the layer of each parameter by name, counted from 0 at the input.

    In a model of repeated blocks (numbered modules of one class that have modules of their own;
    the innermost ones) each block is a layer, what comes before the first one is layer 0, and what
    comes after the last one is the top. In any other model each module with a matrix is a layer.
    What has vectors only, such as a normalisation, and what lies between two blocks belongs to the
    layer before it. Layers lie in the order in which the model names them.

    >>> layers(nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.Linear(3, 1, bias=False)))
    {'0.weight': 0, '0.bias': 0, '1.weight': 0, '1.bias': 0, '2.weight': 1}
    """
    named = dict(model.named_parameters())
    blocks = _blocks(model)
    found: dict[str, int] = {}
    if not blocks:
        owners = {name: name.rpartition(".")[0] for name in named}
        wide = list(dict.fromkeys(owners[name] for name, p in named.items() if p.ndim > 1))
        layer = 0
        for name, owner in owners.items():
            layer = wide.index(owner) if owner in wide else layer
            found[name] = layer
        return found
    seen: list[str] = []
    for name, parameter in named.items():
        block = next((b for b in blocks if name.startswith(f"{b}.")), None)
        if block is not None and block not in seen:
            seen.append(block)
        above = block is None and len(seen) == len(blocks) and parameter.ndim > 1
        top = len(blocks) + 1 in found.values()
        found[name] = len(seen) + (above or (block is None and top))
    return found


def _blocks(model: nn.Module) -> list[str]:
    """Return the names of the innermost repeated blocks, in order."""
    families: dict[tuple[str, type], list[str]] = {}
    for name, module in model.named_modules():
        parent, _, own = name.rpartition(".")
        composite = any(True for child in module.children() for _ in child.parameters())
        if composite and own[-1:].isdecimal():
            families.setdefault((f"{parent}.{own.rstrip('0123456789')}", type(module)), []).append(
                name
            )
    repeated = [name for names in families.values() if len(names) > 1 for name in names]
    return [
        name
        for name, _ in model.named_modules()
        if name in repeated and not any(other.startswith(f"{name}.") for other in repeated)
    ]


def _by_layer(
    entry: dict[str, Any], depths: Mapping[str, int], decay: float
) -> list[dict[str, Any]]:
    """Return a group as torch wants it, cut into one for each layer where the rate decays."""
    parameters = entry["params"]
    if decay == 1:
        return [entry | {"params": list(parameters.values())}]
    top = max(depths.values())
    cut: dict[int, list[Any]] = {}
    for name, parameter in parameters.items():
        cut.setdefault(depths[name], []).append(parameter)
    return [
        entry | {"params": mine, "lr_scale": entry["lr_scale"] * decay ** (top - layer)}
        for layer, mine in sorted(cut.items())
    ]


def _some(names: Sequence[str], most: int = 8) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")
