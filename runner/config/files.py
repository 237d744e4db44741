"""An option of a person's own: read with care, as anything may stand in a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hydra.plugins.config_source import ConfigSource
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.errors import Mistake, one_line

MOST_NODES = 100_000  # of a file, its aliases written out
DEEPEST = 50
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TAGS = {None, "!", *(f"{_TAG}{kind}" for kind in ("str", "int", "float", "bool", "null", "map"))}


def load(file: Path) -> DictConfig:
    """Return what stands in an option's file. Raises Mistake, which names it, where it is none."""
    try:
        text = file.read_bytes().decode()
        ConfigSource._get_header_dict(text[:512])
        _check(text)
        found = OmegaConf.load(file)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise _mistake(file, f"must be UTF-8 text, got another byte in line {line}") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        raise _mistake(file, f"cannot be read: {error.problem} in line {line}") from error
    except (yaml.YAMLError, OmegaConfBaseException, ValueError, OSError) as error:
        raise _mistake(file, f"cannot be read: {one_line(error)}") from error
    if not isinstance(found, DictConfig):
        raise _mistake(file, "must hold keys with values")
    defaults = found.get("defaults", [])
    if not isinstance(defaults, list | ListConfig):
        raise _mistake(file, f"must have a list as its defaults, got {defaults!r}")
    for entry in defaults:
        if not isinstance(entry, str | DictConfig):
            raise _mistake(file, f"must have options as its defaults, got {entry!r}")
    return found


def check(root: Path, option: str) -> None:
    """Raise Mistake where an option, GROUP/NAME below a folder, or one that its defaults choose
    there, cannot be read."""
    seen: set[str] = set()
    left: list[tuple[str, tuple[str, ...]]] = [(option, ())]
    while left:
        one, path = left.pop()
        if one in path:
            raise _mistake(root / f"{one}.yaml", "must not choose itself in its defaults")
        if one not in seen and (file := root / f"{one}.yaml").is_file():
            seen.add(one)
            chosen = _chosen(load(file), one.rpartition("/")[0])
            left += [(other, (*path, one)) for other in chosen]


def _chosen(content: DictConfig, own: str) -> Iterator[str]:
    """Return the options, as GROUP/NAME, that the defaults of one in the group `own` choose."""
    for entry in content.get("defaults", []):
        pairs = entry.items() if isinstance(entry, DictConfig) else [("", entry)]
        for words, options in pairs:
            group = str(words).partition("@")[0].split(" ")[-1]
            place = group.strip("/") if group.startswith("/") else f"{own}/{group}".strip("/")
            for name in options if OmegaConf.is_list(options) else [options]:
                yield str(name).strip("/") if str(name).startswith("/") else f"{place}/{name}"


def _check(text: str) -> None:
    """Raise ValueError for what would take for ever, or stands for no plain value."""
    sizes: dict[str, int] = {}
    opened: list[tuple[str | None, int]] = []
    size = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, outer = opened.pop()
            if anchor:
                sizes[anchor] = size
            size += outer
        elif isinstance(event, yaml.NodeEvent):
            line = event.start_mark.line + 1
            size += 1
            if isinstance(event, yaml.AliasEvent):
                if event.anchor not in sizes:
                    raise ValueError(f"*{event.anchor} in line {line} is part of itself")
                size += sizes[event.anchor]
            elif event.tag not in _TAGS and event.tag != f"{_TAG}seq":
                raise ValueError(f"a value of the kind {event.tag} in line {line}")
            elif isinstance(event, yaml.CollectionStartEvent):
                opened.append((event.anchor, size))
                size = 0
            elif event.anchor:
                sizes[event.anchor] = 1
            if len(opened) > DEEPEST:
                raise ValueError(f"more than {DEEPEST} levels in line {line}")
            if size > MOST_NODES:
                raise ValueError(f"more than {MOST_NODES:,} values by line {line}")


def _mistake(file: Path, must: str) -> Mistake:
    return Mistake(str(file), must)
