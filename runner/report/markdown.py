"""Markdown as MLflow's page shows it: what people have named stays text, whatever is in it."""

import re
from collections.abc import Sequence

from runner.report.plain import as_line

_SPECIAL = re.compile(r"([\\`*_\[\]{}#|~$!])")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def text(words: str) -> str:
    """Return words as markdown that shows just them, on one line.

    >>> print(text("a|b <b>_c_</b>"))
    a\\|b &lt;b&gt;\\_c\\_&lt;/b&gt;
    """
    return _SPECIAL.sub(r"\\\1", as_line(words)).translate(_ENTITIES)


def code(words: str) -> str:
    """Return a block of words as they are, such as a command.

    >>> print(code("python -m runner"))
    ```
    python -m runner
    ```
    """
    longest = max(map(len, re.findall("`+", words)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{words}\n{fence}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first row is the heading.

    >>> print(table([["run", "val loss"], ["a|b", "0.5"]]))
    | run | val loss |
    |---|---|
    | a\\|b | 0.5 |
    """
    head, *body = (f"| {' | '.join(map(text, row))} |" for row in rows)
    return "\n".join([head, f"|{'---|' * len(rows[0])}", *body])


def link(label: str, page: str) -> str:
    """Return a link to a page of the same server, whatever its port is; of any other place the
    label alone.

    >>> link("trials", "python -m runner.ui, then http://127.0.0.1:5000/#/experiments/1/runs?a=b")
    '[trials](#/experiments/1/runs?a=b)'
    """
    _, sign, place = page.partition("#")
    closed = place.replace("(", "%28").replace(")", "%29").replace(" ", "%20")
    return f"[{text(label)}]({sign}{closed})" if sign else text(label)
