"""Questions to somebody who may never answer: asked in a thread of their own, and waited for only so long."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


class Patience(Generic[Answer]):
    """Asks questions, each once at a time; whoever asks again meanwhile waits for the same answer.

    Args:
        most: Questions that may be open at once. Threads that hang cannot be ended, so there must not be ever more.
    """

    def __init__(self, most: int = 16) -> None:
        self._most = most
        self._open: dict[Hashable, Future[Answer]] = {}
        self._lock = threading.Lock()

    def ask(self, key: Hashable, question: Callable[[], Answer], timeout_s: float) -> Answer:
        """Return the answer.

        Args:
            key: Tells questions apart.
            question: What is asked; whatever it raises is raised here.
            timeout_s: How long to wait.

        Raises:
            TimeoutError: There is no answer yet, or there are too many open questions to ask.
        """
        with self._lock:
            future = self._open.get(key)
            if future is None:
                if len(self._open) >= self._most:
                    raise TimeoutError
                future = self._open[key] = Future()
                threading.Thread(target=self._answer, args=(key, question, future), daemon=True).start()
        return future.result(timeout_s)

    def _answer(self, key: Hashable, question: Callable[[], Answer], future: "Future[Answer]") -> None:
        try:
            answer = question()
        except BaseException as error:  # noqa: BLE001 - handed to who asked
            outcome: Callable[[], None] = lambda error=error: future.set_exception(error)  # type: ignore[misc]  # noqa: E731
        else:
            outcome = lambda: future.set_result(answer)  # noqa: E731
        with self._lock:
            del self._open[key]
        outcome()
