"""What the helper is asked and what it answers, as plain data."""

import os
import pickle
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from runner.errors import one_line

OURS = ("builtins", "runner", "schedules")
_OF_A_PROCESS = (  # beginnings of variables that no tracker reads
    *("RUNNER_", "PYTEST_", "OMP_", "KMP_", "MKL_", "OPENBLAS_", "CUDA_", "CUBLAS_", "PYTORCH_"),
)


@dataclass(frozen=True)
class Surroundings:
    """What a call finds in its process.

    folder: the working folder. environment: with addresses, passwords and settings of libraries.
    """

    folder: str
    environment: Mapping[str, str]

    @classmethod
    def now(cls) -> "Surroundings":
        """Return those of this process."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_OF_A_PROCESS)}
        return cls(os.getcwd(), kept)


@dataclass(frozen=True)
class Call:
    """A function of a module, and what it is given."""

    surroundings: Surroundings
    function: Callable[..., Any]
    given: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Answer:
    """What came of a call: a value, or an error."""

    value: Any = None
    error: BaseException | None = None


class Lost(ConnectionError):
    """The helper has died before it answered."""

    def __init__(self, *given: object) -> None:
        super().__init__("the process that delivers records has died")


class Told(Exception):
    """What an error of a library said, where the library is not loaded."""


def portable(error: BaseException) -> BaseException:
    """Return an error that says the same where no library but ours is loaded.

    >>> portable(OSError(28, "No space left on device"))
    OSError(28, 'No space left on device')
    >>> portable(__import__("zlib").error("damaged"))
    Told('damaged')
    """
    is_ours = type(error).__module__.partition(".")[0] in OURS
    if is_ours and isinstance(error, Exception):
        with suppress(Exception):
            pickle.loads(pickle.dumps(error))
            return error.with_traceback(None)
    return Told(one_line(error))
