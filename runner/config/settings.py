"""What a configuration says, as plain checked data."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hydra.conf import HydraConf
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException, ValidationError

from runner.errors import Mistake, nearest, one_line
from runner.tracking_uri import refuse_password

DEFAULT_LR = 1e-3
DEFAULT_EPOCHS = 5
GROUPS = ("model", "dataset", "schedule", "warmup", "clipping", "optimizer")
_KINDS = {"Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


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
        return OmegaConf.to_yaml(OmegaConf.create(self.resolved()))


def read(config: DictConfig, hydra: HydraConf | DictConfig) -> Settings:
    """Return the settings of a composed configuration, checked; `hydra` is Hydra's part of it.

    Raises Mistake for an unknown key, a value of the wrong type, a number that is not finite,
    and for top-level values out of range. What an argument of a group must be is checked by
    the class that takes it.
    """
    own = OmegaConf.create(OmegaConf.to_container(config, resolve=False))
    assert isinstance(own, DictConfig)
    own.pop("hydra", None)
    for key in own:
        name = str(key)
        if name not in _Schema.__dataclass_fields__:
            raise Mistake(f"unknown key '{name}'{nearest(name, _Schema.__dataclass_fields__)}")
    _fill_in(own)
    plain = _typed(own)
    for key, number in _numbers(plain):
        if not math.isfinite(number):
            raise Mistake(f"{key} must be finite, got {number}")
    train, tracking = Train(**plain.pop("train")), Tracking(**plain.pop("tracking"))
    settings = Settings(
        **plain,
        train=train,
        tracking=tracking,
        choices={str(k): str(v) for k, v in hydra.runtime.choices.items() if "/" not in str(k)},
        overrides=tuple(hydra.overrides.task),
        config_dir=_config_dir(hydra),
        forced_sweep=_forced_sweep(hydra),
    )
    _check(settings)
    return settings


def _fill_in(config: DictConfig) -> None:
    """Put in the two defaults that depend on what else was given."""
    if config.get("lr") is None and OmegaConf.select(config, "schedule.values") is None:
        config.lr = DEFAULT_LR
    train = config.get("train")
    if isinstance(train, DictConfig) and train.get("epochs") is None and train.get("steps") is None:
        train.epochs = DEFAULT_EPOCHS


def _typed(config: DictConfig) -> dict[str, Any]:
    try:
        schema = OmegaConf.structured(_Schema)
        for frozen in (schema, schema.train, schema.tracking):
            OmegaConf.set_readonly(frozen, False)
        merged = OmegaConf.merge(schema, config)
        plain = OmegaConf.to_container(merged, resolve=True, throw_on_missing=True)
    except ValidationError as error:
        raise Mistake(_wrong_type(error)) from error
    except OmegaConfBaseException as error:
        key = error.full_key or error.key
        detail = one_line(error).split(" full_key:")[0]
        raise Mistake(f"{key}: {detail}{nearest(str(key), leaf_keys(config))}") from error
    assert isinstance(plain, dict)
    return {str(k): v for k, v in plain.items()}


def _wrong_type(error: ValidationError) -> str:
    text = one_line(error).split(" full_key:")[0]
    kind = next((words for name, words in _KINDS.items() if f"to {name}" in text), None)
    if kind is None:
        return f"{error.full_key}: {text}"
    return f"{error.full_key} must be {kind}, got {text.split(chr(39))[1]!r}"


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


def _config_dir(hydra: HydraConf | DictConfig) -> str | None:
    sources = hydra.runtime.config_sources
    return next((str(s.path) for s in sources if s.provider == "command-line"), None)


def _forced_sweep(hydra: HydraConf | DictConfig) -> bool:
    """Whether the configuration itself, not `-m`, asked for a sweep."""
    return str(hydra.mode).endswith("MULTIRUN") and "hydra.mode=MULTIRUN" not in list(
        hydra.overrides.hydra
    )


def _check(s: Settings) -> None:
    train = s.train
    if train.epochs is not None and train.steps is not None:
        raise Mistake(
            f"train.epochs and train.steps exclude each other, got {train.epochs:g} and "
            f"{train.steps}; give train.epochs=null or train.steps=null"
        )
    _at_least("train.steps", train.steps, 1)
    if train.epochs is not None and train.epochs <= 0:
        raise Mistake(f"train.epochs must be greater than 0, got {train.epochs:g}")
    _at_least("train.batch_size", train.batch_size, 1)
    _at_least("threads", s.threads, 1)
    if not 0 <= s.seed < 2**32:
        raise Mistake(f"seed must lie in [0, 2**32), got {s.seed}")
    _one_of("train.keep", train.keep, ("last", "best"))
    _one_of("precision", s.precision, ("float32", "bfloat16"))
    if s.lr is not None and s.lr <= 0:
        raise Mistake(f"lr must be greater than 0, got {s.lr:g}")
    refuse_password(s.tracking.uri)


def _at_least(key: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise Mistake(f"{key} must be at least {least}, got {value}")


def _one_of(key: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise Mistake(f"{key} must be {' or '.join(known)}, got '{value}'{nearest(value, known)}")
