"""python -m runner.states: what training states are stored, and why none was gone on from."""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runner.commands import ended, parted

if TYPE_CHECKING:
    from runner.config.settings import Settings
    from runner.states.listing import Listed

HELP = """\
python -m runner.states COMMAND [key=value] ...

The states of training that .runner/states keeps, from which runs go on.

  list               a line for each, the last used first
  verify             read all, and say which are damaged; nothing is changed
  prune              remove those that were not used for longest until all are within
                     states.max_bytes, 0 for none, and what is of no use any more; never what was
                     used within a minute, or what a run that goes on has asked for
  export STATE FILE  write the model's weights as training had them into a .safetensors file, from
                     which model.weights=FILE starts; STATE is the beginning of its name in the
                     list, or its file
  why RUN RUN        what differs between two runs in MLflow, by id or name, so that one could not
                     go on from the states of the other

  python -m runner.states list
  python -m runner.states list states.folder=/net/states
  python -m runner.states prune states.max_bytes=1GB
  python -m runner.states export 0f3a first.safetensors
  python -m runner.states why 5e017b 3f2a9c tracking.uri=sqlite:///mine.db
"""
_MAX_BYTES = "states.max_bytes"


def main(argv: Sequence[str] | None = None) -> int:
    """Do what is asked; return 0, 1 where a state is damaged, 2 for a person's mistake or 130 if
    interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    return ended(lambda: _answer(words))


def _answer(words: list[str]) -> int:
    from runner.errors import Mistake, either, nearest
    from runner.report.say import say

    if {"-h", "--help"} & set(words):
        say(HELP.rstrip())
        return 0
    from runner.config.composer import Composer
    from runner.config.request import read_line

    (name, *names), keys = parted(words) if parted(words)[0] else ([""], words)
    if name not in _COMMANDS:
        given = f"'{name}'{nearest(name, _COMMANDS)}" if name else "nothing"
        raise Mistake("COMMAND", f"must be {either([*_COMMANDS])}", given)
    needed, command = _COMMANDS[name]
    if len(names) != len(needed):
        must = f"must stand before {' and '.join(needed)}" if needed else "must stand alone"
        raise Mistake(name, must, " and ".join(map(repr, names)) or "nothing")
    line = read_line(keys)
    settings = Composer(line.config_dir).settings(line.words)
    if name == "prune" and not any(one.key == _MAX_BYTES for one in line.words):
        raise Mistake(_MAX_BYTES, "must be given", "nothing", "such as 1GB, or 0 for all")
    return command(settings, *names)


def _list(settings: "Settings") -> int:
    from runner.report.say import say
    from runner.report.words import aligned, counted, cut, size
    from runner.states.listing import listed, stored, total

    with _readable(settings) as root:
        found, kept = listed(root), stored(root)
    if not kept:
        say(f"no states in {root}")
        return 0
    what = _described(settings, found)
    rows = []
    for one in found:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.kept.used))
        step, room = f"{one.name.step:,}", size(one.kept.bytes)
        rows.append([one.short, step, room, used, what[one.name.recipe]])
    heading = ["state", "step", "size", "used", "of"]
    if rows:
        say(*map(cut, aligned([heading, *rows], right={"step", "size"})))
    others = len(kept) - len(found)
    more = f", {counted(others, 'file')} of no use among it" if others else ""
    room = f"{size(total(kept))} of at most {size(settings.states.max_bytes)}"
    say(f"{counted(len(found), 'state')}, {room} in {root}{more}")
    return 0


def _described(settings: "Settings", found: "Sequence[Listed]") -> Mapping[str, str]:
    """Return what the recipes of states are, in words."""
    from runner.report.recipes import described
    from runner.states import Store

    store = Store(Path(settings.states.folder), settings.states.max_bytes)
    recipes = dict.fromkeys(one.name.recipe for one in found)
    rows = {recipe: store.rows(recipe) for recipe in recipes}
    known = {recipe: row for recipe, row in rows.items() if row is not None}
    words = dict(zip(known, described([*known.values()]), strict=True))
    return {recipe: words.get(recipe, "a recipe that is not described") for recipe in recipes}


def _verify(settings: "Settings") -> int:
    from runner.report.say import say
    from runner.report.words import counted
    from runner.states import scan
    from runner.states.listing import stored
    from runner.states.verify import verify

    whole = damaged = 0
    with _readable(settings) as root:
        for one in verify(root):
            damaged += one.is_damaged
            whole += not one.wrong
            if one.wrong:
                say(_line("damaged" if one.is_damaged else "unusable", one.file, one.wrong))
        for kept in stored(root):
            if kept.is_left or kept.is_aside:
                say(_line("leftover" if kept.is_left else "set aside", kept.file))
        for file in scan.strangers(root):
            say(_line("no state", file, "left alone"))
    say(f"{counted(whole, 'state')} {'is' if whole == 1 else 'are'} whole")
    return 1 if damaged else 0


def _prune(settings: "Settings") -> int:
    from runner.report.say import say
    from runner.report.words import counted, size
    from runner.states.listing import total
    from runner.states.prune import prune
    from runner.states.wanted import Wanted

    most = settings.states.max_bytes
    with _readable(settings) as root:
        done = prune(root, most, Wanted(root).all())
    for kept in (*done.others, *done.states):
        say(_line("removed", kept.file, size(kept.bytes)))
    others = f" and {counted(len(done.others), 'file')} of no use" if done.others else ""
    freed = size(total([*done.states, *done.others]))
    left, room = sum(kept.name is not None for kept in done.left), total(done.left)
    removed = f"removed {counted(len(done.states), 'state')}{others}, {freed}"
    say(f"{removed}; {counted(left, 'state')}, {size(room)} left in {root}")
    if room > most:
        say(f"note      more than {size(most)}, as all were used within a minute or are needed")
    return 0


def _export(settings: "Settings", state: str, file: str) -> int:
    from runner.errors import Mistake, one_line
    from runner.report.say import say
    from runner.states import file as files
    from runner.states.disk import Damaged
    from runner.states.listing import find
    from runner.training import weights
    from runner.training.capture import weights_of

    if not file.endswith(".safetensors"):
        raise Mistake("FILE", "must be a .safetensors file", f"'{file}'")
    path, name = find(Path(settings.states.folder), state)
    try:
        found = weights_of(files.read(path, name)["captured"])
    except (OSError, Damaged, files.Unusable, ValueError, LookupError, TypeError) as error:
        must = "must be a whole state of one model"
        raise Mistake("STATE", must, f"{path}: {one_line(error)}") from error
    try:
        with open(file, "xb"):
            pass
        try:
            weights.save(found, Path(file))
        except BaseException:
            os.unlink(file)
            raise
    except Exception as error:
        must = "must be a new file that can be written"
        raise Mistake("FILE", must, f"'{file}': {one_line(error)}") from error
    say(f"weights   {file}: after {name.step:,} steps; model.weights={file} starts from them")
    return 0


def _why(settings: "Settings", one: str, other: str) -> int:
    from runner.report.recorded import RECIPE, RECORDS, Recorded, compared
    from runner.report.say import say
    from runner.tracking import trackers_of
    from runner.tracking.mlflow import mlflow_of

    store = mlflow_of(trackers_of(settings.tracking), "its runs to be compared")
    runs = []
    for name in (one, other):
        with tempfile.TemporaryDirectory(prefix="runner-") as folder:
            run_id = store.copy(name, [RECIPE, RECORDS], Path(folder))
            runs.append(Recorded.read(run_id, Path(folder)))
    say(*compared(*runs))
    return 0


@contextlib.contextmanager
def _readable(settings: "Settings") -> Iterator[Path]:
    """Give the folder of the states. Raises Mistake where it cannot be used."""
    from runner.errors import Mistake, one_line

    root = Path(settings.states.folder)
    try:
        if os.path.lexists(root):
            os.listdir(root)
        yield root
    except OSError as error:
        must = "must be a folder that can be used"
        raise Mistake("states.folder", must, f"'{root}': {one_line(error)}") from error


def _line(what: str, file: Path, more: str = "") -> str:
    from runner.report.plain import as_line

    return f"{what:<9} {as_line(str(file))}{f': {more}' if more else ''}"


_COMMANDS: Mapping[str, tuple[Sequence[str], Callable[..., int]]] = {
    "list": ((), _list),
    "verify": ((), _verify),
    "prune": ((), _prune),
    "export": (("STATE", "FILE"), _export),
    "why": (("RUN", "RUN"), _why),
}
