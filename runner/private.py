"""Folders and files that only their owner may read: they may say how others' servers are used."""

import os
from pathlib import Path

_ROOT = ".runner"


def folder(path: Path) -> Path:
    """Return a folder, made with those above it where it is missing; a `.runner` of this user that
    others may read is closed to them.

    Raises OSError for a link in it, which could lead anywhere.
    """
    if not path.exists():
        folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    for root in (path, *path.parents) if _ROOT in path.parts else ():
        if root.name == _ROOT:
            if root.stat().st_uid == os.getuid() and root.stat().st_mode & 0o77:
                root.chmod(0o700)
            break
        if root.is_symlink():
            raise OSError(f"{root} must be a folder, not a link")
    return path


def write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    hidden = file.with_name(f".{file.name}")
    with open(hidden, "w", opener=_opener) as stream:
        stream.write(text)
    hidden.rename(file)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
