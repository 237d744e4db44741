"""The configuration groups: their options, and what is wrong with those that were chosen."""

import functools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from runner.config import files
from runner.config.command_line import Kind, Word
from runner.errors import Mistake, either
from runner.flat import flat

_HERE = Path(__file__).resolve().parents[1]
CONF = next(p for p in (_HERE / "conf", _HERE.parent / "conf") if (p / "config.yaml").is_file())
GLOBAL = "# @package _global_"
STUDY, SPACE = "study", "study.space"
_HYDRA = ("hydra/launcher", "hydra/sweeper")


@functools.cache
def group_options(config_dir: str | None = None) -> Mapping[str, Sequence[str]]:
    """Return every configuration group with its options, `hydra` left out.

    Raises Mistake for an option of a person's own that one of ours would hide.
    """
    groups: dict[str, list[str]] = {}
    for root in _roots(config_dir):
        for file in sorted(root.glob("*/**/*.yaml")):
            group = file.parent.relative_to(root).as_posix()
            if file.stem in groups.get(group, ()):
                must = f"must have another name: the runner has an option {group}={file.stem} too"
                raise Mistake(str(file), must)
            if not group.startswith("hydra"):
                groups.setdefault(group, []).append(file.stem)
    return {group: sorted(options) for group, options in sorted(groups.items())}


def forget() -> None:
    """Look for the options anew: a person may have written one."""
    group_options.cache_clear()


def is_overlay(group: str, config_dir: str | None) -> bool:
    """Return whether a group's options all change others, so that several may be chosen."""
    return overlays_of(group, config_dir) == {file.stem for file in files_of(group, config_dir)}


def overlays_of(group: str, config_dir: str | None) -> set[str]:
    """Return a group's options that change others.

    >>> "finetune" in overlays_of("experiment", None), overlays_of("model", None)
    (True, set())
    """
    start = GLOBAL.encode()
    files = files_of(group, config_dir)
    return {file.stem for file in files if file.read_bytes().startswith(start)}


def owners_of(key: str, config_dir: str | None) -> str:
    """Return which choices of a key's group have it, nothing where none has.

    >>> owners_of("model.hidden", None)
    'model=mlp'
    """
    group, name = divided(key, config_dir)
    owners = []
    for file in files_of(group, config_dir):
        with suppress(Mistake):  # reported where it is chosen
            if name in leaf_keys(files.load(file)):
                owners.append(file.stem)
    return f"{group}={either(owners)}" if owners else ""


def files_of(group: str, config_dir: str | None) -> list[Path]:
    """Return the files of a group's options."""
    return [file for root in _roots(config_dir) for file in sorted((root / group).glob("*.yaml"))]


def divided(key: str, config_dir: str | None) -> tuple[str, str]:
    """Return a key's group and its name there.

    >>> divided("study.sampler.seed", None)
    ('study/sampler', 'seed')
    """
    parts = key.split(".")
    for i in range(len(parts) - 1, 1, -1):
        if (group := "/".join(parts[:i])) in group_options(config_dir):
            return group, ".".join(parts[i:])
    return parts[0], ".".join(parts[1:])


def leaf_keys(config: DictConfig) -> list[str]:
    """Return the dotted names of all values."""
    return list(flat(cast(Mapping[Any, Any], OmegaConf.to_container(config, resolve=False))))


def check_choices(words: Sequence[Word], config_dir: str | None = None) -> None:
    """Raise Mistake for a group without a name or with several, and for a group with a dot.

    >>> from runner.config.command_line import word
    >>> check_choices([word("clipping/max_norm_schedule=null")])
    Traceback (most recent call last):
    runner.errors.Mistake: clipping/max_norm_schedule must be one of linear, none, got null
    """
    groups = group_options(config_dir)
    for one in words:
        key, options = one.key, groups.get(one.key, [])
        if not key.strip("@:/."):
            raise Mistake(f"cannot read '{one.text}'", advice="write key=value")
        if key == SPACE or key.startswith(f"{SPACE}."):
            own = f"{key.removeprefix(f'{SPACE}.')}={one.given}" if key != SPACE else "KEY=VALUES"
            raise Mistake(key, f"is written in files; on the command line write {own}")
        if key == STUDY and one.is_multiple:
            raise not_one_of(options, key, one.given)
        if one.is_multiple or one.kind is Kind.DELETES:
            continue
        chosen = one.value if isinstance(one.value, list) else [one.value]
        if options and not all(isinstance(option, str | dict) for option in chosen):
            raise not_one_of(options, key, one.given)
        if options and config_dir and not isinstance(one.value, dict):
            for option in chosen:
                files.check(Path(config_dir), f"{key}/{option}")
        if options and isinstance(one.value, list) and not is_overlay(key, config_dir):
            joined = "_".join(map(str, one.value))
            advice = f"use {key}={joined}" if joined in options else None
            raise not_one_of(options, key, one.given, advice)
        slashed = key.replace(".", "/")
        if "." in key and slashed in (*groups, *_HYDRA) and isinstance(one.value, str):
            raise Mistake(key, f"is chosen with a slash: {slashed}={one.given}")


def check_lists(config: DictConfig, words: Sequence[Word], config_dir: str | None) -> None:
    """Raise Mistake where a file chooses several options of a group: the last would hide the
    others."""
    known = {*map(str, config.hydra.runtime.choices), *(one.key for one in words)}
    for group in sorted(_chosen_by_default() - known):
        raise not_one_of(group_options(config_dir)[group], group, "a list of them")


def not_one_of(
    options: Sequence[str], group: str, given: str, advice: str | None = None
) -> Mistake:
    """Return what is wrong with a choice that is none of a group's options."""
    return Mistake(group, f"must be one of {', '.join(options)}", given, advice)


@functools.cache
def _chosen_by_default() -> frozenset[str]:
    """Return the groups that have one option in every configuration."""
    defaults = OmegaConf.load(CONF / "config.yaml").defaults
    groups = {str(key) for entry in defaults if isinstance(entry, DictConfig) for key in entry}
    return frozenset(group for group in groups if not group.startswith("override "))


def _roots(config_dir: str | None) -> list[Path]:
    return [CONF, *([Path(config_dir)] if config_dir else [])]
