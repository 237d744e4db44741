"""The configuration groups: their options, and which of them has a key."""

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig, OmegaConf
from yaml import YAMLError

_HERE = Path(__file__).resolve().parents[1]
CONF = next(p for p in (_HERE / "conf", _HERE.parent / "conf") if (p / "config.yaml").is_file())
GLOBAL = "# @package _global_"


def group_options(config_dir: str | None = None) -> dict[str, list[str]]:
    """Return every configuration group with its options, `hydra` left out."""
    groups: dict[str, set[str]] = {}
    for root in _roots(config_dir):
        for file in root.glob("*/**/*.yaml"):
            group = file.parent.relative_to(root).as_posix()
            if not group.startswith("hydra"):
                groups.setdefault(group, set()).add(file.stem)
    return {group: sorted(options) for group, options in sorted(groups.items())}


def is_overlay(group: str, config_dir: str | None) -> bool:
    """Return whether a group's options change others, so that several may be chosen."""
    files = [file for root in _roots(config_dir) for file in (root / group).glob("*.yaml")]
    return all(file.read_text().startswith(GLOBAL) for file in files)


def owners_of(key: str, config_dir: str | None) -> str:
    """Return which choices of a key's group have it, nothing where none has.

    >>> owners_of("model.hidden", None)
    'model=mlp'
    """
    groups = group_options(config_dir)
    group, name = divided(key, groups)
    owners = []
    for root in _roots(config_dir):
        for option in groups.get(group, []):
            file = root / group / f"{option}.yaml"
            if not file.is_file():
                continue
            try:
                content = OmegaConf.load(file)
            except (YAMLError, OSError):  # reported where it is chosen
                continue
            if isinstance(content, DictConfig) and name in leaf_keys(content):
                owners.append(option)
    return f"{group}=" + ", ".join([*owners[:-2], " or ".join(owners[-2:])]) if owners else ""


def divided(key: str, groups: Mapping[str, list[str]]) -> tuple[str, str]:
    """Return a key's group and its name there.

    >>> divided("study.sampler.seed", {"study": [], "study/sampler": []})
    ('study/sampler', 'seed')
    """
    parts = key.split(".")
    for i in range(len(parts) - 1, 1, -1):
        if (group := "/".join(parts[:i])) in groups:
            return group, ".".join(parts[i:])
    return parts[0], ".".join(parts[1:])


def leaf_keys(config: DictConfig) -> list[str]:
    """Return the dotted names of all values."""
    return _leaves(OmegaConf.to_container(config, resolve=False), "")


def _leaves(value: object, key: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [key]
    return [leaf for k, v in value.items() for leaf in _leaves(v, f"{key}.{k}" if key else str(k))]


def _roots(config_dir: str | None) -> list[Path]:
    return [CONF, *([Path(config_dir)] if config_dir else [])]
