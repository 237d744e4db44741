"""python -m runner.ui: show what was recorded in MLflow's page, on this machine alone."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.commands import divided, ended, exit_with

if TYPE_CHECKING:
    from runner.tracking.mlflow import MLflow

HELP = """\
python -m runner.ui [NAME] [--port N] [--no-browser] [--upgrade] [key=value] ...

Serves MLflow's page of what was recorded until Ctrl-C ends it, and opens it in a desktop's browser.
The page begins with NAME: an experiment, a study, a sweep, a run's id, or a study's preset, whose
newest study is meant; without it, with what was recorded last. It starts in a quarter of the time
that `mlflow ui` takes and needs a seventh of its memory.

A printed link opens a saved view: the best trial first, rate, metric and loss of all runs over each
other, bars, parallel coordinates, a list with a column for each key that differs; several seeds by
their mean; the answer above. MLflow 3.17 has such views; with another version links filter and sort
instead.

  --port N      the port on 127.0.0.1; 5000 or, where that is taken, any that is free
  --no-browser  print the address only
  --upgrade     bring what earlier versions have recorded into today's charts and pages, and end

  python -m runner.ui
  python -m runner.ui quickstart
  python -m runner.ui tracking.uri=sqlite:///mine.db
  python -m runner.ui tracking.uri=http://host:5000   # a server's own page
"""
_PORTS = range(1, 65536)


def main(argv: Sequence[str] | None = None) -> int:
    """Show what was recorded; return 0 where a server shows it itself, 1 where MLflow's fails, 2
    for a person's mistake, 130 when Ctrl-C ends it."""
    words = list(sys.argv[1:] if argv is None else argv)
    return ended(lambda: _show(words))


def _show(words: list[str]) -> int:
    from runner.report.say import say, warn

    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--port", nargs="?", const="")
    own.add_argument("--no-browser", action="store_true")
    own.add_argument("--upgrade", action="store_true")
    own.add_argument("-h", "--help", action="store_true")
    known, words = own.parse_known_args(words)
    if known.help:
        say(HELP.rstrip())
        return 0
    port = None if known.port is None else _port(known.port)
    from runner.browser import open_page
    from runner.config.composer import Composer
    from runner.config.request import read_line
    from runner.tracking import trackers_of
    from runner.tracking.mlflow import mlflow_of

    name, words = divided(words)
    line = read_line(words)
    trackers = trackers_of(Composer(line.config_dir).settings(line.words).tracking)
    tracker = mlflow_of(trackers, "its page to be shown")

    if known.upgrade:
        say(*_upgraded(tracker))
        return 0

    def ready(address: str, serves: bool) -> None:
        say(f"look      {address}", *(["Ctrl-C ends it"] if serves else []))
        if not known.no_browser:
            open_page(address)

    tracker.show(name, port, ready, warn)
    return 0


def _upgraded(tracker: "MLflow") -> list[str]:
    """Upgrade what earlier versions have recorded; return what was done."""
    from runner.report.say import warn
    from runner.report.words import counted

    done = tracker.upgrade(warn)
    lines = [f"upgraded  {counted(done.runs, 'run')}, {counted(done.points, 'metric point')}"]
    if done.running:
        lines.append(
            f"note      {counted(done.running, 'run')} still going on: upgrade again later"
        )
    return lines


def _port(given: str) -> int:
    from runner.errors import Mistake

    try:
        port = int(given)
    except ValueError:
        port = 0
    if port not in _PORTS:
        raise Mistake("--port", "must be a number from 1 to 65535", f"'{given}'")
    return port


if __name__ == "__main__":
    exit_with(main())
