"""A configuration as a file that a command line adds: an option of the group `experiment`."""

from pathlib import Path

from runner.config.command_line import Kind
from runner.config.settings import Settings, to_yaml

_LEFT_OUT = ("experiment", "study", "tracking", "states")
NAME = Path("experiment") / "best.yaml"


def command(settings: Settings, folder: Path) -> str:
    """Return what trains by the file, where `folder` holds it; beside a person's own options it has
    to stand with them."""
    taken_away = "".join(f" {one.text}" for one in settings.overrides if one.kind is Kind.DELETES)
    place = settings.config_dir or folder
    return f"python -m runner --config-dir {place} +experiment={NAME.stem}{taken_away}"


def as_experiment(settings: Settings, folder: Path) -> str:
    """Return the text of a file that sets all groups and values, save where records go.

    folder: which holds it as experiment/best.yaml.
    """
    groups = {
        group: option
        for group, option in settings.choices.items()
        if group.partition("/")[0] not in _LEFT_OUT
    }
    where = f"in {settings.config_dir}/experiment/: " if settings.config_dir else ""
    values = {k: v for k, v in settings.resolved().items() if k not in _LEFT_OUT}
    return "\n".join(
        [
            "# @package _global_",
            f"# {where}{command(settings, folder)}",
            "defaults:",
            *(f"  - override /{group}: {option}" for group, option in groups.items()),
            "",
            to_yaml(values),
        ]
    )
