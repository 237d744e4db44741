"""A refused command line, in one line that says which key to change."""

import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from runner.config.compose import CONF, compose, group_options, split
from runner.config.grammar import quoted
from runner.config.settings import leaf_keys
from runner.errors import Mistake, nearest, one_line, redact

_GLOBAL = "# @package _global_"
MISTAKES = (Mistake, HydraException, OmegaConfBaseException, YAMLError)


def explain(error: BaseException, words: list[str]) -> str:
    """Return what a person did wrong when Hydra refused a command line.

    words: the command line, or the overrides of one job.
    """
    if isinstance(error, Mistake):
        return one_line(error)
    overrides, config_dir = split(words)
    if isinstance(error, YAMLError):
        return f"a configuration file cannot be read: {one_line(error)}"
    if isinstance(error, MissingConfigException):
        return _missing_option(error, config_dir)
    if isinstance(error, OverrideParseException):
        return redact(f"cannot read '{error.override}'; write {_readable(error.override)}")
    text = _plain(error)
    if found := re.search(r"Ambiguous value for argument '(.*?)' 1\.", text):
        key, _, value = found[1].partition("=")
        return f"{key} has several values, {value}: add -m to sweep over them"
    if found := re.match(r"Sweep parameters '(.*?)=(.*)' requires --multirun", text):
        return f"{found[1]} is searched, {found[2]}: add -m hydra/sweeper=optuna, or a study"
    if (found := re.match(r"Error merging override (.*)", text)) and error.__cause__:
        key, _, value = found[1].partition("=")
        return redact(f"{key.lstrip('+')} cannot be {value}: {_plain(error.__cause__)}")
    if found := re.match(r"In '(.*?)': Could not override '[\w/]+@", text):
        return f"{found[1]}.yaml overrides other groups, so its first line must be '{_GLOBAL}'"
    if found := re.search(r"Could not (?:override|delete from config\.) '?([\w./@-]+)'?", text):
        return _unknown_key(found[1], overrides, config_dir)
    return text


def _readable(word: str) -> str:
    """Return what to write instead of a word that Hydra cannot read."""
    with suppress(Mistake):  # no search, or one that would be refused in quotes too
        if typed := quoted(word):
            return typed
    return "key=value, a list as [a,b] without spaces, and quotes around other special characters"


def _plain(error: BaseException) -> str:
    text = re.sub(r" See https?://\S+.*$", "", one_line(error))
    return re.sub(r" (full_key|object_type|reference_type)[:=] ?\S*", "", text)


def _missing_option(error: MissingConfigException, config_dir: str | None) -> str:
    path = error.missing_cfg_file
    if not isinstance(path, str) or "/" not in path:
        return one_line(error).split(" Config search path")[0]
    group, _, option = path.rpartition("/")
    options = sorted(error.options or group_options(config_dir).get(group, []))
    if not options:
        return f"there is no group '{group}'{nearest(group, group_options(config_dir))}"
    return f"{group} must be one of {', '.join(options)}, got '{option}'{nearest(option, options)}"


def _unknown_key(key: str, overrides: list[str], config_dir: str | None) -> str:
    groups = group_options(config_dir)
    config = _nearby(overrides, config_dir)
    if key in groups:
        given = next((w.partition("=")[2] for w in overrides if w.startswith(f"{key}=")), "NAME")
        if key in config:
            return f"{key} must be one of {', '.join(groups[key])}, got {given}"
        line = f"{key} is added with a plus: +{key}={given}"
        if given in groups[key]:
            return line
        return f"{line}, one of {', '.join(groups[key])}{nearest(given, groups[key])}"
    choices = config.hydra.runtime.choices
    del config.hydra
    known = [k for k in leaf_keys(config) if not k.endswith("_target_")]
    group, name = _divided(key, groups)
    if key in known and f"~{key}" in overrides:
        return f"{key} has no value to take away"
    if not name:
        hint = nearest(key, [*known, *config, *groups])
        return f"unknown key '{key}'{hint or '; python -m runner --help lists the keys'}"
    if owners := owners_of(key, config_dir):
        return f"unknown key '{key}' with {group}={choices[group]}; it belongs to {owners}"
    node = group.replace("/", ".")
    mine = [k for k in known if k.startswith(f"{node}.")]
    hint = nearest(key, mine if "/" in group else known)
    if not hint and OmegaConf.select(config, node) is not None:
        shown = f"{group}={choices[group]}" if group in choices else group
        hint = f"; {shown} has {', '.join(mine) or 'no keys'}"
    return f"unknown key '{key}'{hint}"


def _nearby(overrides: list[str], config_dir: str | None) -> DictConfig:
    """Return the configuration of the groups that were chosen, as far as they can be."""
    groups = group_options(config_dir)
    chosen = [w for w in overrides if w.partition("=")[0].lstrip("+") in groups]
    try:
        return compose(chosen, config_dir)
    except (HydraException, OmegaConfBaseException, ValueError):
        return compose([], config_dir)


def owners_of(key: str, config_dir: str | None) -> str:
    """Return which choices of a key's group have it, nothing where none has.

    >>> owners_of("model.hidden", None)
    'model=mlp'
    """
    groups = group_options(config_dir)
    group, name = _divided(key, groups)
    owners = []
    for root in (CONF, *([Path(config_dir)] if config_dir else [])):
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


def _divided(key: str, groups: Mapping[str, list[str]]) -> tuple[str, str]:
    """Return a key's group and its name there.

    >>> _divided("study.sampler.seed", {"study": [], "study/sampler": []})
    ('study/sampler', 'seed')
    """
    parts = key.split(".")
    for i in range(len(parts) - 1, 1, -1):
        if (group := "/".join(parts[:i])) in groups:
            return group, ".".join(parts[i:])
    return parts[0], ".".join(parts[1:])
