"""What is printed by other hands: tracebacks, warnings and log records, as `say` prints."""

import functools
import logging
import sys
import threading
import traceback
import warnings
from types import TracebackType
from typing import Any

from runner.passwords import redact
from runner.report.plain import as_text
from runner.report.say import warn


@functools.cache
def tame() -> None:
    """Let what Python, MLflow, Optuna and Hydra print of themselves show no password and no control
    character. What somebody else has hooked, as a debugger, stays."""
    logging.setLogRecordFactory(_Record)
    usual = warnings.formatwarning
    warnings.formatwarning = lambda *words, **more: as_text(redact(usual(*words, **more)))
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _told
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _told_of_a_thread


class _Record(logging.LogRecord):
    def getMessage(self) -> str:  # noqa: N802
        return as_text(redact(super().getMessage()))

    def __setattr__(self, name: str, value: Any) -> None:
        """Keep a formatted traceback, as all else."""
        is_text = name in ("exc_text", "stack_info") and isinstance(value, str)
        super().__setattr__(name, as_text(redact(value)) if is_text else value)


def _told(kind: type[BaseException], error: BaseException, trace: TracebackType | None, /) -> None:
    warn("".join(traceback.format_exception(kind, error, trace)), end="")


def _told_of_a_thread(args: threading.ExceptHookArgs, /) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _told(args.exc_type, args.exc_value, args.exc_traceback)
