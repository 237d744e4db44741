"""Modules that have moved: files and code that were written for an earlier version name them still.

A `_target_` in a person's file, a study or a recorded configuration is read by today's name, and
`from runner.data import Dataset` in a person's own module goes on working.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MOVED = {
    "runner.clipping": "runner.training.clipping",
    "runner.data": "runner.training.data",
    "runner.datasets": "runner.training.datasets",
    "runner.models": "runner.training.models",
    "runner.study.patience": "runner.study.plan.patience",
    "runner.study.samplers": "runner.study.plan.samplers",
}


def current(path: str) -> str:
    """Return a dotted name by today's modules.

    >>> current("runner.models.MLP"), current("mine.Net")
    ('runner.training.models.MLP', 'mine.Net')
    """
    module, dot, name = path.rpartition(".")
    return f"{MOVED.get(module, module)}{dot}{name}"


def targets(value: Any) -> Any:
    """Return a configuration's value with each `_target_` in it by today's name.

    >>> targets({"_target_": "runner.models.MLP", "parts": [{"_target_": "mine.Net"}]})
    {'_target_': 'runner.training.models.MLP', 'parts': [{'_target_': 'mine.Net'}]}
    """
    if isinstance(value, list):
        return [targets(element) for element in value]
    if not isinstance(value, dict):
        return value
    return {
        key: current(inner) if key == "_target_" and isinstance(inner, str) else targets(inner)
        for key, inner in value.items()
    }


def install() -> None:
    """Let Python find the modules under their earlier names."""
    if not any(isinstance(finder, _Earlier) for finder in sys.meta_path):
        sys.meta_path.append(_Earlier())


class _Earlier(MetaPathFinder, Loader):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name in MOVED else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = importlib.import_module(MOVED[module.__name__])
