"""How far each worker of a pool is in its video, for display where the flow runs.

Positions go through the key-value store of the Ray cluster: an actor that collects them would be one more process.
"""

import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress

_INTERVAL_S = 1.0
_TIMEOUT_S = 1
_NAMESPACE = b"videolake"

Position = Callable[[str, float | None], None]
"""Called with a video's id and the seconds of it that are decoded; with None at its end."""


class PositionWriter:
    """Sends a worker's positions from a thread of its own, no more than once a second. It never waits, and never fails.

    Args:
        pool: Id of the pool, from `PositionReader`.
        worker: Name of the worker.
    """

    def __init__(self, pool: str, worker: str) -> None:
        self._key = f"{pool}/{worker}".encode()
        self._newest: dict[str, float] = {}
        """By video id; replaced as a whole, never changed."""
        self._ended: set[str] = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._send, name="position", daemon=True).start()

    def __call__(self, video_id: str, position_s: float | None) -> None:
        """Note the seconds decoded of a video; None at its end.

        It is kept until another one begins: then the pool has counted the outcome, so that no progress is lost.
        """
        with self._lock:
            if position_s is None:
                self._ended.add(video_id)
                return
            self._ended.discard(video_id)
            if video_id not in self._newest:
                self._newest = {name: at_s for name, at_s in self._newest.items() if name not in self._ended}
                self._ended.clear()
            self._newest = self._newest | {video_id: position_s}

    def _send(self) -> None:
        from ray.experimental.internal_kv import _internal_kv_put

        sent, pause = self._newest, threading.Event()
        while not pause.wait(_INTERVAL_S):
            if self._newest != sent:
                sent = self._newest
                with suppress(Exception):  # the pool notices by itself that the cluster is out of reach
                    _internal_kv_put(self._key, json.dumps(sent).encode(), namespace=_NAMESPACE)


class PositionReader:
    """Reads the positions of the workers of one pool on the connected cluster."""

    def __init__(self) -> None:
        self.pool = uuid.uuid4().hex
        """Unique id of the pool."""

    def read(self) -> dict[str, float] | None:
        """Return the seconds decoded of the videos of each worker, by video id; None without an answer."""
        from ray.experimental.internal_kv import internal_kv_get_gcs_client

        with suppress(Exception):
            store = internal_kv_get_gcs_client()
            keys = store.internal_kv_keys(f"{self.pool}/".encode(), _NAMESPACE, timeout=_TIMEOUT_S)
            values = store.internal_kv_multi_get(keys, _NAMESPACE, timeout=_TIMEOUT_S) if keys else {}
            return {name: at_s for value in values.values() for name, at_s in json.loads(value).items()}
        return None

    def forget(self) -> None:
        """Remove the positions from the cluster."""
        from ray.experimental.internal_kv import internal_kv_get_gcs_client

        with suppress(Exception):
            store = internal_kv_get_gcs_client()
            store.internal_kv_del(f"{self.pool}/".encode(), True, _NAMESPACE, timeout=_TIMEOUT_S)
