"""Run an iterator ahead of its consumer, in a thread, by a bounded number of items."""

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class _Next(Generic[Item]):
    item: Item


@dataclass(frozen=True, slots=True)
class _Ended:
    error: BaseException | None


def prefetch(items: Iterator[Item], depth: int) -> Generator[Item, None, None]:
    """Yield the items of an iterator that runs ahead in a thread, in the context of whoever asks for the first one.

    Args:
        items: Runs in the thread from the first `next` on, and is closed there if it has a `close` method.
        depth: Maximum number of items in the queue, 1 or more.

    Yields:
        The same items in the same order; raises what the iterator raises. Close the generator to end the thread early.
    """
    buffer: queue.Queue[_Next[Item] | _Ended] = queue.Queue(depth)
    stop = threading.Event()
    run, arguments = copy_context().run, (_produce, items, buffer, stop)
    thread = threading.Thread(target=run, args=arguments, name="prefetch", daemon=True)
    thread.start()
    try:
        while isinstance(message := buffer.get(), _Next):
            yield message.item
        if message.error is not None:
            raise message.error
    finally:
        stop.set()
        with suppress(queue.Empty):
            while True:
                buffer.get_nowait()
        thread.join()


def _produce(items: Iterator[Item], buffer: "queue.Queue[_Next[Item] | _Ended]", stop: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            if not _put(buffer, _Next(item), stop):
                break
    except BaseException as raised:  # noqa: BLE001 - raised again in the consumer
        error = raised
    finally:
        # A generator must be closed in the thread that ran it, before the consumer continues.
        getattr(items, "close", lambda: None)()
    _put(buffer, _Ended(error), stop)


def _put(buffer: "queue.Queue[_Next[Item] | _Ended]", message: "_Next[Item] | _Ended", stop: threading.Event) -> bool:
    while not stop.is_set():
        with suppress(queue.Full):
            buffer.put(message, timeout=_POLL_S)
            return True
    return False
