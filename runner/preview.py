"""python -m runner.preview: draw the exact learning rates of a command line, without training."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress

from runner.commands import ended, exit_with

HELP = """\
python -m runner.preview [-m] [--out FILE] [group=option] [key=value] ...

Draws the trace of a run, the learning rate of every update, without training, and prints the rate
at the points that matter. With -m, lists of values (a,b,c) are overlaid in one picture.

  -m          overlay all combinations of the lists of values; of a search only the baseline
  --out FILE  where the picture goes, a PNG; preview.png by default

The groups and keys are those of python -m runner --help.

  python -m runner.preview schedule=cosine warmup=linear train.epochs=20
  python -m runner.preview -m schedule=exponential,cosine,one_cycle
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Draw and print a preview; return 0, 2 for a person's mistake or 130 if interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    return ended(lambda: _preview(words))


def _preview(words: list[str]) -> int:
    from runner import helper
    from runner.report.say import say

    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--out", default="preview.png", nargs="?", const="")
    own.add_argument("-h", "--help", action="store_true")
    known, words = own.parse_known_args(words)
    if known.help:
        say(HELP.rstrip())
        return 0
    with suppress(OSError):
        helper.start(("schedules.plot:load",))  # matplotlib, while the command is read here
    from runner.previews import show

    show(words, known.out)
    return 0


if __name__ == "__main__":
    exit_with(main())
