"""The MLflow that is known from inside: what it promises nobody was read in its source."""

VERSION = "3.17."  # how a version begins whose pages and tables are as they are written here


def is_known(version: str) -> bool:
    """Return whether a version of MLflow is that one.

    >>> is_known("3.17.2"), is_known("3.18.0"), is_known("")
    (True, False, False)
    """
    return version.startswith(VERSION)
