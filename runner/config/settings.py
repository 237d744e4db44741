"""What a configuration says, as plain checked data."""

import copy
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from runner.config.checks import check
from runner.config.text import to_yaml
from runner.errors import Mistake, nearest, one_line

DEFAULT_LR = 1e-3
DEFAULT_EPOCHS = 5
_KINDS = {
    "to Integer": "a whole number",
    "to Float": "a number",
    "valid bool": "true or false",
    "to string": "text",
}


@dataclass(frozen=True)
class Train:
    """Length and rhythm of the training; exactly one of epochs and steps is a number."""

    epochs: float | None = None
    steps: int | None = None
    batch_size: int = 128
    eval_every: Any = "1ep"
    keep: str = "last"


@dataclass(frozen=True)
class Tracking:
    """Where the record goes."""

    enabled: bool = True
    uri: str | None = None
    experiment: str | None = None
    run_name: str | None = None
    trackers: Any = field(default_factory=dict)


@dataclass(frozen=True)
class _Schema:
    lr: float | None = None
    seed: int = 0
    precision: str = "float32"
    device: str = "auto"
    threads: int | None = None
    train: Train = field(default_factory=Train)
    tracking: Tracking = field(default_factory=Tracking)
    model: Any = None
    dataset: Any = None
    task: Any = None
    schedule: Any = None
    warmup: Any = None
    clipping: Any = None
    optimizer: Any = None


@dataclass(frozen=True)
class Settings(_Schema):
    """A checked configuration. The six groups are plain mappings with a `_target_`."""

    choices: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[str, ...] = ()
    config_dir: str | None = None
    forced_sweep: bool = False

    def resolved(self) -> dict[str, Any]:
        """Return the whole configuration as plain data, as it is recorded."""
        names = list(_Schema.__dataclass_fields__)
        values = {name: getattr(self, name) for name in names}
        return values | {"train": dict(vars(self.train)), "tracking": dict(vars(self.tracking))}

    def yaml(self) -> str:
        """Return the resolved configuration as text."""
        return to_yaml(self.resolved())


def read(config: DictConfig, hydra: HydraConf | DictConfig) -> Settings:
    """Return the settings of a composed configuration, checked; `hydra` is Hydra's part of it.

    Raises Mistake for an unknown key, a value of the wrong type, a number that is not finite,
    and for top-level values out of range. What an argument of a group must be is checked by
    the class that takes it.
    """
    return finish(prepare(config), {}, hydra)


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
        raise Mistake(wrong_type(error, own)) from error
    assert isinstance(merged, DictConfig)
    return merged


def finish(
    prepared: DictConfig, values: Mapping[str, Any], hydra: HydraConf | DictConfig
) -> Settings:
    """Return the settings of a prepared configuration with other values by dotted key, checked.

    Raises Mistake as `read` does.
    """
    own = copy.deepcopy(prepared)
    plain = _resolved(own, values)
    for key, number in _numbers(plain):
        if not math.isfinite(number):
            raise Mistake(f"{key} must be finite, got {number}")
    train, tracking = Train(**plain.pop("train")), Tracking(**plain.pop("tracking"))
    settings = Settings(
        **plain,
        train=train,
        tracking=tracking,
        choices={
            str(k): str(v)
            for k, v in hydra.runtime.choices.items()
            if not str(k).startswith("hydra/")
        },
        overrides=tuple(hydra.overrides.task),
        config_dir=config_dir(hydra),
        forced_sweep=_forced_sweep(hydra),
    )
    check(settings)
    return settings


def _check_names(config: DictConfig) -> None:
    known = _schema()
    keys = [k for k in leaf_keys(config) if k.partition(".")[0] in known]
    for name in map(str, config):
        if name not in known:
            hint = nearest(name, [*known, "experiment"]) or nearest(name, keys)
            raise Mistake(
                f"unknown key '{name}'{hint or '; python -m runner --help lists the keys'}"
            )
    for part in ("train", "tracking"):
        mine = [f"{part}.{key}" for key in known[part]]
        if not isinstance(config.get(part, known[part]), DictConfig):
            raise Mistake(f"{part} must have keys ({', '.join(mine)}), got {config[part]}")
        for key in config.get(part, ()):
            if f"{part}.{key}" not in mine:
                raise Mistake(f"unknown key '{part}.{key}'{nearest(f'{part}.{key}', mine)}")


def _schema() -> DictConfig:
    schema = OmegaConf.structured(_Schema)
    assert isinstance(schema, DictConfig)
    for frozen in (schema, schema.train, schema.tracking):
        OmegaConf.set_readonly(frozen, False)
    return schema


def _resolved(config: DictConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    try:
        OmegaConf.set_struct(config, False)
        for key, value in values.items():
            OmegaConf.update(config, key, value, merge=False)
        _fill_in(config)
        plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except ValidationError as error:
        raise Mistake(wrong_type(error, config)) from error
    except OmegaConfBaseException as error:
        raise Mistake(f"{error.full_key or error.key}: {_message(error)}") from error
    assert isinstance(plain, dict)
    return {str(k): v for k, v in plain.items()}


def _fill_in(config: DictConfig) -> None:
    """Put in the two defaults that depend on what else was given."""
    if config.lr is None and OmegaConf.select(config, "schedule.values") is None:
        config.lr = DEFAULT_LR
    if config.train.epochs is None and config.train.steps is None:
        config.train.epochs = DEFAULT_EPOCHS


def wrong_type(error: ValidationError, config: DictConfig) -> str:
    """Return what a value must be instead; the error's full key is one of the configuration."""
    key, text = str(error.full_key), _message(error)
    kind = next((words for sign, words in _KINDS.items() if sign in text), None)
    if kind is None:
        return f"{key}: {text}"
    given = OmegaConf.select(config, key, throw_on_resolution_failure=False)
    return f"{key} must be {kind}, got {given!r}"


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


def leaf_keys(config: DictConfig) -> list[str]:
    """Return the dotted names of all values."""
    plain = OmegaConf.to_container(config, resolve=False)
    return [key for key, _ in _items(plain)]


def _items(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _items(inner, f"{key}.{name}" if key else str(name))
    else:
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
