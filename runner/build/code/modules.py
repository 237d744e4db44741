"""Where a module lies, found without running anything."""

import functools
import os
import pkgutil
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LIBRARIES = {"site-packages", "dist-packages"}
_STANDARD = {Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")}
_IMPORTERS = {"BuiltinImporter", "FrozenImporter", "PathFinder"}


@dataclass(frozen=True)
class Module:
    """A module by its dotted name.

    file: None of a package without `__init__.py`. places: the folders of its submodules, None of
    what is no package.
    """

    name: str
    file: Path | None
    places: tuple[str, ...] | None = None

    @property
    def package(self) -> str:
        """The name of the package that its relative imports begin from."""
        if self.name == "__main__":
            return getattr(sys.modules["__main__"], "__package__", None) or ""
        return self.name if self.places is not None else self.name.rpartition(".")[0]


class Finder:
    """Finds modules by name, in `sys.path` and in the folders of the packages above them.

    What is found there by no name, but is loaded, as a hook or a path of the moment can do it, is
    found where it was loaded from.
    """

    def __init__(self) -> None:
        self._found: dict[str, Module | None] = {}

    def know(self, module: Module) -> None:
        """Find a module there from now on."""
        self._found[module.name] = module

    def find(self, name: str) -> Module | None:
        """Return a module; None for what is built into Python and what is not there."""
        if name not in self._found:
            self._found[name] = self._search(name) or loaded(name)
        return self._found[name]

    def below(self, package: str) -> Iterator[Module]:
        """Yield all modules of a package, those of its packages among them."""
        above = self.find(package)
        for one in pkgutil.iter_modules(above.places if above else ()):
            if module := self.find(f"{package}.{one.name}"):
                yield module
                yield from self.below(module.name) if one.ispkg else ()

    def _search(self, name: str) -> Module | None:
        above, dot, _ = name.rpartition(".")
        if not dot:
            is_built_in = name in sys.builtin_module_names
            return None if is_built_in else _in(name, sys.path) or _hooked(name)
        package = self.find(above)
        return _in(name, package.places) if package and package.places else None


def loaded(name: str) -> Module | None:
    """Return where a module was loaded from; None for what is not loaded, or from no file."""
    module = sys.modules.get(name)
    file, places = getattr(module, "__file__", None), getattr(module, "__path__", None)
    if not isinstance(file, str) and not places:
        return None
    inner = None if places is None else tuple(places)
    return Module(name, Path(file) if isinstance(file, str) else None, inner)


@functools.lru_cache(maxsize=100_000)
def site_of(file: Path) -> Path | None:
    """Return the folder of installed packages that a file lies in, None outside of such.

    >>> site_of(Path("/usr/lib/python3/site-packages/timm/layers/drop.py")).name
    'site-packages'
    """
    return next((one for one in file.resolve().parents if one.name in _LIBRARIES), None)


@functools.lru_cache(maxsize=100_000)
def is_standard(file: Path) -> bool:
    """Return whether a file belongs to Python itself.

    >>> is_standard(Path(os.__file__))
    True
    """
    path = file.resolve()
    return site_of(file) is None and any(path.is_relative_to(one) for one in _STANDARD)


def _in(name: str, places: Iterable[str]) -> Module | None:
    """Return a module that lies in folders. PathFinder would want the packages above to be loaded,
    where a package has no `__init__.py`."""
    portions: list[str] = []
    for place in places:
        finder = pkgutil.get_importer(place or os.getcwd())
        spec = finder.find_spec(name) if finder else None
        if spec is None:
            continue
        inner = spec.submodule_search_locations
        if spec.loader is not None:
            file = Path(spec.origin) if spec.origin else None
            return Module(name, file, None if inner is None else tuple(inner))
        portions += inner or ()
    return Module(name, None, tuple(portions)) if portions else None


def _hooked(name: str) -> Module | None:
    """Return a module that only a hook finds, as that of an editable installation."""
    for finder in sys.meta_path:
        kind = finder if isinstance(finder, type) else type(finder)
        if kind.__name__ in _IMPORTERS or not hasattr(finder, "find_spec"):
            continue
        spec = finder.find_spec(name, None)
        if spec and (spec.has_location or spec.submodule_search_locations):
            inner = spec.submodule_search_locations
            file = Path(spec.origin) if spec.has_location and spec.origin else None
            return Module(name, file, None if inner is None else tuple(inner))
    return None
