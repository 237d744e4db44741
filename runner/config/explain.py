"""What Hydra refuses, in one line that says which key to change."""

import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from hydra.errors import MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from yaml import YAMLError

from runner.config.command_line import Word
from runner.config.composer import REFUSALS, compose
from runner.config.familiar import key_hint, option_hint
from runner.config.options import GLOBAL, divided, group_options, leaf_keys, not_one_of, owners_of
from runner.config.paths import is_path
from runner.config.reading import SEE_HELP
from runner.config.settings import TAGS
from runner.config.shorthand import LOOP, as_typed
from runner.errors import Mistake, nearest, one_line
from runner.passwords import redact

_EXTRAS = {"submitit_slurm": "slurm", "submitit_local": "slurm", "ray": "ray"}  # of launchers
_COMMANDS = {
    "help": "python -m runner --help",
    "preview": "python -m runner.preview, and the words behind it",
    "deliver": "python -m runner.deliver",
}


def mistake_of(
    error: Exception, words: Sequence[Word] = (), config_dir: str | None = None
) -> Mistake:
    """Return what Hydra failed with as a person's mistake.

    words: what was composed.
    """
    if not isinstance(error, REFUSALS):
        return _odd(error, words, config_dir)
    if isinstance(error, YAMLError):
        return Mistake(f"a configuration file cannot be read: {one_line(error)}")
    if isinstance(error, MissingConfigException):
        return _missing_option(error, config_dir)
    if isinstance(error, OverrideParseException):
        if command := _COMMANDS.get(str(error.override)):
            return Mistake(f"cannot read '{error.override}'; write {command}")
        typed, write = as_typed(str(error.override)), _readable(error.override)
        return Mistake(redact(f"cannot read '{typed}'; write {as_typed(write)}"))
    text = _plain(error)
    if (found := re.match(r"Error merging override (.*)", text)) and error.__cause__:
        one = next(one for one in words if one.text == found[1])
        return Mistake(redact(f"{one.key} cannot be {one.given}: {_plain(error.__cause__)}"))
    if found := re.match(r"In '(.*?)': Could not override '[\w/]+@", text):
        must = f"overrides other groups, so its first line must be '{GLOBAL}'"
        return Mistake(f"{found[1]}.yaml", must)
    if found := re.search(r"The value of '([\w./@-]+)' is (.*?) and not (.*?)\.?$", text):
        return Mistake(found[1], f"is {found[2]}, not {found[3]}: ~{found[1]} takes it away")
    if found := re.search(r"Could not (?:override|delete from config\.) '?([\w./@-]+)'?", text):
        return _unknown_key(found[1], words, config_dir)
    return _odd(error, words, config_dir) if text == type(error).__name__ else Mistake(text)


def _odd(error: Exception, words: Sequence[Word], config_dir: str | None) -> Mistake:
    """Return an error that names no word as one about the word without which it is gone, or that
    gives it alone."""
    text = _plain(error)

    def fails(texts: list[str]) -> str:
        try:
            compose(texts, config_dir)
        except Exception as other:
            return _plain(other)
        return ""

    without = (one for one in reversed(words) if not fails([o.text for o in words if o is not one]))
    alone = (one for one in words if fails([one.text]) == text)
    if one := next(without, None) or next(alone, None):
        return Mistake(redact(f"{one.key} cannot be {one.given}: {text}"))
    return Mistake(text)


def _readable(text: str) -> str:
    """Return what to write instead of a word that Hydra cannot read."""
    from runner.config.grammar import quoted  # searches load where there are some

    with suppress(Mistake):  # no search, or one that would be refused in quotes too
        if typed := quoted(text):
            return typed
    return "key=value, a list as [a,b] without spaces, and quotes around other special characters"


def _plain(error: BaseException) -> str:
    text = re.sub(r" See https?://\S+.*$", "", one_line(error))
    return re.sub(r" (full_key|object_type|reference_type)[:=] ?\S*", "", text)


