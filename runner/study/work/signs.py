"""Signs of life of launched workers, by the study: a queue need not say whom it has killed."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Self

from optuna.study import Study

from runner.study.periodic import Periodic

_SIGN = "alive"  # begins a study's attribute, behind it stand the start and the worker


class Signs:
    """Says, while it is open, that a worker of a start lives.

    seconds: of silence after which it counts as gone.
    """

    def __init__(self, study: Study, start: str, seconds: float) -> None:
        self._study = study
        self._key = f"{_SIGN} {start} {uuid.uuid4().hex}"
        self._sign()
        self._periodic = Periodic(self._sign, lambda: max(seconds / 3, 0.2))

    def __enter__(self) -> Self:
        self._periodic.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._periodic.stop()

    def comes_back(self) -> None:
        """Say that its queue may begin it again: its silence means nothing."""
        self._periodic.stop()
        self._study.set_user_attr(self._key, None)

    def _sign(self) -> None:
        self._study.set_user_attr(self._key, time.time())


@dataclass
class Living:
    """Knows whether all workers of a start have come and are gone; of one that has not come yet, as
    its queue lets it wait, nothing is known.

    count: of workers. seconds: of silence; clocks of machines are not compared, and what kept this
    process from looking does not count.
    """

    study: Study
    start: str
    count: int
    seconds: float
    _seen: dict[str, tuple[float, float]] = field(default_factory=dict)
    _looked: float = field(default_factory=time.monotonic)

    def all_gone(self) -> bool:
        """Return whether all have come, and each has been silent for so long."""
        now = time.monotonic()
        if now - self._looked < self.seconds / 6:
            return False
        if now - self._looked > self.seconds:
            self._seen.clear()
        self._looked = now
        for key, sign in self.study.user_attrs.items():
            if not key.startswith(f"{_SIGN} {self.start} "):
                continue
            if sign is None:
                self._seen.pop(key, None)
            elif self._seen.get(key, (None,))[0] != sign:
                self._seen[key] = sign, now
        silent = [since for _, since in self._seen.values() if now - since > self.seconds]
        return len(silent) >= self.count and len(silent) == len(self._seen)
