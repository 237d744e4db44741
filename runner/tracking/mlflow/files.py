"""Where a store without a server keeps the files of runs: a folder that each machine must have."""

import os
import urllib.parse
from pathlib import Path

from runner.errors import Mistake
from runner.passwords import hide

_DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


def of_new_experiment(uri: str) -> str | None:
    """Return where the files of a new experiment go, None where a server says so.

    The folder is made at once in a database that other machines may use: they have none.
    """
    if not uri.startswith(_DATABASES):
        return None
    folder = Path("mlartifacts").absolute()
    if not uri.startswith("sqlite"):
        folder.mkdir(exist_ok=True)
    return folder.as_uri()


def check(location: str, experiment: str, uri: str) -> None:
    """Raise Mistake where the files of an experiment go to a folder that this machine has not."""
    scheme, _, path, *_ = urllib.parse.urlparse(location)
    if scheme not in ("", "file") or not uri.startswith(_DATABASES):
        return
    folder = Path(urllib.parse.unquote(path) if scheme else location)
    if why := _unusable(folder, may_be_made=uri.startswith("sqlite")):
        raise Mistake(
            "tracking.uri",
            "must be a store whose files this machine can write",
            f"{hide(uri)}: experiment '{experiment}' keeps them in {folder}, which {why}",
            "give another tracking.experiment, share that folder, or let a server keep them: "
            "mlflow server --artifacts-destination FOLDER",
        )


def _unusable(folder: Path, may_be_made: bool) -> str:
    """Return why nothing can be put into a folder, "" where it can."""
    if folder.exists():
        return "" if folder.is_dir() and os.access(folder, os.W_OK) else "cannot be written here"
    if not (may_be_made or folder.is_relative_to(Path.cwd())):
        return "this machine does not have"
    above = next(one for one in folder.absolute().parents if one.exists())
    return "" if above.is_dir() and os.access(above, os.W_OK) else "cannot be made here"
