"""Which distribution a file in a folder of installed packages belongs to, and what that needs."""

import functools
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from runner.build.code.modules import site_of


@dataclass(frozen=True)
class Installed:
    """A distribution. requires: the names of those that it declares to need, without extras."""

    name: str
    version: str
    requires: tuple[str, ...]


@functools.lru_cache(maxsize=100_000)
def owner(file: Path, root: str) -> Installed | None:
    """Return the distribution that a file was installed with, None where it came with none.

    root: the first part of its module's name.
    """
    site = site_of(file)
    assert site is not None
    line = f"\n{file.resolve().relative_to(site).as_posix()},"
    found = next((one for one, files in _records(site) if line in files), None)
    if found is not None:
        return _read(found)
    return next(filter(None, map(named, _by_root().get(root, ()))), None)


@functools.lru_cache(maxsize=10_000)
def named(name: str) -> Installed | None:
    """Return the distribution of a name, None where it is not installed."""
    try:
        return _read(metadata.distribution(name))
    except metadata.PackageNotFoundError:
        return None


def canonical(name: str) -> str:
    """Return a distribution's name as it is compared.

    >>> canonical("Typing_Extensions")
    'typing-extensions'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


@functools.lru_cache(maxsize=10_000)
def _read(found: metadata.Distribution) -> Installed:
    lines = [one for one in found.requires or () if "extra" not in one.partition(";")[2]]
    names = (match[0] for one in lines if (match := re.match(r"[\w.-]+", one)))
    return Installed(canonical(found.name), found.version, tuple(map(canonical, names)))


@functools.lru_cache(maxsize=8)
def _records(site: Path) -> list[tuple[metadata.Distribution, str]]:
    """Return the distributions of a folder with the list of their files."""
    found = metadata.distributions(path=[str(site)])
    texts = ((one, one.read_text("RECORD")) for one in found)
    return [(one, f"\n{text}") for one, text in texts if text]


@functools.lru_cache(maxsize=1)
def _by_root() -> dict[str, list[str]]:
    """Return names by what they install: slow, for those without a list of their files."""
    return {root: sorted(names) for root, names in metadata.packages_distributions().items()}
