"""A composed configuration -> settings: typed, resolved, checked."""

import copy
import math
import typing
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from runner import moved
from runner.config import loops
from runner.config.checks import bytes_of, check
from runner.config.command_line import word
from runner.config.familiar import key_hint
from runner.config.options import GLOBAL, leaf_keys
from runner.config.paths import GROUPS, is_open
from runner.config.settings import Schema, Settings, States, Tracking, Train
from runner.config.whole import check_plain, make_whole, whole
from runner.errors import Mistake, nearest, one_line
from schedules.durations import Duration

DEFAULT_LR = 1e-3
APART = ("hydra", "study", "sweep")  # nodes that are no run's settings
DEFAULT_EPOCHS = 5
SEE_HELP = "; python -m runner --help lists the keys"
_HINTS = typing.get_type_hints(Schema) | {
    f"train.{name}": hint for name, hint in typing.get_type_hints(Train).items()
}
_KINDS = {
    "to Integer": "a whole number",
    "to Float": "a number",
    "valid bool": "true or false",
    "to string": "text",
}


@dataclass(frozen=True)
class Composed:
    """A composed configuration: all of it, its typed part, and where its settings come from."""

    config: DictConfig
    typed: DictConfig
    origin: Mapping[str, Any]

    @property
    def choices(self) -> Mapping[str, str]:
        """The option of each group."""
        found: Mapping[str, str] = self.origin["choices"]
        return found

    @classmethod
    def of(cls, config: DictConfig, hydra: HydraConf | DictConfig) -> "Composed":
        """Return a configuration of which `hydra` is Hydra's part.

        Raises Mistake for an unknown key or a value of the wrong type.
        """
        own = OmegaConf.masked_copy(config, [str(k) for k in config if k not in APART])
        with explained(config):
            origin = _origin(hydra)
        return cls(config, typed(own, OmegaConf.structured(Schema)), origin)

    def settings(self, values: Mapping[str, Any]) -> Settings:
        """Return its settings with other values by dotted key, checked.

        Raises Mistake for an unknown key, a value of the wrong type, a number that is not finite,
        and for top-level values out of range. What an argument of a group must be is checked by
        the class that takes it.
        """
        config = copy.deepcopy(self.typed)
        with explained(config):
            for key, value in values.items():
                OmegaConf.update(config, key, whole(value, _HINTS.get(key)))
            if config.lr is None and OmegaConf.select(config, "schedule.values") is None:
                config.lr = DEFAULT_LR
            if config.train.epochs is None and config.train.steps is None:
                config.train.epochs = DEFAULT_EPOCHS
        plain = resolved(config)
        check_plain(plain)
        for key, number in _numbers(plain):
            if not math.isfinite(number):
                raise Mistake(key, "must be finite", str(number))
        for name in ("eval_every", "stop_after"):
            plain["train"][name] = whole(plain["train"][name], Duration)
        for name in ("compile", "graph"):
            plain["train"][name] = _switch(plain["train"][name])
        origin = dict(self.origin)
        named = {*values, *(one.key for one in origin["overrides"])}
        self._check_paths(plain, named)
        if loops.is_chosen(plain["loop"]):
            plain, origin["choices"] = loops.alone(plain, named, origin["choices"])
        plain |= {
            "train": Train(**plain["train"]),
            "tracking": Tracking(**plain["tracking"]),
            "states": _states(plain["states"]),
        }
        settings = Settings(**plain, **origin)
        check(settings)
        return settings

    def _check_paths(self, plain: Mapping[str, Any], named: Collection[str]) -> None:
        """Raise Mistake where a file says otherwise than an option by its path."""
        for group in GROUPS:
            key, path = f"{group}._target_", moved.current(str(self.choices.get(group)))
            if (
                key not in named
                and is_open(self.typed[group])
                and plain[group].get("_target_") != path
            ):
                given = f"{plain[group].get('_target_')}, which a file sets"
                raise Mistake(
                    f"{group}={path}", "must be what it names", given, f"write {key}={path}"
                )


def read(config: DictConfig, hydra: HydraConf | DictConfig) -> Settings:
    """Return the settings of a composed configuration, checked; `hydra` is Hydra's part of it."""
    return Composed.of(config, hydra).settings({})


def section(config: DictConfig, name: str, kind: type) -> dict[str, Any]:
    """Return a node of a composed configuration as plain data, by the fields of a dataclass.

    Raises Mistake for an unknown key or a value of the wrong type.
    """
    with explained(config):
        given = config.get(name)
        plain = OmegaConf.to_container(given, resolve=True) if OmegaConf.is_dict(given) else given
    own = OmegaConf.create({name: plain})
    if OmegaConf.is_dict(own[name]):
        with explained(own):
            make_whole(own[name], kind)
    found = resolved(typed(own, OmegaConf.create({name: OmegaConf.structured(kind)})))
    check_plain(found)
    values: dict[str, Any] = found[name]
    return values


