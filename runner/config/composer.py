"""Words -> settings: composes once for each choice of groups, then sets values."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from runner import plugins
from runner.config.command_line import CORE_PLUGINS, Kind, Word, without_hydra, word
from runner.config.options import (
    CONF,
    check_choices,
    check_lists,
    group_options,
)
from runner.config.paths import SOURCE
from runner.config.reading import APART, Composed
from runner.config.reading import explained as values_explained
from runner.config.settings import Settings
from runner.errors import Mistake

REFUSALS = (HydraException, OmegaConfBaseException, YAMLError)  # what it says of words itself
_SEARCH_PATH = "hydra.searchpath"
OF_JOBS = ("callbacks", "output_subdir", "verbose", "job.chdir", "job.env_set", "job.env_copy")


def compose(overrides: Sequence[str], config_dir: str | None = None) -> DictConfig:
    """Return the configuration of a command line, its `hydra` node included.

    >>> compose(["schedule=cosine", "seed=3"]).seed
    3
    """
    plugins.register()
    extra = search_path([word(text) for text in overrides], config_dir)
    running, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            return hydra.compose("config", [*extra, *overrides], return_hydra_config=True)
    finally:
        GlobalHydra.instance().hydra = running


def search_path(words: Iterable[Word], config_dir: str | None = None) -> list[str]:
    """Return the word that says where Hydra looks for options, as it takes the first one only;
    none where no other place is named than in conf/config.yaml."""
    given = [one.value for one in words if one.key == _SEARCH_PATH and isinstance(one.value, list)]
    if not config_dir and not given:
        return []
    own = [f"file://{Path(config_dir).resolve()}"] if config_dir else []
    places = [*own, *(place for listed in given for place in listed), SOURCE]
    return [f"{_SEARCH_PATH}=[{','.join(map(repr, places))}]"]


@contextmanager
def explained(
    words: Sequence[Word] = (),
    config_dir: str | None = None,
    kinds: tuple[type[Exception], ...] = REFUSALS,
) -> Iterator[None]:
    """Let what Hydra refuses of some words rise as a person's mistake.

    kinds: the errors that are one. Where nothing but Hydra runs it is each, as odd words make it
    fail in any way.
    """
    try:
        yield
    except Mistake:
        raise
    except kinds as error:
        from runner.config.explain import mistake_of  # loads where something is wrong

        raise mistake_of(error, words, config_dir) from error


class Composer:
    """Makes settings of words. It composes once for each choice of groups.

    Settings and errors are those of a whole composition: where a value cannot be set on a
    configuration that is there, all words are composed.
    """

    def __init__(self, config_dir: str | None = None) -> None:
        self.config_dir = config_dir
        self.groups = group_options(config_dir)
        self._composed: dict[tuple[str, ...], Composed] = {}
        self._refused: dict[tuple[str, ...], Mistake] = {}

    def config(self, words: Sequence[Word]) -> DictConfig:
        """Return the configuration of words, those left out that only set a value.

        Raises Mistake for what cannot be composed.
        """
        with suppress(Mistake):
            return self._compose(self._parted(words)[0]).config
        return self._compose(words).config

    def settings(self, words: Sequence[Word]) -> Settings:
        """Return the settings of words. Raises Mistake for what does not fit."""
        settings = self._set(*self._parted(words)) or self._compose(words).settings({})
        return replace(settings, overrides=without_hydra(words), config_dir=self.config_dir)

    def _set(self, structure: Sequence[Word], values: Mapping[str, Any]) -> Settings | None:
        """Return the settings of a configuration with other values; None where they do not fit."""
        with suppress(Mistake):
            return self._compose(structure).settings(values)
        return None

    def _compose(self, words: Sequence[Word]) -> Composed:
        key = tuple(one.text for one in words)
        for i, one in enumerate(words):
            found = self._composed.get(key[:i] + key[i + 1 :])
            if found and one.kind is Kind.FIXES and found.choices.get(one.key) == one.value:
                self._composed.setdefault(key, found)  # a word for what is chosen anyway
        if key in self._refused:
            raise self._refused[key]
        if key not in self._composed:
            try:
                self._composed[key] = self._new(words)
            except Mistake as mistake:
                self._refused[key] = mistake
                raise
        return self._composed[key]

    def _new(self, words: Sequence[Word]) -> Composed:
        check_choices(words, self.config_dir)
        _check_search_path(words)
        with explained(words, self.config_dir, (Exception,)):
            config = compose([one.text for one in words], self.config_dir)
        _check_plugins(config)
        check_lists(config, words, self.config_dir)
        return Composed.of(config, config.hydra)

    def _parted(self, words: Sequence[Word]) -> tuple[list[Word], dict[str, Any]]:
        """Return the words that have to be composed, and the values that the others set."""
        structure: list[Word] = []
        values: dict[str, Any] = {}
        later: list[str] = []  # what they change must be set before them
        for one in reversed(words):
            if self._sets_a_value(one) and not any(_overlap(one.key, key) for key in later):
                values.setdefault(one.key, one.value)
            else:
                structure.insert(0, one)
                chooses = one.key in self.groups and not isinstance(one.value, dict)
                later += [] if chooses else [one.key]
        return structure, values

    def _sets_a_value(self, one: Word) -> bool:
        return (
            one.kind is Kind.FIXES
            and one.key.replace(".", "/") not in self.groups
            and not one.key.startswith(APART)
            and "@" not in one.key
            and _is_plain(one.value)
        )


def _check_plugins(config: DictConfig) -> None:
    with values_explained(config):
        OmegaConf.select(config, "hydra.mode", throw_on_missing=True)
        for key in ("launcher.n_jobs", *OF_JOBS):
            OmegaConf.select(config, f"hydra.{key}")
        for name in ("sweeper", "launcher"):
            _check_plugin(name, config.hydra.get(name))
        verbose = config.hydra.verbose
    if not isinstance(verbose, bool | str | ListConfig):
        must = "must be true, false, or the names of loggers"
        raise Mistake("hydra.verbose", must, f"{verbose}")
    params = config.hydra.sweeper.get("params")
    if not isinstance(params, DictConfig | None):
        raise Mistake("hydra.sweeper.params", "must be keys with values", repr(params))


def _check_plugin(name: str, given: Any) -> None:
    if not isinstance(given, DictConfig) or not isinstance(given.get("_target_"), str):
        advice = f"choose it with a slash, hydra/{name}=NAME"
        raise Mistake(f"hydra.{name}", "must have a _target_", repr(given), advice)
    if not given._target_.startswith(("hydra_plugins.", CORE_PLUGINS)):
        must = "must be one of Hydra's plugins"
        raise Mistake(f"hydra.{name}._target_", must, f"'{given._target_}'")


def _check_search_path(words: Sequence[Word]) -> None:
    for one in words:
        if one.key != _SEARCH_PATH:
            continue
        for place in one.value if isinstance(one.value, list) else [one.value]:
            if not isinstance(place, str):
                raise Mistake(one.key, "must be a list of folders", one.given)
            scheme, _, folder = place.rpartition("://")
            if scheme in ("", "file") and not os.path.isdir(folder):  # whatever its length
                raise Mistake(one.key, "must list folders that there are", f"'{place}'")


def _overlap(key: str, other: str) -> bool:
    """Return whether one key is the other's, or lies in it."""
    one, two = f"{key}.", f"{other}."
    return one.startswith(two) or two.startswith(one)


def _is_plain(value: Any) -> bool:
    """Return whether a value is no mapping and refers to no other one."""
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return not isinstance(value, dict) and not (isinstance(value, str) and "${" in value)
