"""What is wrong with the options that were chosen, before or beside Hydra's own checks."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from runner.config.command_line import Kind, Word
from runner.config.options import CONF, group_options, is_overlay
from runner.errors import Mistake

_HYDRA = ("hydra/launcher", "hydra/sweeper")
Groups = Mapping[str, Sequence[str]]
STUDY, SPACE = "study", "study.space"


def check_choices(words: Sequence[Word], groups: Groups, config_dir: str | None) -> None:
    """Raise Mistake for a group without a name or with several, and for a group with a dot.

    >>> from runner.config.command_line import word
    >>> check_choices([word("tracking=null")], {"tracking": ["mlflow", "off"]}, None)
    Traceback (most recent call last):
    runner.errors.Mistake: tracking must be one of mlflow, off, got null
    """
    for one in words:
        key, options = one.key, groups.get(one.key, [])
        if not key:
            raise Mistake(f"cannot read '{one.text}'", advice="write key=value")
        if key == SPACE or key.startswith(f"{SPACE}."):
            own = f"{key.removeprefix(f'{SPACE}.')}={one.given}" if key != SPACE else "KEY=VALUES"
            raise Mistake(key, f"is written in files; on the command line write {own}")
        if key == STUDY and one.is_multiple:
            raise Mistake(key, f"must be one of {', '.join(options)}", one.given)
        if one.is_multiple or one.kind is Kind.DELETES:
            continue
        if options and not isinstance(one.value, str | list | dict):
            raise Mistake(key, f"must be one of {', '.join(options)}", one.given)
        if options and isinstance(one.value, list) and not is_overlay(key, config_dir):
            raise _several(key, options, one.given, "_".join(map(str, one.value)))
        slashed = key.replace(".", "/")
        if "." in key and slashed in (*groups, *_HYDRA) and isinstance(one.value, str):
            raise Mistake(key, f"is chosen with a slash: {slashed}={one.given}")


def check_lists(config: DictConfig, words: Sequence[Word], groups: Groups) -> None:
    """Raise Mistake where a file chooses several options of a group: the last would hide the
    others."""
    known = {*map(str, config.hydra.runtime.choices), *(one.key for one in words)}
    for group in sorted(_chosen_by_default() - known):
        raise _several(group, groups[group], "a list of them")


def _several(group: str, options: Sequence[str], given: str, joined: str = "") -> Mistake:
    advice = f"use {group}={joined}" if joined in options else None
    return Mistake(group, f"must be one of {', '.join(options)}", given, advice)


@functools.cache
def _chosen_by_default() -> frozenset[str]:
    """Return the groups that have one option in every configuration."""
    defaults = OmegaConf.load(CONF / "config.yaml").defaults
    groups = {str(key) for entry in defaults if isinstance(entry, DictConfig) for key in entry}
    return frozenset(group for group in groups if not group.startswith("override "))


def check_own_options(config_dir: str | None) -> None:
    """Raise Mistake for an option of a person's own that one of ours would hide."""
    if config_dir is None:
        return
    ours = group_options()
    for file in sorted(Path(config_dir).glob("*/**/*.yaml")):
        group = file.parent.relative_to(config_dir).as_posix()
        if file.stem in ours.get(group, ()):
            must = f"must have another name: the runner has an option {group}={file.stem} too"
            raise Mistake(str(file), must)
