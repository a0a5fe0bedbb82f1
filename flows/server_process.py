"""The process of Prefect's temporary server: a program, which `flows.temporary_server` starts.

It imports nothing of ours. Its arguments are two file descriptors: the socket to serve on, and a pipe whose other end
only the process that started it holds. When that has ended, however it did, so does the server.
"""

import os
import signal
import socket
import sys
import threading
import time

_STOP_S = 10.0


def serve(listening: int, ending: int) -> None:
    """Serve Prefect's API on a socket until the other end of a pipe is closed, or until SIGTERM."""

    def watch() -> None:
        os.read(ending, 1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_STOP_S)
        os.kill(os.getpid(), signal.SIGKILL)  # something is still open that nobody will close

    threading.Thread(target=watch, daemon=True).start()
    import uvicorn
    from prefect.server.api.server import create_app

    config = uvicorn.Config(create_app, factory=True, log_level="error", lifespan="on")
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=listening)])


if __name__ == "__main__":
    serve(*map(int, sys.argv[1:]))
