"""Tables of text, and the numbers in them."""

from collections.abc import Collection, Sequence


def aligned(table: Sequence[Sequence[str]], right: Collection[str] = ()) -> list[str]:
    """Return lines with a table's cells under each other; its first row is the heading.

    right: the columns, by their heading, that are aligned on the right.

    >>> aligned([["rank", "run"], ["1", "a"], ["10", "b"]], right={"rank"})
    ['rank  run', '   1  a', '  10  b']
    """
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if head in right else cell.ljust(width)
            for cell, width, head in zip(cells, widths, table[0], strict=True)
        ).rstrip()
        for cells in table
    ]


def heading(metric: str) -> str:
    """Return a metric's name as people read it.

    >>> heading("val/accuracy")
    'val accuracy'
    """
    return metric.replace("/", " ")


def number(metric: str, value: float) -> str:
    """Return a metric's value as people read it.

    >>> number("val/accuracy", 0.98765), number("val/loss", 0.04321)
    ('98.77 %', '0.04321')
    """
    return f"{100 * value:.2f} %" if metric.endswith("accuracy") else f"{value:.4g}"


def spread(metric: str, mean: float, deviation: float) -> str:
    """Return a metric's mean and standard deviation as people read them.

    >>> spread("val/accuracy", 0.98765, 0.00123), spread("val/loss", 0.04321, 0.00123)
    ('98.77 ± 0.12 %', '0.04321 ± 0.0012')
    """
    if metric.endswith("accuracy"):
        return f"{100 * mean:.2f} ± {100 * deviation:.2f} %"
    return f"{mean:.4g} ± {deviation:.2g}"
