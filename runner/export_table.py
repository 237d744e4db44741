"""python -m runner.export_table: what was recorded in MLflow as a table, or as CSV."""

import argparse
import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.commands import divided, ended, exit_with

if TYPE_CHECKING:
    import pandas as pd

HELP = """\
python -m runner.export_table [NAME] [--csv [FILE]] [key=value] ...

Prints a row for each run of NAME: an experiment, a study, a sweep, a run's id, or a study's preset,
whose newest study is meant; without it, of what was recorded last. What is the same in all runs is
left out; the CSV has it.

  --csv        print all as CSV
  --csv FILE   write all into a file

  python -m runner.export_table quickstart
  python -m runner.export_table quickstart --csv quickstart.csv
  python -m runner.export_table tracking.uri=sqlite:///mine.db
"""
_DIGITS = ".5g"
_KEY = re.compile(r"[+~]*[a-z_]+([./][a-z_]+)*=")


def main(argv: Sequence[str] | None = None) -> int:
    """Print or write a table; return 0, 2 for a person's mistake or 130 if interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    return ended(lambda: _export(words))


def _export(words: list[str]) -> int:
    from runner.report.say import say
    from runner.report.words import counted

    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--csv", nargs="?", const="-")
    own.add_argument("-h", "--help", action="store_true")
    known, words = own.parse_known_args(_without_file(words))
    if known.help:
        say(HELP.rstrip())
        return 0
    from runner.config.composer import Composer
    from runner.config.request import read_line
    from runner.tracking import trackers_of
    from runner.tracking.mlflow import mlflow_of

    name, words = divided(words)
    line = read_line(words)
    trackers = trackers_of(Composer(line.config_dir).settings(line.words).tracking)
    table = mlflow_of(trackers, "its runs to be listed").table(name)
    if known.csv is None:
        say(*lines(table))
    elif known.csv == "-":
        say(*table.to_csv(index=False).splitlines())
    else:
        _write(table, known.csv)
        say(f"table     {known.csv}: {counted(len(table), 'run')}")
    return 0


def _without_file(words: Sequence[str]) -> list[str]:
    """Return words in which a key behind --csv is not taken for its file.

    >>> _without_file(["quick", "--csv", "tracking.uri=sqlite:///mine.db"])
    ['quick', '--csv=-', 'tracking.uri=sqlite:///mine.db']
    """
    pairs = zip(words, [*words, ""][1:], strict=True)
    return ["--csv=-" if word == "--csv" and _KEY.match(after) else word for word, after in pairs]


def lines(table: "pd.DataFrame") -> list[str]:
    """Return a table as text, without what is the same in all its rows.

    >>> import pandas as pd
    >>> print(*lines(pd.DataFrame({"run": ["a", "b"], "lr": [0.1, None], "x": [1, 1]})), sep="\\n")
    run  lr
    a    0.1
    b    -
    the same in all runs, in --csv only: x
    """
    from runner.report.words import aligned

    same = [key for key in table if len(table) > 1 and table[key].nunique(dropna=False) == 1]
    shown = table.drop(columns=same)
    rows = [[_cell(value) for value in row] for row in shown.itertuples(index=False)]
    found = aligned([[str(key) for key in shown], *rows])
    return [*found, f"the same in all runs, in --csv only: {', '.join(same)}"] if same else found


def _cell(value: object) -> str:
    import pandas as pd

    if pd.isna(value):
        return "-"
    return format(value, _DIGITS) if isinstance(value, float) else str(value)


def _write(table: "pd.DataFrame", file: str) -> None:
    from runner.errors import Mistake, one_line

    if not file.endswith(".csv"):
        raise Mistake("--csv", "must be a .csv file", f"'{file}'", "NAME stands before it")
    try:
        table.to_csv(file, index=False)
    except OSError as error:
        must = "must be a file that can be written"
        raise Mistake("--csv", must, f"'{file}': {one_line(error)}") from error


if __name__ == "__main__":
    exit_with(main())
