"""The memory that a container or a cluster's queue leaves to this process, by Linux's cgroups."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

OWN, ROOT = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")


def limits(own: Path = OWN, root: Path = ROOT) -> Iterator[int]:
    """Yield the limits that this process is under, in bytes; none where the system has no cgroups.

    own: says in which groups it is, see cgroups(7). root: where they are.
    """
    lines: list[str] = []
    with suppress(OSError):
        lines = own.read_text().splitlines()
    for line in lines:
        _, kinds, path = line.split(":", 2)
        if not kinds:  # of version 2
            yield from _limits(root, path, "memory.max")
        elif "memory" in kinds.split(","):
            yield from _limits(root / "memory", path, "memory.limit_in_bytes")


def _limits(root: Path, path: str, name: str) -> Iterator[int]:
    place = root / path.lstrip("/")
    for folder in (place, *place.parents):
        with suppress(OSError, ValueError):  # a group without a limit says "max"
            yield int((folder / name).read_text())
        if folder == root:
            return
