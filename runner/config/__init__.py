"""From a command line to checked settings: the only room that composes configurations."""

from runner.config.compose import (
    BASIC_LAUNCHER,
    CONF,
    compose,
    current,
    expand,
    has_key,
    in_order,
    runs_alone,
    split,
    sweeping,
    swept,
)
from runner.config.settings import Settings, config_dir, finish, prepare, read
from runner.config.study import StudySettings, read_study
from runner.config.targets import build, partial

__all__ = [
    "BASIC_LAUNCHER",
    "CONF",
    "Settings",
    "StudySettings",
    "build",
    "compose",
    "config_dir",
    "current",
    "expand",
    "finish",
    "has_key",
    "in_order",
    "partial",
    "prepare",
    "read",
    "read_study",
    "runs_alone",
    "split",
    "sweeping",
    "swept",
]
