"""Hydra's composing, wherever it is asked for."""

from collections.abc import Sequence
from pathlib import Path

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf

from runner import plugins
from runner.config.command_line import word
from runner.config.options import CONF

SEARCH_PATH = "hydra.searchpath"


def compose(overrides: Sequence[str], config_dir: str | None = None) -> DictConfig:
    """Return the configuration of a command line, its `hydra` node included.

    >>> compose(["schedule=cosine", "seed=3"]).seed
    3
    """
    plugins.register()
    extra = []
    if config_dir:  # Hydra takes the first one only
        own = [
            path for text in overrides if word(text).key == SEARCH_PATH for path in word(text).value
        ]
        folders = [f"file://{Path(config_dir).resolve()}", *own]
        extra = [f"{SEARCH_PATH}=[{','.join(repr(path) for path in folders)}]"]
    running, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            return hydra.compose("config", [*extra, *overrides], return_hydra_config=True)
    finally:
        GlobalHydra.instance().hydra = running


def has_key(config: DictConfig, key: str) -> bool:
    """Return whether a composed configuration has a key.

    >>> config = compose(["schedule=cosine"])
    >>> has_key(config, "schedule.floor"), has_key(config, "schedule.decay_rate")
    (True, False)
    """
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return isinstance(node, DictConfig) and name in node
