"""What a configuration says, as plain checked data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.config.command_line import Word
from runner.config.text import to_yaml


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
class Schema:
    """What may stand in a configuration, `study` and `hydra` left out."""

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
class Settings(Schema):
    """A checked configuration. The six groups are plain mappings with a `_target_`.

    choices: the option of each group. overrides: the words of the command line.
    forced_sweep: whether the configuration itself asks for a sweep.
    """

    choices: Mapping[str, str] = field(default_factory=dict)
    overrides: tuple[Word, ...] = ()
    config_dir: str | None = None
    forced_sweep: bool = False

    def resolved(self) -> dict[str, Any]:
        """Return the whole configuration as plain data, as it is recorded."""
        names = list(Schema.__dataclass_fields__)
        values = {name: getattr(self, name) for name in names}
        return values | {"train": dict(vars(self.train)), "tracking": dict(vars(self.tracking))}

    def yaml(self) -> str:
        """Return the resolved configuration as text."""
        return to_yaml(self.resolved())
