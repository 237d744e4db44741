"""What a command line asks for: a run, a grid of runs, or a study."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from runner.config.choices import STUDY, check_choices
from runner.config.command_line import CommandLine, Kind, Word, word
from runner.config.composer import Composer
from runner.config.explain import REFUSALS, mistake_of
from runner.config.grid import Words, expand, first
from runner.errors import Mistake

GRIDS = "hydra_plugins.runner_plugins.GridSweeper"
STUDIES = "hydra_plugins.runner_plugins.StudySweeper"


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

    def jobs(self) -> list[Words]:
        """Return the jobs of a grid; the words of a single run."""
        return expand(self.words) if self.is_multirun else [self.words]


def read_line(typed: Sequence[str]) -> CommandLine:
    """Return what was typed. Raises Mistake for what cannot be read, and for several values of a
    key where one of Hydra's flags wants one."""
    try:
        line = CommandLine.read(typed)
    except REFUSALS as error:
        raise mistake_of(error) from error
    if line.asks_hydra and not line.multirun:
        _refuse_several(line.words)
    return line


def request(line: CommandLine) -> Request:
    """Return what a command line asks for. Raises Mistake for what does not fit together."""
    composer = Composer(line.config_dir)
    check_choices(line.words, composer.groups, line.config_dir)
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
