"""Calls that may never return, such as to a network share: each runs in its own thread, with a timeout and a limit."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class BoundedCalls(Generic[Result]):
    """Runs a limited number of calls at a time, and shares one call between all who want its result.

    Args:
        max_running: Maximum number of calls at a time. A thread that hangs cannot be stopped, so there must be a limit.
    """

    def __init__(self, max_running: int = 16) -> None:
        self._max_running = max_running
        self._running: dict[Hashable, Future[Result]] = {}
        self._lock = threading.Lock()

    def call(self, key: Hashable, function: Callable[[], Result], timeout_s: float) -> Result:
        """Return the result of a function, or raise what it raises.

        Args:
            key: Identifies the call; while it runs, callers with the same key wait for the same result.
            function: The function to call.
            timeout_s: Maximum time to wait.

        Raises:
            TimeoutError: The call takes longer, or too many others are running.
        """
        with self._lock:
            future = self._running.get(key)
            if future is None:
                if len(self._running) >= self._max_running:
                    raise TimeoutError
                future = self._running[key] = Future()
                threading.Thread(target=self._run, args=(key, function, future), daemon=True).start()
        return future.result(timeout_s)

    def _run(self, key: Hashable, function: Callable[[], Result], future: "Future[Result]") -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - passed on to the caller
            finish: Callable[[], None] = lambda error=error: future.set_exception(error)  # type: ignore[misc]  # noqa: E731
        else:
            finish = lambda: future.set_result(result)  # noqa: E731
        with self._lock:
            del self._running[key]
        finish()
