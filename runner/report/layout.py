"""Cells under each other, as text for a terminal, a pipe or a file."""

import io
from collections.abc import Collection, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDEST = 160  # letters of a line of a study
_GAP = 2  # between columns
_UNLIMITED = 1_000_000  # letters: whatever the terminal's width, no cell is wrapped


def aligned(rows: Sequence[Sequence[str]], right: Collection[str] = ()) -> list[str]:
    """Return a line a row, the cells of a column under each other; the first row is the heading.

    right: the columns, by their heading, that are aligned on the right.

    >>> aligned([["rank", "run"], ["1", "a"], ["10", "b"]], right={"rank"})
    ['rank  run', '   1  a', '  10  b']
    """
    table = Table.grid(padding=(0, _GAP, 0, 0))
    for head in rows[0]:
        table.add_column(justify="right" if head in right else "left", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))  # people's brackets are no markup
    console = Console(file=io.StringIO(), width=_UNLIMITED, color_system=None, legacy_windows=False)
    with console.capture() as found:
        console.print(table)
    return [line.rstrip() for line in found.get().splitlines()]


def width(rows: Sequence[Sequence[str]]) -> int:
    """Return the letters of the longest line of `aligned`.

    >>> width([["rank", "run"], ["1", "a"]])
    9
    """
    columns = list(zip(*rows, strict=True))
    return sum(max(map(cell_len, cells)) for cells in columns) + _GAP * (len(columns) - 1)
