"""What code reaches, by the imports that are named in it."""

import functools
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from runner.build.code import installed
from runner.build.code.installed import Installed
from runner.build.code.modules import Finder, Module, is_standard, site_of
from runner.build.code.source import imports_of, source_of
from runner.build.code.targets import held_by, module_of, origin_of, paths_of

ALWAYS = ("numpy", "torch")  # whose versions count always, and whose files never
_NOT_WALKED = frozenset({"runner", "schedules", *ALWAYS, *sys.builtin_module_names})


@dataclass(frozen=True)
class Code:
    """Code that decides what a run does.

    sources: name of a module -> SHA-256 of its source, without comments, docstrings and layout; of
    an object's path with (...) behind it, of what it holds. distributions: name -> version.
    """

    sources: Mapping[str, str]
    distributions: Mapping[str, str]


def code_of(targets: Iterable[Any]) -> Code:
    """Return the code that targets reach, by what is imported in it, and not what is loaded.

    targets: dotted paths as in `_target_`; or classes, functions, partials of such, objects. Their
    files, and all that is imported there, at whatever place, count by what they say; what was
    installed counts by its version, with what it requires, and the others that the distribution of
    a target imports. Nothing is run. `runner`, `schedules` and Python itself are left out.

    Not seen: data that code reads; modules whose names are not written in it, unless they are of
    its own package; what was loaded from a file before that was edited.

    Raises Unhashable for what has no source, such as a class of a notebook.

    >>> sorted(code_of(["runner.training.models.MLP", "torch.optim.SGD"]).distributions)
    ['numpy', 'torch']
    """
    reached = _Reached()
    for target in targets:
        paths = list(paths_of(target))
        for path in paths:
            reached.begin(path)
        held = held_by(target)
        if held is not None:
            reached.hold(next(iter(paths), type(target).__name__), held)
    reached.follow()
    return Code(dict(sorted(reached.sources.items())), dict(sorted(reached.distributions.items())))


class _Reached:
    """What is reached so far."""

    def __init__(self) -> None:
        self.sources: dict[str, str] = {}
        self.distributions = {name: str(import_module(name).__version__) for name in ALWAYS}
        self._finder = Finder()
        self._left: list[Module] = []

    def begin(self, path: str, *, is_target: bool = True) -> None:
        """Reach the module of a path, and the packages above, which run too."""
        if path.partition(".")[0] in _NOT_WALKED:
            return
        module = module_of(path, self._finder)
        if is_target and (known := _distribution(module)):
            for other in _imported_beside(module, known):
                self._import(other, requires=False)
        self._reach(module)
        self._import(module.name.rpartition(".")[0])
        if (origin := origin_of(path)) is not None:
            self.begin(origin, is_target=False)

    def hold(self, path: str, held: Any) -> None:
        """Count what an object holds, behind what others of the same path do."""
        from runner.training.content import digest

        key = f"{path}(...)"
        self.sources[key] = digest(held, self.sources.get(key))

    def follow(self) -> None:
        """Reach all that is imported from what is reached."""
        while self._left:
            module = self._left.pop()
            source = source_of(module)
            self.sources[module.name] = source.digest
            for name in source.names:
                self._import(name)
            if source.is_open and module.package:
                for one in self._finder.below(module.package):
                    self._reach(one)

    def _import(self, name: str, *, requires: bool = True) -> None:
        """Reach a module, and the packages above, as far as there are such."""
        parts = name.split(".")
        if not name or parts[0] in _NOT_WALKED:
            return
        for end in range(1, len(parts) + 1):
            module = self._finder.find(".".join(parts[:end]))
            if module is None or not self._reach(module, requires=requires):
                break
            if parts[end:] == ["*"] and module.file:
                for one in source_of(module).listed:
                    self._import(f"{module.name}.{one}")

    def _reach(self, module: Module, *, requires: bool = True) -> bool:
        """Reach a module, and return whether those below it may be a person's own.

        requires: whether what its distribution requires counts too.
        """
        if module.file is None:
            return True
        if is_standard(module.file):
            return False
        if known := _distribution(module):
            needed = map(installed.named, known.requires if requires else ())
            for one in (known, *filter(None, needed)):
                self.distributions.setdefault(one.name, one.version)
            return False
        if module.name not in self.sources:
            self.sources[module.name] = ""
            self._left.append(module)
        return True


@functools.lru_cache(maxsize=1_000)
def _imported_beside(module: Module, distribution: Installed) -> tuple[str, ...]:
    """Return what is imported, from elsewhere, in the files of a distribution that a module of it
    reaches."""
    finder, left, seen = Finder(), [module.name], {module.name}
    finder.know(module)
    found: dict[str, None] = {}
    while left:
        name = left.pop()
        one = finder.find(name)
        if one is None:
            continue
        if one.file and _distribution(one) != distribution:
            found[name] = None
            continue
        for other in imports_of(one) if one.file else ():
            parts = other.split(".")
            if parts[0] in _NOT_WALKED or parts[0] in sys.stdlib_module_names:
                continue
            inner = parts[0] == module.name.partition(".")[0]
            names = [".".join(parts[:end]) for end in range(1, len(parts) + 1 if inner else 2)]
            left += [name for name in names if name not in seen]
            seen.update(names)
    return tuple(found)


def _distribution(module: Module) -> Installed | None:
    if module.file is None or site_of(module.file) is None:
        return None
    return installed.owner(module.file, module.name.partition(".")[0])
