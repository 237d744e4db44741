"""Claims: who trains towards a state, so that nobody trains the same updates meanwhile."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from runner.pausing import pause
from runner.states.lease_file import look
from runner.states.leases import Lease
from runner.trial.name import StateName


class Claim:
    """Says, until it is released, that this process trains the updates that lead to a state."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def release(self) -> None:
        """Let others train towards the state."""
        self._lease.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()


class Claims:
    """The claims on the states of a folder, by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "claims"

    def claim(self, name: StateName) -> Claim | None:
        """Claim a state; None where a living process, perhaps this one, trains towards it now.

        A folder that cannot be written keeps nobody from training.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     claims, name = Claims(Path(folder)), StateName("ab" * 32, 500, "cd" * 32)
        ...     with claims.claim(name):
        ...         print(claims.claim(name))
        None
        """
        lease = Lease(self._file(name), {})
        return Claim(lease) if lease.acquire() else None

    def sweep(self) -> None:
        """Remove the claims of processes that are gone."""
        with suppress(OSError), os.scandir(self._folder) as entries:
            for file in [Path(entry.path) for entry in entries if entry.name.endswith(".json")]:
                found = look(file)
                lease = Lease(file, {})
                if found is not None and found.is_dead() and lease.acquire():
                    lease.release()

    def holder(self, name: StateName) -> str:
        """Return who trains towards a state, such as "process 123 on node7", "" where nobody."""
        with suppress(OSError):
            found = look(self._file(name))
            if found is not None and not found.is_dead():
                return str(found.owner or "another process")
        return ""

    def wait(
        self,
        name: StateName,
        there: Callable[[], bool],
        should_stop: Callable[[], bool],
        seconds: float = 0.25,
    ) -> bool:
        """Wait until a state is there, nobody trains towards it any more, or should_stop.

        seconds: between two looks. Returns whether the state is there.
        """
        while not there():
            if should_stop():
                return False
            if not self.holder(name):
                return there()  # it may have been saved since the last look
            pause(seconds)
        return True

    def _file(self, name: StateName) -> Path:
        return self._folder / f"{name.recipe}-{name.step}-{name.trace}.json"
