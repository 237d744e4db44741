"""A composed configuration -> settings: typed, resolved, checked."""

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from runner import moved
from runner.config.checks import check
from runner.config.command_line import word
from runner.config.options import leaf_keys
from runner.config.settings import Schema, Settings, Tracking, Train
from runner.errors import Mistake, nearest, one_line

DEFAULT_LR = 1e-3
DEFAULT_EPOCHS = 5
SEE_HELP = "; python -m runner --help lists the keys"
_KINDS = {
    "to Integer": "a whole number",
    "to Float": "a number",
    "valid bool": "true or false",
    "to string": "text",
}


def read(config: DictConfig, hydra: HydraConf | DictConfig) -> Settings:
    """Return the settings of a composed configuration, checked; `hydra` is Hydra's part of it.

    Raises Mistake for an unknown key, a value of the wrong type, a number that is not finite,
    and for top-level values out of range. What an argument of a group must be is checked by
    the class that takes it.
    """
    return replace(finish(prepare(config), {}), **origin(hydra))


def prepare(config: DictConfig) -> DictConfig:
    """Return the typed part of `read` that is the same for all values of a search.

    Raises Mistake for an unknown key or a value of the wrong type.
    """
    own = OmegaConf.create(OmegaConf.to_container(config, resolve=False))
    assert isinstance(own, DictConfig)
    own.pop("hydra", None)
    own.pop("study", None)
    _check_names(own)
    try:
        merged = OmegaConf.merge(_schema(), own)
    except ValidationError as error:
        raise wrong_type(error, own) from error
    assert isinstance(merged, DictConfig)
    OmegaConf.set_struct(merged, False)
    return merged


def finish(prepared: DictConfig, values: Mapping[str, Any]) -> Settings:
    """Return the settings of a prepared configuration with other values by dotted key, checked.

    Raises Mistake as `read` does.
    """
    plain = _resolved(copy.deepcopy(prepared), values)
    for key, number in _numbers(plain):
        if not math.isfinite(number):
            raise Mistake(key, "must be finite", str(number))
    train, tracking = Train(**plain.pop("train")), Tracking(**plain.pop("tracking"))
    settings = Settings(**plain, train=train, tracking=tracking)
    check(settings)
    return settings


def origin(hydra: HydraConf | DictConfig) -> dict[str, Any]:
    """Return what settings hold of where they come from, by Hydra's part of a configuration."""
    typed: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)
    choices = {str(group): str(option) for group, option in hydra.runtime.choices.items()}
    return {
        "choices": {k: v for k, v in choices.items() if not k.startswith("hydra/")},
        "overrides": tuple(map(word, typed)),
        "config_dir": config_dir(hydra),
        "forced_sweep": _forced_sweep(hydra),
    }


def wrong_type(error: ValidationError, config: DictConfig) -> Mistake:
    """Return what a value must be instead; the error's full key is one of the configuration."""
    key, text = str(error.full_key), _message(error)
    kind = next((words for sign, words in _KINDS.items() if sign in text), None)
    if kind is None:
        return Mistake(f"{key}:", text)
    given = OmegaConf.select(config, key, throw_on_resolution_failure=False)
    return Mistake(key, f"must be {kind}", repr(given))


def _check_names(config: DictConfig) -> None:
    known = _schema()
    keys = [k for k in leaf_keys(config) if k.partition(".")[0] in known]
    for name in map(str, config):
        if name not in known:
            hint = nearest(name, [*known, "experiment"]) or nearest(name, keys)
            raise Mistake(f"unknown key '{name}'{hint or SEE_HELP}")
    for part in ("train", "tracking"):
        mine = [f"{part}.{key}" for key in known[part]]
        if not isinstance(config.get(part, known[part]), DictConfig):
            raise Mistake(part, f"must have keys ({', '.join(mine)})", str(config[part]))
        for key in config.get(part, ()):
            if f"{part}.{key}" not in mine:
                raise Mistake(f"unknown key '{part}.{key}'{nearest(f'{part}.{key}', mine)}")


def _schema() -> DictConfig:
    schema = OmegaConf.structured(Schema)
    assert isinstance(schema, DictConfig)
    for frozen in (schema, schema.train, schema.tracking):
        OmegaConf.set_readonly(frozen, False)
    return schema


def _resolved(config: DictConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        for key, value in values.items():
            OmegaConf.update(config, key, value)
        _fill_in(config)
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except ValidationError as error:
        raise wrong_type(error, config) from error
    except OmegaConfBaseException as error:
        raise Mistake(f"{error.full_key or error.key}:", _message(error)) from error
    assert isinstance(plain, dict)
    return {str(k): moved.targets(v) for k, v in plain.items()}


def _fill_in(config: DictConfig) -> None:
    """Put in the two defaults that depend on what else was given."""
    if config.lr is None and OmegaConf.select(config, "schedule.values") is None:
        config.lr = DEFAULT_LR
    if config.train.epochs is None and config.train.steps is None:
        config.train.epochs = DEFAULT_EPOCHS


def _message(error: OmegaConfBaseException) -> str:
    return one_line(error).split(" full_key:")[0]


def _numbers(value: Any, key: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _numbers(inner, f"{key}.{name}" if key else str(name))
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            yield from _numbers(inner, f"{key}[{i}]")
    elif isinstance(value, float):
        yield key, value


def config_dir(hydra: HydraConf | DictConfig) -> str | None:
    """Return the folder that --config-dir named, if it did."""
    sources = hydra.runtime.config_sources
    return next((str(s.path) for s in sources if s.provider == "command-line"), None)


def _forced_sweep(hydra: HydraConf | DictConfig) -> bool:
    """Whether the configuration itself asks for a sweep, so that a run alone has to refuse it."""
    if str(hydra.mode).endswith("MULTIRUN"):
        return "hydra.mode=MULTIRUN" not in list(hydra.overrides.hydra)
    return bool(hydra.sweeper.get("params")) or hydra.runtime.choices.get("study") not in (
        None,
        "none",
    )
