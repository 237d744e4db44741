"""Searched values -> settings."""

import re
from collections.abc import Mapping
from typing import Any

from runner.config.command_line import Kind, Word, word
from runner.config.composer import Composer, has_key
from runner.config.options import group_options, leaf_keys, owners_of
from runner.config.settings import Settings
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

    def __init__(
        self,
        overrides: tuple[str, ...],
        config_dir: str | None,
        space: Space,
        composer: Composer | None = None,
    ) -> None:
        self.overrides = overrides
        self.config_dir = config_dir
        self.space = space
        self._fixed = [word(text) for text in overrides]
        self._composer = composer or Composer(config_dir)

    def applies(self, choices: Mapping[str, str], key: str) -> bool:
        """Return whether a key exists under a choice of groups."""
        return has_key(self._composer.config([*self._fixed, *assigned(choices)]), key)

    def keys(self) -> list[str]:
        """Return the keys of the configuration without the search."""
        config = self._composer.config(self._fixed)
        return [key for key in leaf_keys(config) if not key.startswith(("hydra.", "study."))]

    def settings(self, values: Mapping[str, Any], seed: int | None = None) -> Settings:
        """Return the settings of a trial.

        Raises Mistake for values that do not fit the configuration.
        """
        words = [*self._fixed, *assigned(values)]
        settings = self._composer.settings(words)
        if seed is None or seed == settings.seed:
            return settings
        return self._composer.settings([*words, *assigned({"seed": seed})])


def assigned(values: Mapping[str, Any]) -> list[Word]:
    """Return values by key as words."""
    return [
        Word(f"{key}={text_of(value)}", key, Kind.FIXES, value) for key, value in values.items()
    ]


def words(values: Mapping[str, Any]) -> list[str]:
    """Return searched values as overrides.

    >>> words({"schedule": "piecewise", "schedule.boundaries": ["30%", "60%"]})
    ['schedule=piecewise', 'schedule.boundaries=[30%, 60%]']
    """
    return [one.text for one in assigned(values)]


def check_space(configurator: Configurator) -> None:
    """Raise Mistake for a key that no trial would use, and for one that is no part of a trial."""
    space = configurator.space
    combinations = space.combinations()
    for entry in space.entries:
        if advice := _UNSEARCHED.get(re.split("[./]", entry.key)[0]):
            raise Mistake(entry.key, "must not be searched", entry.spec.text(), advice)
        if entry.key in space.group_names:
            _check_group(configurator, entry)
            continue
        used = any(
            entry.holds(choices) and configurator.applies(choices, entry.key)
            for choices in combinations
        )
        if not used:
            owners = owners_of(entry.key, configurator.config_dir)
            hint = (
                f"; it belongs to {owners}" if owners else nearest(entry.key, configurator.keys())
            )
            raise Mistake(entry.key, f"is searched, but no trial has such a key{hint}")


def _check_group(configurator: Configurator, entry: Entry) -> None:
    chosen = configurator.settings({}).choices
    if entry.key not in chosen:
        must = f"must be one of the groups {', '.join(sorted(chosen))} to be searched"
        raise Mistake(entry.key, must, entry.spec.text())
    options = group_options(configurator.config_dir)[entry.key]
    for option in map(str, entry.spec.values()):
        if option not in options:
            given = f"'{option}'{nearest(option, options)}"
            raise Mistake(entry.key, f"must be one of {', '.join(options)}", given)
