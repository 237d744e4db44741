"""From a command line to checked settings: the only room that composes configurations.

command_line  what was typed, parsed once          request   a run, a grid or a study
composer      words -> settings, few composes      grid      the jobs of a grid
reading       a composed configuration -> settings, typed and checked (checks)
grammar       search spaces as people write them   study     how a study goes
targets       `_target_` and arguments -> object   launcher  what is left to Hydra
"""

from runner.config.compose import compose, has_key
from runner.config.launcher import BASIC_LAUNCHER
from runner.config.options import CONF
from runner.config.reading import read
from runner.config.settings import Settings
from runner.config.study import StudySettings, read_study
from runner.config.targets import build, partial

__all__ = [
    "BASIC_LAUNCHER",
    "CONF",
    "Settings",
    "StudySettings",
    "build",
    "compose",
    "has_key",
    "partial",
    "read",
    "read_study",
]
