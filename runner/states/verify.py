"""Reads every state of a store, to say which are damaged."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from runner.errors import one_line
from runner.states import file, scan
from runner.states.disk import Damaged
from runner.states.file import Unusable


class Verified(NamedTuple):
    """A state's file that was read. wrong: what is wrong with it, "" for a good one. is_damaged:
    whether it is of no use to anybody, which what another version has written may be."""

    file: Path
    wrong: str = ""
    is_damaged: bool = False


def verify(root: Path) -> Iterator[Verified]:
    """Yield each state's file and what is wrong with it. Changes nothing; what is not a regular
    file is not a state."""
    for folder in sorted(scan.folders(root)):
        for name in scan.names(root, folder.name) if folder.name != scan.ASIDE else ():
            path = folder / name.file
            try:
                file.read(path, name)
            except FileNotFoundError:  # another process has removed it
                continue
            except Unusable as error:
                yield Verified(path, one_line(error))
            except (Damaged, OSError) as error:
                yield Verified(path, one_line(error), is_damaged=True)
            else:
                yield Verified(path)
