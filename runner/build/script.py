"""Settings -> the command of a script that has a training loop of its own."""

import re
import shutil
from pathlib import Path

from runner.config import Settings
from runner.config.loops import keys_of_loop
from runner.errors import Mistake

_PLACE = re.compile(r"\{(\w+)\}")  # of a key's value, {width}
_MAIN = "__main__."
_PYTHON = re.compile(r"python[\d.]*")


def command_of(settings: Settings) -> list[str]:
    """Return the command with its keys, and the seed, in their places: {width}, {seed}."""
    values = {"seed": settings.seed, **keys_of_loop(settings.loop)}

    def value(found: re.Match[str]) -> str:
        return str(values.get(found[1], found[0]))

    return [_PLACE.sub(value, str(text)) for text in settings.loop["command"]]


def check_command(settings: Settings) -> None:
    """Raise Mistake for a command that cannot be started, and for what only this process has. It
    starts nothing."""
    command = settings.loop["command"]
    if not isinstance(command, list) or not all(
        isinstance(one, str | int | float) for one in command
    ):
        raise Mistake("loop.command", "must be a list of words", f"{command}", "[python, train.py]")
    program, *others = command_of(settings)
    if shutil.which(program) is None:
        raise Mistake("--", "must stand before a program that can be started", f"'{program}'")
    if _PYTHON.fullmatch(Path(program).name):
        script = others[0] if others else ""
        if script.endswith(".py") and not Path(script).is_file():
            raise Mistake("--", "must stand before a script that is there", f"'{script}'")
    if _MAIN in settings.yaml():
        must = "must be left out beside a script, which has another one"
        raise Mistake(_MAIN.rstrip("."), must, advice="put the class or function into a file")
