"""The process of Prefect's temporary server: a program, which `flows.temporary_server` starts.

It imports nothing of ours. Its arguments are two file descriptors: the socket to serve on, and a pipe whose other end
only the process that started it holds. When that has ended, however it did, so does the server.
"""

import gc
import os
import signal
import socket
import sys
import threading
import time
from typing import Any

_STOP_S = 10.0


def serve(listening: int, ending: int) -> None:
    """Serve Prefect's API on a socket until the other end of a pipe is closed, or until SIGTERM."""

    def watch() -> None:
        os.read(ending, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_STOP_S)
        os.kill(os.getpid(), signal.SIGKILL)  # something is still open that nobody will close

    threading.Thread(target=watch, daemon=True).start()
    gc.disable()  # imports make no garbage, and to look for it takes a quarter of the time until the server answers
    import uvicorn

    config = uvicorn.Config(make_app, factory=True, log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=listening)])


def make_app() -> Any:  # noqa: ANN401 - an ASGI application
    """Return Prefect's application."""
    # Uvicorn would load the application to its end before it stops, which takes seconds, and nothing is stored yet.
    stop = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from prefect.server.api.server import create_app

    _remember_settings()
    app = create_app()
    gc.freeze()
    gc.enable()
    signal.signal(signal.SIGTERM, stop)
    return app


def _remember_settings() -> None:
    """Let Prefect serialise its settings once. It does so for each app, client and logger, which takes 0.1 s each time.

    Nothing changes the settings in this process. A Prefect that has changed this is left as it is.
    """
    from prefect.settings import Settings

    serialise = getattr(Settings, "to_environment_variables", None)
    if serialise is None:
        return
    known: dict[str, tuple[Any, dict[str, str]]] = {}

    def remembered(settings: Any, **options: Any) -> dict[str, str]:  # noqa: ANN401 - of Prefect
        key = f"{id(settings)} {options}"
        if key not in known:
            known[key] = settings, serialise(settings, **options)
        return dict(known[key][1])

    setattr(Settings, "to_environment_variables", remembered)  # noqa: B010 - not a method that mypy may know


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
