"""Keys that a configuration has not: the arguments of a class or function that a part names."""

from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from runner.config.paths import GROUPS, is_open
from runner.config.shorthand import LOOP, LOSS
from runner.config.targets import Target, partial


def has(config: DictConfig, key: str) -> bool:
    """Return whether a configuration has a key, or takes it.

    Raises Mistake where what takes it cannot be imported.
    """
    return is_there(config, key) or taker(config, key) is not None


def is_there(config: DictConfig, key: str) -> bool:
    """Return whether a configuration has a key itself."""
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return isinstance(node, DictConfig) and name in node


def taker(config: DictConfig, key: str) -> Target | None:
    """Return the option by its path, the loop or the loss of which a key is an argument, None where
    there is no such.

    Raises Mistake where it cannot be imported.
    """
    for part, found in _takers(config):
        if key.startswith(f"{part}."):
            name = key.removeprefix(f"{part}.").partition(".")[0]
            return found if found.takes_any or name in found.names else None
    return None


def default(config: DictConfig, key: str) -> Any:
    """Return what a key is where it is not given, None where nothing says so."""
    found = taker(config, key)
    return found.defaults().get(key.removeprefix(f"{found.key}.")) if found else None


def taken(config: DictConfig) -> list[str]:
    """Return all keys that a configuration takes."""
    return [f"{part}.{name}" for part, found in _takers(config) for name in found.names]


def _takers(config: DictConfig) -> Iterator[tuple[str, Target]]:
    """Yield the parts that take keys, each with what takes them."""
    for part in (*GROUPS, LOSS):
        node = OmegaConf.select(config, part)
        named = node.get("_target_") if isinstance(node, DictConfig) else None
        if named and (part in (LOSS, LOOP) or is_open(node)):
            yield part, partial(part, {"_target_": named})
