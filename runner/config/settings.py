"""What a configuration says, as plain checked data."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import yaml

from runner.config.command_line import Words
from runner.config.loops import has_command, is_chosen, recorded

TAGS = "tracking.tags"
SECTIONS = ("train", "tracking", "states")  # whose keys are ours


@dataclass(frozen=True)
class Train:
    """Length and rhythm of the training; exactly one of epochs and steps is a number."""

    epochs: float | None = None
    steps: int | None = None
    batch_size: int = 128
    accumulate: int = 1
    steps_per_epoch: int | None = None
    drop_last: bool = False
    ema: float | None = None
    stop_after: Any = None
    eval_every: Any = "1ep"
    keep: str = "last"
    compile: Any = "off"
    graph: Any = "off"


@dataclass(frozen=True)
class Tracking:
    """Where the record goes."""

    enabled: bool = True
    uri: str | None = None
    experiment: str | None = None
    run_name: str | None = None
    tags: Any = field(default_factory=dict)
    trackers: Any = field(default_factory=dict)


@dataclass(frozen=True)
class States:
    """Which states of the training are kept, and where.

    max_bytes: a whole number, once it is checked. every: a duration, None for each evaluation.
    cuts: durations.
    """

    enabled: bool = False
    folder: str = ".runner/states"
    max_bytes: Any = 5_000_000_000
    every: Any = None
    cuts: Any = field(default_factory=list)


@dataclass(frozen=True)
class Schema:
    """What may stand in a configuration, `study` and `hydra` left out."""

    lr: float | None = None
    seed: int = 0
    precision: str = "float32"
    device: str = "auto"
    threads: int | None = None
    train: Train = field(default_factory=Train)
    tracking: Tracking = field(default_factory=Tracking)
    states: States = field(default_factory=States)
    model: Any = None
    dataset: Any = None
    task: Any = None
    loop: Any = None
    schedule: Any = None
    warmup: Any = None
    clipping: Any = None
    optimizer: Any = None


@dataclass(frozen=True)
class Settings(Schema):
    """A checked configuration. The groups are plain mappings with a `_target_`; with a loop of a
    person's own those that it replaces are empty, and `task` says what it reports.

    choices: the option of each group. overrides: the words of the command line.
    forced_sweep: whether the configuration itself asks for a sweep.
    """

    choices: Mapping[str, str] = field(default_factory=dict)
    overrides: Words = ()
    config_dir: str | None = None
    forced_sweep: bool = False

    @property
    def has_loop(self) -> bool:
        """Whether a loop of a person's own trains."""
        return is_chosen(self.loop)

    @property
    def has_script(self) -> bool:
        """Whether that loop is in a script of its own."""
        return has_command(self.loop)

    def resolved(self) -> dict[str, Any]:
        """Return the whole configuration as plain data, as it is recorded."""
        values = {name: getattr(self, name) for name in Schema.__dataclass_fields__}
        values |= {name: dict(vars(values[name])) for name in SECTIONS}
        return recorded(values) if self.has_loop else values

    def yaml(self) -> str:
        """Return the resolved configuration as text."""
        return to_yaml(self.resolved())


_Dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Text(_Dumper):  # type: ignore[misc]
    """Quotes text that OmegaConf, unlike YAML, takes for a number, such as 1e-3."""


def _string(dumper: Any, text: str) -> Any:
    style = None
    with suppress(ValueError):
        float(text)
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Text.add_representer(str, _string)
_Text.ignore_aliases = lambda *_: True


def to_yaml(values: Any) -> str:
    """Return mappings, lists, texts, numbers, booleans and None as YAML, in their order.

    It is what `OmegaConf.to_yaml` gives, by the C library, which takes a tenth of the time.

    >>> print(to_yaml({"lr": 0.001, "start": "1e-3", "boundaries": ["30%", "2ep"]}), end="")
    lr: 0.001
    start: '1e-3'
    boundaries:
    - 30%
    - 2ep
    """
    text: str = yaml.dump(values, Dumper=_Text, sort_keys=False, allow_unicode=True)
    return text
