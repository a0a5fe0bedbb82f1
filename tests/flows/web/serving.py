"""Pages that are served from a thread of the tests, for a browser."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

_ENDS_WITHIN_S = 60


@contextmanager
def served(app: Starlette, listening: socket.socket) -> Iterator[str]:
    """Serve an application for the duration of the block, and yield its address."""
    port = listening.getsockname()[1]
    config = uvicorn.Config(app, log_level="warning", server_header=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(_ENDS_WITHIN_S)
    assert not thread.is_alive()
