"""Steps that run beside the decoder: calls in order, in a thread of their own, as many in advance as memory allows."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

Result = TypeVar("Result")


class SideThread:
    """Runs calls one after another in its own thread, until it is closed. They see the context of whoever made it.

    Args:
        name: Of the thread, for debuggers.
        max_pending: Calls that may wait. Beyond this, whoever adds one waits too, which keeps memory bounded.
    """

    def __init__(self, name: str, *, max_pending: int) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._context = copy_context()
        self._max_pending = max_pending
        self._pending: deque[Future[Any]] = deque()

    def close(self) -> None:
        """End the thread after the call that is running, and drop those that wait."""
        self._executor.shutdown(cancel_futures=True)

    def add(self, call: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Queue a call. Raises the error of an earlier one, if there was one."""
        while self._pending and (len(self._pending) >= self._max_pending or self._pending[0].done()):
            self._pending.popleft().result()
        future = self._executor.submit(self._context.run, call, *arguments)
        self._pending.append(future)
        return future

    def wait(self) -> None:
        """Wait for all calls. Raises the error of the first that failed."""
        while self._pending:
            self._pending.popleft().result()
