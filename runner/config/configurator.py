"""Searched values -> settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runner.config import open_keys
from runner.config.command_line import Kind, Word, word
from runner.config.composer import Composer
from runner.config.options import group_options, leaf_keys, not_one_of, owners_of
from runner.config.paths import is_option
from runner.config.settings import TAGS, Settings
from runner.errors import Mistake, nearest
from runner.space import Entry, Space, text_of

_UNSEARCHED = {
    "experiment": "search the groups that it sets",
    "seed": "study.seeds=3 makes a trial the mean over seeds",
    "study": "give it one value",
    "tracking": "give it one value",
    "states": "give it one value",
    "sweep": "study.workers says how many trials run at a time",
    "threads": "give it one value",
    "device": "study.workers=2 spreads over accelerators",
}


@dataclass(frozen=True)
class Configurator:
    """Makes the settings of trials from a study's fixed overrides and the values of a search.

    overrides: what is fixed, as written.
    """

    overrides: tuple[str, ...]
    space: Space
    composer: Composer

    @property
    def fixed(self) -> list[Word]:
        """The words that are fixed."""
        return [word(text) for text in self.overrides]

    def applies(self, choices: Mapping[str, str], key: str) -> bool:
        """Return whether a key exists under a choice of groups, or may be given.

        Raises Mistake where what takes it cannot be imported.
        """
        return open_keys.has(self.composer.config([*self.fixed, *assigned(choices)]), key)

    def settings(self, values: Mapping[str, Any], seed: int | None = None) -> Settings:
        """Return the settings of a trial.

        Raises Mistake for values that do not fit the configuration.
        """
        words = [*self.fixed, *assigned(values)]
        settings = self.composer.settings(words)
        if seed is None or seed == settings.seed:
            return settings
        return self.composer.settings([*words, *assigned({"seed": seed})])


def assigned(values: Mapping[str, Any]) -> list[Word]:
    """Return values by key as words."""
    return [
        Word(f"{key}={text_of(value)}", key, Kind.FIXES, value) for key, value in values.items()
    ]


def tagged(tags: Mapping[str, str]) -> list[Word]:
    """Return tags of a run as words; those that a person has given stay.

    >>> [one.text for one in tagged({"kind": "job"})]
    ['++tracking.tags.kind=job']
    """
    return [word(f"++{TAGS}.{name}={text_of(value)}") for name, value in tags.items()]


def words(values: Mapping[str, Any]) -> list[str]:
    """Return searched values as overrides.

    >>> words({"schedule": "piecewise", "schedule.boundaries": ["30%", "60%"]})
    ['schedule=piecewise', 'schedule.boundaries=[30%, 60%]']
    """
    return [one.text for one in assigned(values)]


def check_space(configurator: Configurator) -> None:
    """Raise Mistake for a key that no trial would use, and for one that is no part of a trial."""
    space, config_dir = configurator.space, configurator.composer.config_dir
    combinations = space.combinations()
    for entry in space.entries:
        key = entry.key
        if advice := _UNSEARCHED.get(re.split("[./]", key)[0]):
            raise Mistake(key, "must not be searched", entry.spec.text(), advice)
        if key in space.group_names:
            _check_group(configurator, entry)
        elif not any(entry.holds(one) and configurator.applies(one, key) for one in combinations):
            owners = owners_of(key, config_dir)
            known = [] if owners else _known(configurator, key.partition(".")[0])
            hint = f"; it belongs to {owners}" if owners else nearest(key, known)
            raise Mistake(key, f"is searched, but no trial has such a key{hint}")


def _known(configurator: Configurator, group: str) -> list[str]:
    """Return the keys that trials have, or take: all without the search, and those of the options
    of a group by their paths."""
    space, found = configurator.space, list[str]()
    searched = [one for one in space.combinations() if group in one]
    paths = dict.fromkeys(one[group] for one in searched if is_option(group, one[group]))
    for choices in ({}, *({group: path} for path in paths)):
        config = configurator.composer.config([*configurator.fixed, *assigned(choices)])
        found += [*leaf_keys(config), *open_keys.taken(config)]
    return [key for key in found if not key.startswith(("hydra.", "study."))]


def _check_group(configurator: Configurator, entry: Entry) -> None:
    chosen = configurator.settings({}).choices
    if entry.key not in chosen:
        must = f"must be one of the groups {', '.join(sorted(chosen))} to be searched"
        raise Mistake(entry.key, must, entry.spec.text())
    options = group_options(configurator.composer.config_dir)[entry.key]
    for option in map(str, entry.spec.values()):
        if option not in options and not is_option(entry.key, option):
            raise not_one_of(options, entry.key, f"'{option}'{nearest(option, options)}")