def _missing_option(error: MissingConfigException, config_dir: str | None) -> Mistake:
    path = error.missing_cfg_file
    if found := re.match(r"Cannot find primary config '(.*?)'", one_line(error)):
        must = "must be a file of the folder that --config-dir names"
        return Mistake("--config-name", must, f"'{found[1]}'")
    if found := re.match(r"Primary config directory not found.* '(.*?)'", one_line(error)):
        return Mistake("--config-path", "must be a folder that can be read", f"'{found[1]}'")
    if not isinstance(path, str) or "/" not in path:
        return Mistake(one_line(error).split(" Config search path")[0])
    group, _, option = path.rpartition("/")
    groups = group_options(config_dir)
    options = sorted(error.options or groups.get(group, []))
    if not options:
        return Mistake(f"there is no group '{group}'{nearest(group, groups)}")
    if group == LOOP:
        must = f"must be one of {', '.join(options)}, or a function with its module, mine.train"
        return Mistake(group, must, f"'{option}'")
    if group == "hydra/launcher" and (extra := _EXTRAS.get(option)):
        advice = f"pip install 'schedule-runner[{extra}]', or -e '.[{extra}]' beside the sources"
        return Mistake(group, f"must be installed: it is in the extra {extra}", option, advice)
    brought = option_hint(group, option) or nearest(option, options)
    if group == "schedule" and is_path(option):
        brought = f" (a function of your own is schedule=function schedule.function={option})"
    return not_one_of(options, group, f"'{option}'{brought}", _place_of(f"{group}/{option}.yaml"))


def _place_of(file: str) -> str | None:
    """Return how to use an option's file that lies in a folder here, or in one below."""
    found = next((path for path in (Path(file), *Path().glob(f"*/{file}")) if path.is_file()), None)
    root = found and (found.parents[file.count("/")])
    return f"{found} is there: add --config-dir {root}" if found else None


def _unknown_key(key: str, words: Sequence[Word], config_dir: str | None) -> Mistake:
    groups = group_options(config_dir)
    if key.startswith(TAGS):
        return Mistake(key, f"takes each name with a plus: +{TAGS}.NAME=VALUE")
    target = next((one for one in words if one.key == f"{key.rpartition('.')[0]}._target_"), None)
    word = next((one for one in words if one.key == key and one.sign == ""), None)
    if target and word:
        return Mistake(key, f"is given to {target.given} with a plus: +{word.shown}")
    if key not in groups and (hint := "" if owners_of(key, config_dir) else key_hint(key)):
        return Mistake(f"unknown key '{key}'{hint}")
    config = _nearby(words, config_dir)
    if key in groups:
        given = next((one.written for one in words if one.text.startswith(f"{key}=")), "NAME")
        if key in config:
            return not_one_of(groups[key], key, given)
        line = f"is added with a plus: +{key}={given}"
        if given not in groups[key]:
            line += f", one of {', '.join(groups[key])}{nearest(given, groups[key])}"
        return Mistake(key, line)
    choices = config.hydra.runtime.choices
    config = OmegaConf.masked_copy(config, [str(name) for name in config if name != "hydra"])
    known = [k for k in leaf_keys(config) if not k.endswith("_target_")]
    group, name = divided(key, config_dir)
    if key in known and any(one.text == f"~{key}" for one in words):
        return Mistake(key, "has no value to take away")
    if not name:
        return Mistake(f"unknown key '{key}'{nearest(key, [*known, *config, *groups]) or SEE_HELP}")
    if owners := owners_of(key, config_dir):
        chosen = f"unknown key '{key}' with {group}={choices[group]}"
        return Mistake(chosen, advice=f"it belongs to {owners}")
    node = group.replace("/", ".")
    mine = [k for k in known if k.startswith(f"{node}.")]
    hint = nearest(key, mine if "/" in group else known)
    if not hint and OmegaConf.select(config, node) is not None:
        shown = f"{group}={choices[group]}" if group in choices else group
        hint = f"; {shown} has {', '.join(mine) or 'no keys'}"
    return Mistake(f"unknown key '{key}'{hint}")


def _nearby(words: Sequence[Word], config_dir: str | None) -> DictConfig:
    """Return the configuration of the groups that were chosen, as far as they can be."""
    groups = group_options(config_dir)
    chosen = [one.text for one in words if one.key in groups and one.sign in ("", "+")]
    try:
        return compose(chosen, config_dir)
    except Exception:
        return compose([], config_dir)
