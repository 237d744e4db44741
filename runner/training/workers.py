"""Processes that read a data set ahead of the training, by torch's DataLoader."""

import os
import re
import signal
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader

from runner.culprit import told
from runner.errors import one_line, out_of_memory, said
from runner.training.source import Answer, Failure, Request, Source, Unreadable

MOST = 256
_DIED = re.compile("DataLoader worker .*(exited unexpectedly|killed by signal)")


class _InWorker(Exception):
    """Where a worker failed."""


class Workers:
    """Reads what is asked for in order, in so many processes; with none of them, in this one.

    They start when they are first needed, serve all parts of the data from then on, and end with
    `close`, after which they may start anew.
    """

    def __init__(self, source: Source, count: int = 0) -> None:
        self.source, self.count = source, count
        self._loader: DataLoader[Any] | None = None
        self._plan = _Plan()

    @property
    def started(self) -> bool:
        """Whether there are processes."""
        return self._loader is not None and self.count > 0

    def read_here(self, request: Request) -> Answer:
        """Return a batch that this process reads. Raises Unreadable."""
        return _checked(self.source[request])

    def read(self, requests: Iterable[Request], *, pin_memory: bool = False) -> Iterator[Answer]:
        """Yield what each request asks for. Whoever asks anew leaves what was read ahead.

        pin_memory: put it where an accelerator can fetch it. Raises Unreadable.
        """
        self._plan.requests = requests
        answers = self._begun(pin_memory)
        while True:
            try:
                answer = next(answers)
            except StopIteration:
                return
            except RuntimeError as error:
                if out_of_memory(error):
                    raise
                if self.count and _died(error):
                    raise _mistake(error) from error
                raise Unreadable("dataset:", f"cannot be read: {told(error)}") from error
            yield _checked(answer)

    def close(self) -> None:
        """End the processes."""
        loader, self._loader = self._loader, None
        running = getattr(loader, "_iterator", None)  # it would wait for the last reference to it
        if running is not None:
            running._shutdown_workers()

    def _made(self, pin_memory: bool) -> DataLoader[Any]:
        return DataLoader(
            self.source,  # type: ignore[arg-type]  # has what is needed of a Dataset
            batch_size=None,
            sampler=self._plan,
            num_workers=self.count,
            collate_fn=_same,
            pin_memory=pin_memory,
            worker_init_fn=_apart,
            generator=torch.Generator().manual_seed(0),
            persistent_workers=self.count > 0,
        )

    def _begun(self, pin_memory: bool) -> Iterator[Any]:
        try:
            with warnings.catch_warnings():
                # More of them than cores may be what a person wants; the error is said in one line.
                warnings.filterwarnings("ignore", "This DataLoader will create|Got pickle error")
                if self._loader is None:
                    self._loader = self._made(pin_memory)
                return iter(self._loader)
        except Exception as error:
            if out_of_memory(error):
                raise
            raise _mistake(error) from error


class _Plan:
    """What the next iteration of a loader reads."""

    requests: Iterable[Request] = ()

    def __iter__(self) -> Iterator[Request]:
        return iter(self.requests)


def _died(error: Exception) -> bool:
    return _DIED.search(said(error)) is not None


def _mistake(error: Exception) -> Unreadable:
    what = "died" if _died(error) else "cannot be started"
    text = f"a worker that reads the data {what}: {one_line(error)}"
    return Unreadable("dataset.workers:", text, advice="0 reads them in the training's process")


def _checked(answer: Answer | Failure) -> Answer:
    if not isinstance(answer, Failure):
        return answer
    found = answer.error.under("dataset")
    error = Unreadable(found.where, found.must, found.given, found.advice)
    raise error from _InWorker(answer.details)


def _same(answer: Any) -> Any:
    return answer


def _apart(number: int) -> None:
    """Leave the terminal's group: a Ctrl-C is for the run, which then ends its workers."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
