"""Work ahead: run an iterator in a thread of its own, a bounded number of items before its consumer."""

import queue
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class _Made(Generic[Item]):
    item: Item


@dataclass(frozen=True, slots=True)
class _Ended:
    error: BaseException | None


def prefetch(items: Iterator[Item], depth: int) -> Generator[Item, None, None]:
    """Yield the items of an iterator that runs ahead in a thread.

    Args:
        items: Runs in the thread from the first `next` on; is closed there, if it can be.
        depth: Items that may wait, at least 1.

    Yields:
        The same items in the same order; raises what the iterator raises. Close the generator to end the thread early.
    """
    waiting: queue.Queue[_Made[Item] | _Ended] = queue.Queue(depth)
    stop = threading.Event()
    thread = threading.Thread(target=_work, args=(items, waiting, stop), name="prefetch", daemon=True)
    thread.start()
    try:
        while isinstance(made := waiting.get(), _Made):
            yield made.item
        if made.error is not None:
            raise made.error
    finally:
        stop.set()
        with suppress(queue.Empty):
            while True:
                waiting.get_nowait()
        thread.join()


def _work(items: Iterator[Item], waiting: "queue.Queue[_Made[Item] | _Ended]", stop: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            if not _put(waiting, _Made(item), stop):
                break
    except BaseException as raised:  # noqa: BLE001 - raised again by the consumer
        error = raised
    finally:
        # Generators have to be closed in the thread that ran them, before the consumer goes on.
        getattr(items, "close", lambda: None)()
    _put(waiting, _Ended(error), stop)


def _put(waiting: "queue.Queue[_Made[Item] | _Ended]", made: "_Made[Item] | _Ended", stop: threading.Event) -> bool:
    while not stop.is_set():
        with suppress(queue.Full):
            waiting.put(made, timeout=_LOOK_S)
            return True
    return False