def typed(config: DictConfig, schema: DictConfig) -> DictConfig:
    """Return a configuration whose values have a schema's types; what is missing is the schema's.

    Raises Mistake for an unknown key or a value of the wrong type.
    """
    sections = [name for name in map(str, schema) if isinstance(schema[name], DictConfig)]
    for frozen in (schema, *(schema[name] for name in sections)):
        OmegaConf.set_readonly(frozen, False)
    for name in map(str, config):
        if name == "experiment":
            raise Mistake(name, f"must be an option whose first line is '{GLOBAL}'")
        if name not in schema:
            keys = [key for key in leaf_keys(config) if key.partition(".")[0] in schema]
            hint = nearest(name, [*map(str, schema), "experiment"])
            hint = hint or key_hint(name) or nearest(name, keys)
            raise Mistake(f"unknown key '{name}'{hint or SEE_HELP}")
    for part in sections:
        known = [f"{part}.{key}" for key in schema[part]]
        if not isinstance(config.get(part, schema[part]), DictConfig):
            raise Mistake(part, f"must have keys ({', '.join(known)})", str(config[part]))
        for key in config.get(part, ()):
            if f"{part}.{key}" not in known:
                raise Mistake(
                    f"unknown key '{part}.{key}'{nearest(f'{part}.{key}', known) or key_hint(key)}"
                )
    with explained(config):
        make_whole(config, OmegaConf.get_type(schema) or dict)
        merged = OmegaConf.merge(schema, config)
    assert isinstance(merged, DictConfig)
    OmegaConf.set_struct(merged, True)
    return merged


def resolved(config: DictConfig) -> dict[str, Any]:
    """Return a typed configuration as plain data, classes by where they are today.

    Raises Mistake for a value that is missing, or refers to nothing.
    """
    with explained(config):
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    found: dict[str, Any] = moved.targets(plain)
    return found


@contextmanager
def explained(config: DictConfig) -> Iterator[None]:
    """Let what OmegaConf refuses of a configuration rise as a mistake about a key."""
    try:
        yield
    except MissingMandatoryValue as error:
        raise Mistake(str(error.full_key or error.key), "must be given", "nothing") from error
    except OmegaConfBaseException as error:
        key, text = str(error.full_key or error.key), one_line(error).split(" full_key:")[0]
        kind = next((words for sign, words in _KINDS.items() if sign in text), None)
        if kind is None:
            raise Mistake(f"{key}:", text) from error
        given = OmegaConf.select(config, key, throw_on_resolution_failure=False)
        raise Mistake(key, f"must be {kind}", repr(given)) from error


def _switch(given: Any) -> Any:
    """Return on and off as the words that YAML takes for true and false."""
    return {True: "on", False: "off"}[given] if isinstance(given, bool) else given


def _states(given: Mapping[str, Any]) -> States:
    if not isinstance(given["cuts"], list):
        raise Mistake("states.cuts", "must be a list of durations", repr(given["cuts"]), "[60%]")
    more = {
        "every": whole(given["every"], Duration),
        "max_bytes": bytes_of(given["max_bytes"]),
        "cuts": [whole(one, Duration) for one in given["cuts"]],
    }
    return States(**{**given, **more})


def config_dir(hydra: HydraConf | DictConfig) -> str | None:
    """Return the folder that --config-dir named, if it did."""
    sources = hydra.runtime.config_sources
    return next((str(s.path) for s in sources if s.provider == "command-line"), None)


def _origin(hydra: HydraConf | DictConfig) -> dict[str, Any]:
    """Return what settings hold of where they come from, by Hydra's part of a configuration."""
    task: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    choices = {str(group): str(option) for group, option in hydra.runtime.choices.items()}
    return {
        "choices": {k: v for k, v in choices.items() if not k.startswith("hydra/")},
        "overrides": tuple(map(word, task)),
        "config_dir": config_dir(hydra),
        "forced_sweep": _forced_sweep(hydra),
    }


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _numbers(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _numbers(inner, f"{key}[{i}]")
    elif isinstance(value, float):
        yield key, value


def _forced_sweep(hydra: HydraConf | DictConfig) -> bool:
    """Whether the configuration itself asks for a sweep, so that a run alone has to refuse it."""
    if str(hydra.mode).endswith("MULTIRUN"):
        return "hydra.mode=MULTIRUN" not in list(hydra.overrides.hydra)
    study = hydra.runtime.choices.get("study", "none")
    return bool(hydra.sweeper.get("params")) or study not in (None, "none")
