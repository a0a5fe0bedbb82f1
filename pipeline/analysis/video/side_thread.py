"""Steps that run beside the decoder: calls in order, in a thread of their own, as many in advance as memory allows."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self, TypeVar

Result = TypeVar("Result")


class SideThread:
    """Runs calls one after another in its own thread. A context manager, which ends the thread.

    Args:
        name: Of the thread, for debuggers.
        max_pending: Calls that may wait. Beyond this, whoever adds one waits too, which keeps memory bounded.
    """

    def __init__(self, name: str, *, max_pending: int) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._max_pending = max_pending
        self._pending: deque[Future[Any]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(cancel_futures=True)

    def add(self, call: Callable[..., Result], *arguments: object) -> Future[Result]:
        """Queue a call. Raises the error of an earlier one, if there was one."""
        while self._pending and (len(self._pending) >= self._max_pending or self._pending[0].done()):
            self._pending.popleft().result()
        future = self._executor.submit(call, *arguments)
        self._pending.append(future)
        return future

    def wait(self) -> None:
        """Wait for all calls. Raises the error of the first that failed."""
        while self._pending:
            self._pending.popleft().result()
