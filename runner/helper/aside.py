"""What the helper does while the process that asks goes on."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from runner.helper.calls import Lost
from runner.helper.client import client


class Aside:
    """Lets the helper call functions, one after the other, until the block ends.

    Where there is no helper, or it dies, they are called by the thread of the block: of two threads
    that import at once each may find the other's modules half made.
    """

    def __init__(self) -> None:
        self._asking = ThreadPoolExecutor(1) if client.has_started else None
        self._asked: list[tuple[Future[Any], Callable[..., object], tuple[Any, ...]]] = []

    def __enter__(self) -> Self:
        return self

    def begin(self, function: Callable[..., object], *given: Any) -> None:
        """Let a function of a module be called; what it returns is forgotten."""
        if self._asking is None:
            function(*given)
            return
        asked = self._asking.submit(client.ask, function, *given)
        self._asked.append((asked, function, given))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for all. Raises what a function raised."""
        if self._asking is not None:
            self._asking.shutdown(wait=kind is None, cancel_futures=kind is not None)
        for asked, function, given in self._asked if kind is None else ():
            try:
                asked.result()
            except Lost:
                function(*given)
