"""What a command line asks for: a run, a grid of runs, a study, or what is left to Hydra."""

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from runner import plugins
from runner.config.command_line import (
    CORE_PLUGINS,
    CommandLine,
    Kind,
    Word,
    Words,
    expand,
    word,
)
from runner.config.composer import OF_JOBS, REFUSALS, Composer, explained, search_path
from runner.config.familiar import key_hint
from runner.config.options import CONF, STUDY, check_choices, overlays_of
from runner.config.reading import read
from runner.config.settings import Settings
from runner.config.shorthand import written_out
from runner.config.sweep import SweepSettings, read_sweep
from runner.errors import Mistake, one_line

BASIC_LAUNCHER = f"{CORE_PLUGINS}basic_launcher.BasicLauncher"
GRIDS = "hydra_plugins.runner_plugins.GridSweeper"
STUDIES = "hydra_plugins.runner_plugins.StudySweeper"
Launch = Callable[[Sequence[Sequence[str]], int], Sequence[Any]]  # words of jobs, first number
SWEEP = "sweep"
_SLURM = "submitit_launcher.SlurmLauncher"


@dataclass(frozen=True)
class Request:
    """A command line with what its configuration says about it.

    words: the command line's and, before them, those over which the configuration itself sweeps.
    hydra: Hydra's part of the configuration. is_multirun: whether it is a grid or a study. sweep:
    how a grid is run.
    """

    composer: Composer
    words: Words
    hydra: DictConfig
    is_multirun: bool
    sweep: SweepSettings = field(default_factory=SweepSettings)

    @property
    def sweeper(self) -> str:
        """The class of Hydra's sweeper."""
        return str(self.hydra.sweeper._target_)

    @property
    def is_study(self) -> bool:
        """Whether it searches."""
        return self.is_multirun and self.sweeper == STUDIES

    @property
    def is_grid(self) -> bool:
        """Whether it makes all runs of a grid."""
        return self.is_multirun and self.sweeper == GRIDS

    @property
    def is_left_to_hydra(self) -> bool:
        """Whether jobs go to a launcher or a sweeper that is not ours, or Hydra is asked to do
        something around each."""
        ours = self.sweeper in (GRIDS, STUDIES) and self.hydra.launcher._target_ == BASIC_LAUNCHER
        asked = any(OmegaConf.select(self.hydra, key) for key in OF_JOBS)
        return asked or (self.is_multirun and not ours)

    def jobs(self) -> list[Words]:
        """Return the jobs of a grid; the words of a single run."""
        return expand(self.words) if self.is_multirun else [self.words]


def read_line(typed: Sequence[str]) -> CommandLine:
    """Return what was typed. Raises Mistake for what cannot be read, for a group that is chosen in
    no way that it can be, and for several values of a key where one of Hydra's flags wants one."""
    with explained(kinds=(Exception,)):
        line = CommandLine.read(typed)
    check_choices(line.words, line.config_dir)
    if line.asks_hydra and not line.multirun:
        _refuse_several(line.words)
    if "--hydra-help" in line.flags and line.words:
        raise Mistake("--hydra-help", "must stand alone", f"'{line.words[0].text}' beside it")
    if any(flag.startswith(("--info", "-i")) for flag in line.flags):
        Composer(line.config_dir).config(line.words)  # Hydra would complain amid its answer
    return line


def request(line: CommandLine) -> Request:
    """Return what a command line asks for. Raises Mistake for what does not fit together."""
    composer = Composer(line.config_dir)
    if any((one.key, one.value) == ("hydra/sweeper", "optuna") for one in line.words):
        _refuse_their_keys(line.words)
    config = _shared(composer, line.words)
    own = config.hydra
    is_multirun = line.multirun or str(own.mode).endswith("MULTIRUN")
    if not is_multirun:
        _refuse_several(line.words)
    if is_multirun:
        _refuse_sweeps_of_sweeps(composer, line.words)
    more = (own.sweeper.get("params") or {}) if is_multirun else {}
    swept = (word(written_out(f"{key}={value}")) for key, value in more.items())
    words = (*swept, *line.words)
    found = Request(composer, words, own, is_multirun)
    if found.sweeper == STUDIES:
        _refuse_their_keys(line.words)
    about = [one.key for one in line.words if one.key.startswith((f"{STUDY}.", f"{STUDY}/"))]
    if about and found.sweeper != STUDIES:
        advice = "choose one, such as study=decay_rate, or -m hydra/sweeper=optuna"
        raise Mistake(about[0], "must stand beside a search", "none", advice)
    if any(one.key.partition(".")[0] == SWEEP for one in words):
        _check_sweep(found)
    return replace(found, sweep=read_sweep(config)) if found.is_grid else found


