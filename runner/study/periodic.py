"""Something that is looked at every so often while work goes on."""

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self


class Periodic:
    """While open, calls a function every so often from a thread.

    pause_seconds: asked before each call. despite: what the function may raise without an end to
    the calls: a storage may be away for a moment.
    """

    def __init__(
        self,
        call: Callable[[], object],
        pause_seconds: Callable[[], float],
        despite: type[Exception] = Exception,
    ) -> None:
        self._call = call
        self._pause_seconds = pause_seconds
        self._despite = despite
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self, *, wait: bool = True) -> None:
        """Call no more, and wait for the end of a call that goes on."""
        self._ended.set()
        if wait and self._thread.is_alive():
            self._thread.join()

    def is_over(self) -> bool:
        """Return whether the calls were stopped."""
        return self._ended.is_set()

    def _work(self) -> None:
        while not self._ended.wait(self._pause_seconds()):
            with suppress(self._despite):
                self._call()
