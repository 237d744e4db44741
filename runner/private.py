"""Folders and files that only their owner may read: they may say how others' servers are used."""

import os
from pathlib import Path


def folder(path: Path) -> Path:
    """Return a folder, made with those above it where it is missing."""
    if not path.exists():
        folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def write(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    hidden = file.with_name(f".{file.name}")
    with open(hidden, "w", opener=_opener) as stream:
        stream.write(text)
    hidden.rename(file)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
