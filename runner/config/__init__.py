"""From a command line to checked settings: the only room that composes configurations."""

from runner.config.compose import (
    BASIC_LAUNCHER,
    CONF,
    compose,
    current,
    expand,
    in_order,
    runs_alone,
    split,
    sweeping,
    swept,
)
from runner.config.settings import Settings, config_dir, read
from runner.config.targets import build, partial

__all__ = [
    "BASIC_LAUNCHER",
    "CONF",
    "Settings",
    "build",
    "compose",
    "config_dir",
    "current",
    "expand",
    "in_order",
    "partial",
    "read",
    "runs_alone",
    "split",
    "sweeping",
    "swept",
]
