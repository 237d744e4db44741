"""Where a store without a server keeps the files of runs: a folder that each machine must have."""

import os
import urllib.parse
import uuid
from pathlib import Path

from runner.databases import creating, unfit
from runner.errors import Mistake
from runner.passwords import hide

TAG = "folder"  # of an experiment: what a file says in the folder that it was made with
_MARK = ".folder"
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")


def of_new_experiment(uri: str) -> str | None:
    """Return where the files of a new experiment go, None where a server says so.

    The folder is made at once in a database that other machines may use: they have none.
    """
    if not uri.startswith(DATABASES):
        return None
    folder = Path("mlartifacts").absolute()
    if not uri.startswith("sqlite"):
        folder.mkdir(exist_ok=True)
    return folder.as_uri()


def mark(uri: str) -> dict[str, str]:
    """Return the tags of a new experiment, by which its folder is told from another machine's of
    the same path; none where no other machine may use the database."""
    if not uri.startswith(DATABASES) or uri.startswith("sqlite"):
        return {}
    file = Path("mlartifacts") / _MARK
    if why := unfit(file):
        raise Mistake("tracking.uri", "must leave this file to the runner", f"{file}: {why}")
    with creating(Path(".runner") / "mlflow.lock"):
        if not file.exists():
            file.write_text(uuid.uuid4().hex)
        return {TAG: file.read_text()}


def check(location: str, experiment: str, uri: str, mark: str = "") -> None:
    """Raise Mistake where the files of an experiment go to a folder that this machine has not.

    mark: the experiment's tag, "" where it has none.
    """
    folder = local(location)
    if folder is None or not uri.startswith(DATABASES):
        return
    may_be_made = uri.startswith("sqlite")
    if why := _unusable(folder, may_be_made) or _unlike(folder, mark):
        raise Mistake(
            "tracking.uri",
            "must be a store whose files this machine can write",
            f"{hide(uri)}: experiment '{experiment}' keeps them in {folder}, which {why}",
            "give another tracking.experiment, share that folder, or let a server keep them: "
            "mlflow server --artifacts-destination FOLDER",
        )


def local(location: str) -> Path | None:
    """Return the folder of this machine that an address of files is, None for any other.

    >>> local("file:///data/a%20b"), local("mlflow-artifacts:/7")
    (PosixPath('/data/a b'), None)
    """
    scheme, _, path, *_ = urllib.parse.urlparse(location)
    if scheme not in ("", "file"):
        return None
    return Path(urllib.parse.unquote(path) if scheme else location)


def _unusable(folder: Path, may_be_made: bool) -> str:
    """Return why nothing can be put into a folder, "" where it can."""
    if folder.exists():
        return "" if folder.is_dir() and os.access(folder, os.W_OK) else "cannot be written here"
    if not (may_be_made or folder.is_relative_to(Path.cwd())):
        return "this machine does not have"
    above = next(one for one in folder.absolute().parents if one.exists())
    return "" if above.is_dir() and os.access(above, os.W_OK) else "cannot be made here"


def _unlike(folder: Path, mark: str) -> str:
    """Return why a folder is not the one that an experiment was made with, "" where it is."""
    file = folder / _MARK
    if not mark or (file.is_file() and file.read_text() == mark):
        return ""
    return "is another folder here" if folder.exists() else "this machine does not have"
