"""Where records go: tracking addresses, without passwords, and where they wait."""

import os
import re
import urllib.parse
from pathlib import Path

from runner.errors import Mistake, one_line
from runner.passwords import hide, redact

DEFAULT = "sqlite:///mlflow.db"
OUTBOX = Path(".runner") / "outbox"  # records that a server has not taken yet
NO_PASSWORD = (
    "must hold no password; give it as MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD "
    "(a server), PGPASSWORD (PostgreSQL), or put the whole address into MLFLOW_TRACKING_URI"
)
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


def without_user(uri: str) -> str:
    """Return a server's address without user and password.

    >>> without_user("https://me:secret@host/mlflow")
    'https://host/mlflow'
    """
    return re.sub(r"^(https?://).*@", r"\1", uri)


def refuse_password(uri: str | None, key: str = "tracking.uri") -> None:
    """Raise Mistake, which does not show it, for an address with a password in it."""
    if uri is not None and hide(uri) != uri:
        raise Mistake(key, NO_PASSWORD)


def resolve(uri: str | None) -> str:
    """Return the address to use: the given one, the environment's, or the local database.

    The result may hold a password (from the environment): never write it down.
    """
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or DEFAULT


def place(uri: str) -> str:
    """Return what two addresses of one place have in common, whoever uses them.

    >>> place("postgresql://me:***@host/runs") == place("postgresql://host/runs")
    True
    """
    return str(local_file(uri) or re.sub(r"^([\w+.-]+://)(?!/).*@", r"\1", uri))


def host_port(uri: str) -> tuple[str, int] | None:
    """Return the network address behind a tracking address; None for local files.

    Raises Mistake for an address that cannot be read.

    >>> host_port("postgresql+psycopg://me@db.example/runs"), host_port("sqlite:///mlflow.db")
    (('db.example', 5432), None)
    """
    try:
        parts = urllib.parse.urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Mistake(
            "tracking.uri",
            "must be an address like http://host:5000",
            hide(uri),
            "special characters of a password are written percent-encoded (%40 for @, %2F for /)",
        ) from None  # the error shows a part of the password
    default = _PORTS.get(parts.scheme.partition("+")[0])
    return None if default is None or host is None else (host, port or default)


def local_file(uri: str) -> Path | None:
    """Return the file of a local SQLite address; None for any other.

    >>> local_file("sqlite:////data/mlflow.db")
    PosixPath('/data/mlflow.db')
    """
    prefix = "sqlite:///"
    return Path(uri.removeprefix(prefix)).absolute() if uri.startswith(prefix) else None


def relative(file: Path) -> str:
    """Return a file's path, from the working folder on where it lies in it.

    >>> relative(Path("mlruns").absolute()), relative(Path("/data/mlruns"))
    ('mlruns', '/data/mlruns')
    """
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


def brief(error: BaseException) -> str:
    """Return what went wrong, on one line of at most 300 characters, without passwords."""
    text = redact(one_line(error))
    return text if len(text) <= 300 else f"{text[:300]}..."
