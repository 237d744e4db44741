"""What a store holds, and what people call it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runner.errors import Mistake, nearest
from runner.states import scan
from runner.states.scan import Kept
from runner.trial.name import HASH, StateName

_DIGITS = 12  # of a short name, and more where two states begin with the same
_SHOWN = 3
_FILE = ".safetensors"


@dataclass(frozen=True)
class Listed:
    """A state that is stored. short: the first digits of its name, which no other one has."""

    name: StateName
    short: str
    kept: Kept


def listed(root: Path) -> list[Listed]:
    """Return the states of a store, the last used first, and change nothing."""
    found = [kept for kept in stored(root) if kept.name]
    found.sort(key=lambda kept: (-kept.used, kept.file))
    names = [str(kept.name) for kept in found]
    digits = _DIGITS
    while len({name[:digits] for name in names}) < len(names):
        digits += 1
    return [
        Listed(kept.name, name[:digits], kept)
        for kept, name in zip(found, names, strict=True)
        if kept.name
    ]


def stored(root: Path) -> list[Kept]:
    """Return all files that take room, in the order of their paths, and change nothing."""
    found = (kept for folder in scan.folders(root) for kept in scan.look(folder))
    return sorted(found, key=lambda kept: kept.file)


def find(root: Path, given: str) -> tuple[Path, StateName]:
    """Return the file and the name of a state.

    given: the beginning of its name, or its file. Raises Mistake for what is no state, or several.
    """
    if given.endswith(_FILE):
        return _of_file(Path(given))
    there = listed(root)
    found = [one for one in there if given and str(one.name).startswith(given)]
    if len(found) == 1:
        return found[0].kept.file, found[0].name
    must = "must be the beginning of one state's name"
    if found:
        more = ", ..." if len(found) > _SHOWN else ""
        several = ", ".join(one.short for one in found[:_SHOWN]) + more
        raise Mistake("STATE", must, f"'{given}', as {several} begin")
    hint = nearest(given, [one.short for one in there])
    advice = "python -m runner.states list"
    raise Mistake("STATE", f"{must} in {root}", f"'{given}'{hint}", advice)


def _of_file(file: Path) -> tuple[Path, StateName]:
    name = StateName.of_file(file.absolute().parent.name, file.name) if _is_named(file) else None
    if name is None:
        must = "must be a state's file in the folder of its recipe, as in a store"
        raise Mistake("STATE", must, f"'{file}'")
    if not file.is_file():
        raise Mistake("STATE", "must be a file that is there", f"'{file}'")
    return file, name


def _is_named(file: Path) -> bool:
    return HASH.fullmatch(file.absolute().parent.name) is not None


def total(kept: Sequence[Kept]) -> int:
    """Return the bytes of files."""
    return sum(one.bytes for one in kept)