def hand_over(line: CommandLine, job: Callable[[Any], Any]) -> None:
    """Let Hydra answer a command line. Raises Mistake for what it refuses.

    job: called with the configuration of a run, and of each job of a sweep.
    """
    plugins.register()
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here as they are
    texts = [*search_path(line.words), *(one.text for one in line.words)]
    before, sys.argv = sys.argv, ["runner", *texts, *line.flags]
    kinds = (Exception,) if line.asks_hydra else REFUSALS
    try:
        with explained(line.words, line.config_dir, kinds):
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)()
    except OSError as error:
        folders = [one for one in line.words if one.key in ("hydra.run.dir", "hydra.sweep.dir")]
        for one in folders:
            if str(error.filename).startswith(str(Path(str(one.value)).absolute())):
                must = "must be a folder that can be made"
                raise Mistake(one.key, must, f"'{one.given}': {one_line(error)}") from error
        raise
    finally:
        sys.argv = before


def running(config: Any) -> tuple[Settings, bool]:
    """Return the settings of a job that Hydra runs in this process, and whether it is one of a
    sweep."""
    own = HydraConfig.get()
    return read(config, own), own.mode == RunMode.MULTIRUN


def check_launcher(launcher: Mapping[str, Any]) -> None:
    """Raise Mistake for a launcher that cannot work here.

    launcher: its configuration.
    """
    if launcher.get("n_jobs") == 0:
        raise Mistake("hydra.launcher.n_jobs", "must be at least 1, or -1 for all cores", "0")
    if str(launcher["_target_"]).endswith(_SLURM) and shutil.which("srun") is None:
        raise Mistake(
            "hydra/launcher=submitit_slurm",
            "must be started where Slurm is",
            "a machine without srun",
            "hydra/launcher=submitit_local needs none",
        )


def _shared(composer: Composer, words: Sequence[Word]) -> Any:
    """Return the configuration of the first job, else of what all share, so that what is wrong with
    a job is said by its name."""
    with suppress(Mistake):
        listed = [one for one in words if one.kind is not Kind.SEARCHES]
        job = [one.at(one.options[0]) if one.options else one for one in listed]
        return composer.config(job)
    return composer.config([one for one in words if not one.is_multiple])


def _check_sweep(asked: Request) -> None:
    """Raise Mistake for keys of a grid where they do nothing."""
    given = [one for one in asked.words if one.key.partition(".")[0] == SWEEP]
    first = given[0]
    if whole := [one for one in given if one.key == SWEEP]:
        raise Mistake(SWEEP, "must be set key by key", f"'{whole[0].text}'", "sweep.workers=2")
    if not asked.is_grid:
        usual = "add -m and lists of values"
        advice = "study.workers=2 is for a search" if asked.is_study else usual
        raise Mistake(first.key, "must stand beside a grid", first.given, advice)
    if several := [one for one in given if one.is_multiple]:
        raise Mistake(several[0].key, "must be one", several[0].given)
    if asked.is_left_to_hydra:
        has_own = asked.hydra.launcher._target_ == BASIC_LAUNCHER
        advice = "they run one by one" if has_own else "as hydra.launcher.n_jobs may say it"
        raise Mistake(first.key, "must be left out where Hydra runs the jobs", first.given, advice)


def _refuse_sweeps_of_sweeps(composer: Composer, words: Sequence[Word]) -> None:
    """Raise Mistake for a sweep over options that are sweeps or searches themselves: a command line
    has one."""
    single = [one for one in words if not one.is_multiple]
    for one in words:
        if one.kind is not Kind.SWEEPS:
            continue
        found = overlays_of(one.key, composer.config_dir)
        for option in (text for text in one.options if found.intersection(_parts(text))):
            plain, own = _sweeper(composer, single), _sweeper(composer, [*single, one.at(option)])
            if own and own != plain:
                kind = "a sweep" if own["_target_"] == GRIDS else "a search"
                must = f"must not be swept over where one of its options is {kind} itself"
                alone = f"run it alone, {one.sign}{one.key}={option}"
                raise Mistake(one.key, must, option, alone)


def _parts(option: str) -> list[str]:
    """Return the options that one of a list joins.

    >>> _parts("[one, two]"), _parts("one")
    (['one', 'two'], ['one'])
    """
    return [part.strip() for part in option.strip("[]").split(",")]


def _sweeper(composer: Composer, words: Sequence[Word]) -> Any:
    """Return how a configuration sweeps; None where it cannot be composed, which is said later."""
    with suppress(Mistake):
        return composer.config(words).hydra.sweeper
    return None


def _refuse_their_keys(words: Sequence[Word]) -> None:
    """Raise Mistake for a key of the released Optuna sweeper, which ours has not."""
    for one in words:
        if one.key.startswith("hydra.sweeper.") and (hint := key_hint(one.key)):
            raise Mistake(f"unknown key '{one.key}'{hint}")


def _refuse_several(words: Sequence[Word]) -> None:
    for one in words:
        if one.kind is Kind.SWEEPS:
            must = f"has several values, {one.given}: add -m to sweep over them"
            raise Mistake(one.typed_key, must)
        if one.kind is Kind.SEARCHES:
            advice = "add -m hydra/sweeper=optuna, or a study"
            raise Mistake(one.typed_key, f"is searched, {one.given}: {advice}")
