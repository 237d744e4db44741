"""Texts as people read them; metrics are shown by `runner.results.metrics`."""

import io
from collections.abc import Collection, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.report.plain import as_line

WIDEST = 160  # letters of a line of a study
_GAP = 2  # between columns
_UNLIMITED = 1_000_000  # letters: whatever the terminal's width, no cell is wrapped


def shown(value: Any) -> str:
    """Return a searched value, floats to 4 digits.

    >>> [shown(value) for value in (0.00123456, None, True, "10%", ["30%", 0.5])]
    ['0.001235', 'null', 'true', '10%', '[30%, 0.5]']
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counted(n: int, one: str, several: str = "") -> str:
    """Return a number of things.

    >>> counted(1, "seed"), counted(3, "seed"), counted(2, "copy", "copies")
    ('1 seed', '3 seeds', '2 copies')
    """
    return f"{n} {one if n == 1 else several or f'{one}s'}"


def duration(seconds: float) -> str:
    """Return a rough duration.

    >>> duration(89), duration(600), duration(9000)
    ('89 s', '10 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """Return an amount of bytes, to 3 digits.

    >>> size(34_512_345), size(5e9), size(999), size(999_700)
    ('34.5 MB', '5 GB', '999 bytes', '1 MB')
    """
    units = ["bytes", "kB", "MB", "GB", "TB"]
    while count >= 999.5 and len(units) > 1:
        count, units = count / 1000, units[1:]
    return f"{count:.3g} {units[0]}"


def cut(text: str, width: int = WIDEST) -> str:
    """Return a text no wider than given, in letters; wide ones count twice.

    >>> cut("a long text", 8), cut("学習率", 5)
    ('a lon...', '学...')
    """
    return text if cell_len(text) <= width else f"{set_cell_size(text, width - 3)}..."


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
        table.add_row(*(Text(as_line(cell)) for cell in row))  # people's brackets are no markup
    console = Console(
        file=io.StringIO(),
        width=_UNLIMITED,
        color_system=None,
        legacy_windows=False,
        force_jupyter=False,
    )
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
