"""A stand-in for the Hugging Face Hub, which tests cannot reach: real HTTP, and the few answers that downloads need."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "1" * 40


class _Answers(BaseHTTPRequestHandler):
    server: "FakeHub"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(path)
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            folder = self.server.root / "/".join(parts[2:4])
            if not folder.is_dir():
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            elif parts[4:5] == ["tree"]:
                self._send_json([_entry(folder, file) for file in _files(folder)])
            else:
                siblings = [{"rfilename": str(file.relative_to(folder))} for file in _files(folder)]
                self._send_json({"id": "/".join(parts[2:4]), "sha": COMMIT, "siblings": siblings})
            return
        file = self.server.root.joinpath(*parts[:2], *parts[4:])
        if not file.is_file():
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        content = file.read_bytes()
        etag = hashlib.sha256(content).hexdigest()
        sent = content if str(file) not in self.server.damage else b"\0" * len(content)
        if self.command == "GET" and str(file) in self.server.damage:
            self.server.damage.remove(str(file))
        self._send(200, sent, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

    def _send_json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


class FakeHub(ThreadingHTTPServer):
    """Serves the folders `<owner>/<name>` below a root as repositories."""

    daemon_threads = True

    def __init__(self, root: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.root, self.requests = root, list[str]()
        self.damage: list[str] = []
        """Files whose next download arrives damaged."""

    @property
    def endpoint(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.server_port}"


@contextmanager
def running_hub(root: Path) -> Iterator[FakeHub]:
    """Serve the repositories below a folder."""
    with FakeHub(root) as hub:
        thread = threading.Thread(target=hub.serve_forever, daemon=True)
        thread.start()
        yield hub
        hub.shutdown()
        thread.join()


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _entry(folder: Path, file: Path) -> dict[str, object]:
    content = file.read_bytes()
    oid = hashlib.sha256(content).hexdigest()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    lfs = {"lfs": {"oid": oid, "size": len(content), "pointerSize": 134}} if file.suffix == ".safetensors" else {}
    return {"type": "file", "path": str(file.relative_to(folder)), "size": len(content), "oid": blob, **lfs}
