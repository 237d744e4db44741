"""Options of groups that no file holds: the path of a class or function, model=mine.Net."""

from typing import Any

from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import DictConfig, OmegaConf

GROUPS = ("model", "dataset", "optimizer", "loop")  # whose options may be paths
SOURCE = "path://"  # the last place where Hydra looks: an option that there is always wins


def is_path(text: str) -> bool:
    """Return whether a text names something in a module.

    >>> is_path("mine.Net"), is_path("torch.optim.Adagrad"), is_path("mlp"), is_path("a/b.c")
    (True, True, False, False)
    """
    parts = text.split(".")
    return len(parts) > 1 and parts[-1] != "yaml" and all(map(str.isidentifier, parts))


def is_option(group: str, option: str) -> bool:
    """Return whether a group has an option by its path."""
    return group in GROUPS and is_path(option)


def is_open(node: Any) -> bool:
    """Return whether a part of a configuration takes keys that it has not: those of what it names
    are the arguments of a class or function."""
    return isinstance(node, DictConfig) and not OmegaConf.is_struct(node)


class Paths(ConfigSource):
    """Gives Hydra an option for each path: its `_target_`, open for the keys that it has."""

    @staticmethod
    def scheme() -> str:
        """Return how its place on the search path begins."""
        return SOURCE.partition(":")[0]

    def available(self) -> bool:
        """Return whether it is there."""
        return True

    def is_group(self, config_path: str) -> bool:
        """Return whether it has options that can be listed."""
        return False

    def is_config(self, config_path: str) -> bool:
        """Return whether there is such an option, GROUP/OPTION."""
        group, _, option = config_path.partition("/")
        return is_option(group, option)

    def load_config(self, config_path: str) -> ConfigResult:
        """Return an option."""
        found = OmegaConf.create({"_target_": config_path.partition("/")[2]})
        OmegaConf.set_struct(found, False)
        return ConfigResult(self.provider, self.full_path(), found, {"package": None})

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        """Return the options that can be listed."""
        return []
