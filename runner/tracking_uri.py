"""Where records go: tracking addresses, without passwords."""

import os
import urllib.parse
from pathlib import Path

from runner.errors import Mistake, redact

DEFAULT = "sqlite:///mlflow.db"
_ADVICE = (
    "must hold no password; give it as MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD "
    "(a server), PGPASSWORD (PostgreSQL), or put the whole address into MLFLOW_TRACKING_URI"
)


def refuse_password(uri: str | None) -> None:
    """Raise Mistake, which does not show it, for an address with a password in it."""
    if uri is not None and redact(uri) != uri:
        raise Mistake(f"tracking.uri {_ADVICE}")


def refuse_passwords(words: list[str]) -> None:
    """Raise Mistake for a password in any address on a command line."""
    for word in words:
        if redact(word) != word:
            raise Mistake(f"{word.split('=')[0].lstrip('+~')} {_ADVICE}")


def resolve(uri: str | None) -> str:
    """Return the address to use: the given one, the environment's, or the local database.

    The result may hold a password (from the environment): never write it down.
    """
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT


def restore(shown: str) -> str:
    """Return the full address of one that was written down without its password."""
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    return given if given and redact(given) == shown else shown


def host_port(uri: str) -> tuple[str, int] | None:
    """Return the network address behind a tracking address; None for local files.

    >>> host_port("postgresql+psycopg://me@db.example/runs"), host_port("sqlite:///mlflow.db")
    (('db.example', 5432), None)
    """
    parts = urllib.parse.urlsplit(uri)
    ports = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
    scheme = parts.scheme.partition("+")[0]
    if scheme not in ports or not parts.hostname:
        return None
    return parts.hostname, parts.port or ports[scheme]


def local_folder(uri: str) -> Path | None:
    """Return the folder of a local SQLite address; None for any other.

    >>> local_folder("sqlite:////data/mlflow.db")
    PosixPath('/data')
    """
    prefix = "sqlite:///"
    return Path(uri.removeprefix(prefix)).absolute().parent if uri.startswith(prefix) else None
