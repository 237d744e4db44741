"""What is wrong with a command line before it is composed: options without a name, groups written
with a dot, keys of a search where nothing is searched."""

from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from runner.config.compose import compose, group_options, split
from runner.errors import Mistake

_HYDRA = ("hydra/launcher", "hydra/sweeper")
STUDY, SPACE = "study", "study.space"
SEARCHES = "hydra_plugins.study_sweeper.StudySweeper"


def check_choices(words: list[str]) -> None:
    """Raise Mistake for a group without a name, which Hydra refuses without naming the group, and
    for an option of a person's own that one of ours would hide.

    >>> check_choices(["tracking=null"])
    Traceback (most recent call last):
    runner.errors.Mistake: tracking must be one of mlflow, off, got null
    """
    overrides, config_dir = split(words)
    groups = group_options(config_dir)
    _check_own_options(config_dir)
    parsed = OverridesParser.create().parse_overrides(overrides)
    for override in parsed:
        key, _, given = str(override.input_line).partition("=")
        key = key.lstrip("+~")
        if key == SPACE or key.startswith(f"{SPACE}."):
            own = f"{key.removeprefix(f'{SPACE}.')}={given}" if key != SPACE else "KEY=VALUES"
            raise Mistake(f"{key} is written in files; on the command line write {own}")
        if key == STUDY and override.is_sweep_override():
            raise Mistake(f"{STUDY} must be one of {', '.join(groups[STUDY])}, got {given}")
        if override.is_sweep_override() or override.is_delete():
            continue
        if key in groups and not isinstance(override.value(), str | list | dict):
            raise Mistake(f"{key} must be one of {', '.join(groups[key])}, got {given}")
        slashed = key.replace(".", "/")
        if "." in key and slashed in (*groups, *_HYDRA) and isinstance(override.value(), str):
            raise Mistake(f"{key} is chosen with a slash: {slashed}={given}")
        if not key:
            raise Mistake(f"cannot read '{override.input_line}'; write key=value")
    _check_searches(overrides, config_dir)


def searches(overrides: list[str], config_dir: str | None = None) -> bool:
    """Return whether a command line is one of a search.

    >>> searches(["study=decay_rate"]), searches(["seed=0,1"])
    (True, False)
    """
    parsed = OverridesParser.create().parse_overrides(overrides)
    alone = [str(o.input_line) for o in parsed if not o.is_sweep_override()]
    return bool(compose(alone, config_dir).hydra.sweeper.get("_target_") == SEARCHES)


def _check_searches(overrides: list[str], config_dir: str | None) -> None:
    """Refuse keys of a search where nothing is searched."""
    keys = [word.partition("=")[0].lstrip("+~") for word in overrides]
    about = [key for key in keys if key.startswith((f"{STUDY}.", f"{STUDY}/"))]
    if not about:
        return
    try:
        searched = searches(overrides, config_dir)
    except (HydraException, OmegaConfBaseException, ValueError):  # refused with more words later
        return
    if not searched:
        raise Mistake(
            f"{about[0]} must stand beside a search, got none; choose one, such as "
            f"study=decay_rate, or -m hydra/sweeper=optuna"
        )


def _check_own_options(config_dir: str | None) -> None:
    if config_dir is None:
        return
    ours = group_options()
    for file in sorted(Path(config_dir).glob("*/**/*.yaml")):
        group = file.parent.relative_to(config_dir).as_posix()
        if file.stem in ours.get(group, ()):
            raise Mistake(
                f"{file} must have another name: the runner has an option {group}={file.stem} too"
            )
