"""Searched values -> settings: composes once for each combination of groups."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from runner import config
from runner.config import Settings
from runner.config.compose import group_options
from runner.config.explain import owners_of
from runner.config.settings import leaf_keys
from runner.errors import Mistake, nearest
from runner.space import Entry, Space, text_of

_UNSEARCHED = {
    "experiment": "search the groups that it sets",
    "seed": "study.seeds=3 makes a trial the mean over seeds",
    "study": "give it one value",
    "tracking": "give it one value",
    "threads": "give it one value",
    "device": "study.workers=2 spreads over accelerators",
}


class Configurator:
    """Makes the settings of trials from a study's fixed overrides and the values of a search.

    overrides: what is fixed, as written.
    """

    def __init__(self, overrides: tuple[str, ...], config_dir: str | None, space: Space) -> None:
        self.overrides = overrides
        self.config_dir = config_dir
        self.space = space
        self._composed: dict[tuple[tuple[str, str], ...], Any] = {}
        self._prepared: dict[tuple[tuple[str, str], ...], Any] = {}

    def applies(self, choices: Mapping[str, str], key: str) -> bool:
        """Return whether a key exists under a choice of groups."""
        return config.has_key(self._compose(choices), key)

    def keys(self) -> list[str]:
        """Return the keys of the configuration without the search."""
        return leaf_keys(self._prepare({}))

    def settings(self, values: Mapping[str, Any], seed: int | None = None) -> Settings:
        """Return the settings of a trial.

        Raises Mistake for values that do not fit the configuration.
        """
        groups = self.space.group_names
        choices = {key: str(value) for key, value in values.items() if key in groups}
        composed = self._compose(choices)
        plain = {key: value for key, value in values.items() if key not in groups}
        if seed is not None:
            plain["seed"] = seed
        settings = config.finish(self._prepare(choices), plain, composed.hydra)
        return dataclasses.replace(
            settings,
            overrides=(*self.overrides, *words(values), *([f"seed={seed}"] if seed else [])),
            config_dir=self.config_dir,
        )

    def _prepare(self, choices: Mapping[str, str]) -> Any:
        key = tuple(sorted(choices.items()))
        if key not in self._prepared:
            self._prepared[key] = config.prepare(self._compose(choices))
        return self._prepared[key]

    def _compose(self, choices: Mapping[str, str]) -> Any:
        key = tuple(sorted(choices.items()))
        if key not in self._composed:
            words = [*self.overrides, *(f"{group}={option}" for group, option in key)]
            self._composed[key] = config.compose(words, self.config_dir)
        return self._composed[key]


def words(values: Mapping[str, Any]) -> list[str]:
    """Return searched values as overrides.

    >>> words({"schedule": "piecewise", "schedule.boundaries": ["30%", "60%"]})
    ['schedule=piecewise', 'schedule.boundaries=[30%, 60%]']
    """
    return [f"{key}={text_of(value)}" for key, value in values.items()]


def check_space(configurator: Configurator) -> None:
    """Raise Mistake for a key that no trial would use, and for one that is no part of a trial."""
    space = configurator.space
    combinations = space.combinations()
    for entry in space.entries:
        if advice := _UNSEARCHED.get(re.split("[./]", entry.key)[0]):
            raise Mistake(f"{entry.key} must not be searched, got {entry.spec.text()}; {advice}")
        if entry.key in space.group_names:
            _check_group(configurator, entry)
            continue
        used = any(
            entry.holds(choices) and configurator.applies(choices, entry.key)
            for choices in combinations
        )
        if not used:
            owners = owners_of(entry.key, configurator.config_dir)
            known = configurator.keys()
            belongs = f"; it belongs to {owners}" if owners else nearest(entry.key, known)
            raise Mistake(f"{entry.key} is searched, but no trial has such a key{belongs}")


def _check_group(configurator: Configurator, entry: Entry) -> None:
    chosen = configurator.settings({}).choices
    if entry.key not in chosen:
        raise Mistake(
            f"{entry.key} must be one of the groups {', '.join(sorted(chosen))} to be searched, "
            f"got {entry.spec.text()}"
        )
    options = group_options(configurator.config_dir)[entry.key]
    for option in map(str, entry.spec.values()):
        if option not in options:
            raise Mistake(
                f"{entry.key} must be one of {', '.join(options)}, "
                f"got '{option}'{nearest(option, options)}"
            )
