"""A storage that is away for a moment is asked again.

A loop instead of tenacity, which would be a dependency more for ten lines; SQLAlchemy's events
hear of an error, but cannot ask again.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage

PATIENCE_SECONDS = 60.0  # for a storage that was there and went away
_PAUSE_SECONDS = 0.5


def patient(storage: BaseStorage) -> BaseStorage:
    """Let each access to a storage be tried again while it is away."""
    for name in dir(BaseStorage):
        if not name.startswith("_") and name != "check_trial_is_updatable":
            setattr(storage, name, _retried(getattr(storage, name)))
    return storage


def _retried(access: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(access)
    def again(*arguments: Any, **named: Any) -> Any:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return access(*arguments, **named)
            except StorageInternalError:
                if time.monotonic() > until:
                    raise
            time.sleep(_PAUSE_SECONDS)

    return again
