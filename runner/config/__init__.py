"""From a command line to checked settings: the only room that composes configurations.

command_line  what was typed, parsed once          request   a run, a grid or a study
options       the groups and their options         composer  words -> settings, few composes
paths         options by their path                open_keys their arguments, as keys
reading       a composed configuration -> settings, typed and checked (checks)
grammar       search spaces as people write them   study     how a study goes
targets       `_target_` and arguments -> object   explain   what Hydra refuses, in one line
"""

from runner.config.settings import Settings
from runner.config.targets import build, partial

__all__ = ["Settings", "build", "partial"]
