"""Hydra's and OmegaConf's errors, in one line that says which key to change."""

import re

from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.config.compose import compose, group_options
from runner.config.settings import leaf_keys
from runner.errors import Mistake, nearest, one_line, redact

MISTAKES = (Mistake, HydraException, OmegaConfBaseException)


def explain(error: BaseException, words: list[str], config_dir: str | None = None) -> str:
    """Return what a person did wrong when Hydra refused a command line.

    words: the overrides that were given.
    """
    if isinstance(error, Mistake):
        return one_line(error)
    if isinstance(error, MissingConfigException):
        return _missing_option(error, config_dir)
    if isinstance(error, OverrideParseException):
        return redact(f"cannot read '{error.override}': {_cause(error)}")
    text = one_line(error)
    key = _refused_key(error)
    if key is not None:
        return _unknown_key(key, words, config_dir)
    text = re.sub(r" See https?://\S+.*$", "", text)
    return re.sub(r" (full_key|object_type|reference_type): ?\S*", "", text)


def _cause(error: OverrideParseException) -> str:
    text = one_line(error).split(" See http")[0]
    return f"{text}; the form is key=value, with quotes around special characters"


def _missing_option(error: MissingConfigException, config_dir: str | None) -> str:
    path = error.missing_cfg_file
    if not isinstance(path, str) or "/" not in path:
        return one_line(error).split(" Config search path")[0]
    group, _, option = path.rpartition("/")
    options = sorted(error.options or group_options(config_dir).get(group, []))
    if not options:
        return f"there is no group '{group}'{nearest(group, group_options(config_dir))}"
    return f"{group} must be one of {', '.join(options)}, got '{option}'{nearest(option, options)}"


def _refused_key(error: BaseException) -> str | None:
    found = re.search(
        r"Could not (?:override|append to config\. An item is already at|delete from "
        r"config\.) '?([\w./@-]+)'?",
        one_line(error),
    )
    if found and "already at" not in found[0]:
        return found[1]
    return None


def _unknown_key(key: str, words: list[str], config_dir: str | None) -> str:
    groups = group_options(config_dir)
    if key in groups:
        option = next((w.partition("=")[2] for w in words if w.startswith(f"{key}=")), "NAME")
        return f"{key} is added with a plus: +{key}={option}"
    try:
        chosen = [w for w in words if w.partition("=")[0].lstrip("+") in groups]
        config = compose(chosen, config_dir)
    except (HydraException, OmegaConfBaseException):
        config = compose([], config_dir)
    del config.hydra
    known = leaf_keys(config)
    group = key.partition(".")[0]
    mine = [k for k in known if k.startswith(f"{group}.") and not k.endswith("_target_")]
    hint = nearest(key, [*known, *groups, *config])
    if not hint and mine:
        choice = OmegaConf.select(config, group)
        assert choice is not None
        hint = f"; {group} has {', '.join(mine)}"
    elif not hint and group in groups:
        hint = f"; {group} has no keys here, choose one of {', '.join(groups[group])}"
    return f"unknown key '{key}'{hint}"
