"""What a command line asks for: a run, a grid of runs, or a study."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig, OmegaConf

from runner.config.command_line import CommandLine, Kind, Word, Words, expand, first, word
from runner.config.composer import Composer, explained
from runner.config.options import STUDY, check_choices
from runner.errors import Mistake

BASIC_LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
GRIDS = "hydra_plugins.runner_plugins.GridSweeper"
STUDIES = "hydra_plugins.runner_plugins.StudySweeper"
_OF_JOBS = ("callbacks", "output_subdir", "verbose", "job.chdir", "job.env_set", "job.env_copy")


@dataclass(frozen=True)
class Request:
    """A command line with what its configuration says about it.

    words: the command line's and, before them, those over which the configuration itself sweeps.
    hydra: Hydra's part of the configuration. is_multirun: whether it is a grid or a study.
    """

    composer: Composer
    words: Words
    hydra: DictConfig
    is_multirun: bool

    @property
    def sweeper(self) -> str:
        """The class of Hydra's sweeper."""
        return str(self.hydra.sweeper._target_)

    @property
    def is_study(self) -> bool:
        """Whether it searches."""
        return self.is_multirun and self.sweeper == STUDIES

    @property
    def is_left_to_hydra(self) -> bool:
        """Whether jobs go to a launcher or a sweeper that is not ours, or Hydra is asked to do
        something around each."""
        ours = self.sweeper in (GRIDS, STUDIES) and self.hydra.launcher._target_ == BASIC_LAUNCHER
        asked = any(OmegaConf.select(self.hydra, key) for key in _OF_JOBS)
        return asked or (self.is_multirun and not ours)

    def jobs(self) -> list[Words]:
        """Return the jobs of a grid; the words of a single run."""
        return expand(self.words) if self.is_multirun else [self.words]


def read_line(typed: Sequence[str]) -> CommandLine:
    """Return what was typed. Raises Mistake for what cannot be read, for a group that is chosen in
    no way that it can be, and for several values of a key where one of Hydra's flags wants one."""
    with explained():
        line = CommandLine.read(typed)
    check_choices(line.words, line.config_dir)
    if line.asks_hydra and not line.multirun:
        _refuse_several(line.words)
    return line


def request(line: CommandLine) -> Request:
    """Return what a command line asks for. Raises Mistake for what does not fit together."""
    composer = Composer(line.config_dir)
    hydra = _hydra(composer, line.words)
    is_multirun = line.multirun or str(hydra.mode).endswith("MULTIRUN")
    if not is_multirun:
        _refuse_several(line.words)
    more = (hydra.sweeper.get("params") or {}) if is_multirun else {}
    words = (*(word(f"{key}={value}") for key, value in more.items()), *line.words)
    found = Request(composer, words, hydra, is_multirun)
    about = [one.key for one in line.words if one.key.startswith((f"{STUDY}.", f"{STUDY}/"))]
    if about and found.sweeper != STUDIES:
        advice = "choose one, such as study=decay_rate, or -m hydra/sweeper=optuna"
        raise Mistake(about[0], "must stand beside a search", "none", advice)
    return found


def _hydra(composer: Composer, words: Sequence[Word]) -> Any:
    """Return Hydra's part of the configuration: of the first job, else of what all share, so that
    what is wrong with a job is said by its name."""
    with suppress(Mistake):
        return composer.config(first(words)).hydra
    return composer.config([one for one in words if not one.is_multiple]).hydra


def _refuse_several(words: Sequence[Word]) -> None:
    for one in words:
        if one.kind is Kind.SWEEPS:
            raise Mistake(one.key, f"has several values, {one.given}: add -m to sweep over them")
        if one.kind is Kind.SEARCHES:
            advice = "add -m hydra/sweeper=optuna, or a study"
            raise Mistake(one.key, f"is searched, {one.given}: {advice}")
