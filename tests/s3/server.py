"""An S3 server (moto) in its own process, which clients reach over HTTP."""

import http.client
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import fsspec

if TYPE_CHECKING:
    import pytest

_PATIENCE_S = 120.0
_ROOT = Path(__file__).parents[2]


class S3Server:
    """A server that runs while the block runs. It keeps objects in memory, and accepts any key.

    Attributes:
        host, port: Where it listens.
        endpoint: Its URL.
    """

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server and return its process, which somebody else ends."""
        with socket.socket() as chosen:
            chosen.bind(("127.0.0.1", 0))
            self.host, self.port = chosen.getsockname()
        self.endpoint = f"http://{self.host}:{self.port}"
        command = [sys.executable, "-m", "tests.s3.moto_server", self.host, str(self.port)]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _PATIENCE_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The S3 server did not start: exit status {self._process.poll()}")
            time.sleep(0.02)
        return self._process

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def __getstate__(self) -> dict[str, object]:
        """Say where it is, for other processes of the test run."""
        return {"host": self.host, "port": self.port, "endpoint": self.endpoint}

    def create_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_PATIENCE_S)
        try:
            # The server tells its services apart by the signature, and checks no more of it.
            signed = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request"
            connection.request("PUT", f"/{name}", headers={"Authorization": signed})
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"The S3 server made no bucket {name}: {answer.read()!r}")
        finally:
            connection.close()

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=1):
                return True
        except OSError:
            return False


def environment(endpoint: str) -> dict[str, str]:
    """Return the environment in which s3fs and Arrow reach `s3://…` at an endpoint."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def without_s3fs(patch: "pytest.MonkeyPatch") -> None:
    """Let fsspec find no package for S3, so that lakes use Arrow's own client."""

    def missing(uri: str, **options: object) -> None:
        raise ImportError("Install s3fs to access S3")

    patch.setattr(fsspec.core, "url_to_fs", missing)
