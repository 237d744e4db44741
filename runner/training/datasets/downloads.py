"""Files that are downloaded once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from schedules.errors import ArgumentError

OFFLINE = "dataset=mnist_5k, which needs no network"


def torchvision_class(name: str) -> Any:
    """Return a data set's class of torchvision, which is slow to load.

    Raises ArgumentError where torchvision does not fit torch.
    """
    try:
        from torchvision import datasets
    except (ImportError, RuntimeError) as error:
        raise ArgumentError(
            "root:",
            f"torchvision does not fit the installed torch ({error})",
            advice="install a matching pair with 'pip install --upgrade torch torchvision'",
        ) from error
    return getattr(datasets, name)


@contextmanager
def leaving_nothing(folder: Path) -> Iterator[None]:
    """Remove, where something fails, the folders that were made for it and are empty."""
    new = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        yield
    except BaseException:
        for path in new:
            if path.exists() and not any(path.iterdir()):
                path.rmdir()
        raise
