"""Composing configurations outside Hydra's own main: tests, checks, other commands."""

import itertools
from pathlib import Path

import hydra
from hydra._internal.utils import get_args_parser
from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from runner import plugins
from runner.errors import Mistake

BASIC_LAUNCHER = "hydra._internal.core_plugins.basic_launcher.BasicLauncher"
_HERE = Path(__file__).resolve().parents[1]
CONF = next(p for p in (_HERE / "conf", _HERE.parent / "conf") if (p / "config.yaml").is_file())


def compose(overrides: list[str], config_dir: str | None = None) -> DictConfig:
    """Return the configuration of a command line, its `hydra` node included.

    >>> compose(["schedule=cosine", "seed=3"]).seed
    3
    """
    plugins.register()
    if config_dir and not Path(config_dir).is_dir():
        raise Mistake(f"--config-dir must be a folder, got '{config_dir}'")
    extra = [f"hydra.searchpath=['file://{Path(config_dir).resolve()}']"] if config_dir else []
    running, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            return hydra.compose("config", [*overrides, *extra], return_hydra_config=True)
    finally:
        GlobalHydra.instance().hydra = running


def swept(overrides: list[str], config_dir: str | None = None) -> list[str]:
    """Return the lists of values over which the configuration itself sweeps, as overrides.

    >>> swept(["+experiment=quadratic_rates"])
    ['lr=1e-3,0.2,1.0,1.2']
    """
    plugins.register()
    Plugins.instance()
    fixed = OverridesParser.create().parse_overrides(overrides)
    alone = [str(o.input_line) for o in fixed if not o.is_sweep_override()]
    sweeper = compose(alone, config_dir).hydra.sweeper
    return [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]


def split(words: list[str]) -> tuple[list[str], str | None]:
    """Return the overrides of a command line, without its flags, and its --config-dir.

    >>> split(["-m", "--config-dir", "mine", "seed=0,1"])
    (['seed=0,1'], 'mine')
    """
    known, _ = get_args_parser().parse_known_intermixed_args(words)
    return known.overrides, known.config_dir


def in_order(words: list[str]) -> list[str]:
    """Return a command line with its flags first, as Hydra wants it.

    Raises Mistake for a flag that it does not have.

    >>> in_order(["schedule=cosine", "-m", "seed=0,1"])
    ['-m', 'schedule=cosine', 'seed=0,1']
    """
    known, unknown = get_args_parser().parse_known_intermixed_args(words)
    if unknown:
        raise Mistake(f"unknown flag {unknown[0]}; python -m runner --help shows the command line")
    return [*(word for word in words if word not in known.overrides), *known.overrides]


def has_key(config: DictConfig, key: str) -> bool:
    """Return whether a composed configuration has a key.

    >>> config = compose(["schedule=cosine"])
    >>> has_key(config, "schedule.floor"), has_key(config, "schedule.decay_rate")
    (True, False)
    """
    parent, _, name = key.rpartition(".")
    node = OmegaConf.select(config, parent) if parent else config
    return isinstance(node, DictConfig) and name in node


def current() -> HydraConf:
    """Return Hydra's own part of the configuration that is running in this process."""
    return HydraConfig.get()


def sweeping() -> bool:
    """Return whether the running configuration is a job of a sweep."""
    return current().mode == RunMode.MULTIRUN


def runs_alone() -> bool:
    """Return whether the jobs of a sweep run one after another in this very process."""
    return bool(current().launcher["_target_"] == BASIC_LAUNCHER)


def group_options(config_dir: str | None = None) -> dict[str, list[str]]:
    """Return every configuration group with its options, `hydra` left out."""
    roots = [CONF, *([Path(config_dir)] if config_dir else [])]
    groups: dict[str, set[str]] = {}
    for root in roots:
        for file in root.glob("*/**/*.yaml"):
            group = file.parent.relative_to(root).as_posix()
            if not group.startswith("hydra"):
                groups.setdefault(group, set()).add(file.stem)
    return {group: sorted(options) for group, options in sorted(groups.items())}


def expand(overrides: list[str]) -> list[list[str]]:
    """Return the jobs of a sweep's command line, one list of overrides each.

    The last override varies fastest; a key given twice counts as given last.

    >>> expand(["schedule=exponential,cosine", "seed=range(2)", "lr=0.1"])[1]
    ['schedule=exponential', 'seed=1', 'lr=0.1']
    """
    plugins.register()
    Plugins.instance()  # registers the resolvers and sweep functions
    choices: dict[str, list[str]] = {}
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.get_key_element()
        choices[key] = [f"{key}={value}" for value in _values(override)]
    return [list(job) for job in itertools.product(*choices.values())]


def _values(override: Override) -> list[str]:
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    if override.is_discrete_sweep():
        return list(override.sweep_string_iterator())
    given = (override.input_line or "").partition("=")[2]
    raise Mistake(
        f"{override.get_key_element()} must list its values in a grid (1,2,3 or range(1, 4)), "
        f"got {given}; hydra/sweeper=optuna searches a range"
    )
