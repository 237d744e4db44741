"""What a loop has written into its folder, as plain values."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from runner.training.capture import NotStorable

MOST_BYTES = 2**26


def files_of(folder: Path | None) -> dict[str, np.ndarray]:
    """Return the files in a folder, by their path in it: (bytes,) uint8.

    Raises NotStorable where they are larger than 64 MB together.
    """
    found = [one for one in sorted(folder.rglob("*")) if one.is_file()] if folder else []
    if folder is None or not found:
        return {}
    if sum(one.stat().st_size for one in found) > MOST_BYTES:
        raise NotStorable(f"run.folder holds more than {MOST_BYTES // 2**20} MB")
    return {
        str(one.relative_to(folder)): np.frombuffer(one.read_bytes(), np.uint8) for one in found
    }


def write_files(files: Mapping[str, np.ndarray], folder: Path) -> None:
    """Write files into a folder again. Raises ValueError for a path that leads out of it."""
    for name in files:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"{name!r} lies in no folder of its own")
    for name, data in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.tobytes())
