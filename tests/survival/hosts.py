"""A source host that behaves badly in whatever way a test asks for."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.survival.portals import component


class Host(ThreadingHTTPServer):
    """Serves a component at any path; ``mood`` says how from now on."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.mood: dict[str, str] = {}
        self.asked: list[tuple[str, float]] = []
        self.elsewhere = "http://169.254.169.254/latest/meta-data/"

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{name}.yaml"

    def times(self, name: str) -> int:
        return sum(1 for path, _ in self.asked if path.startswith(f"/{name}."))


class _Handler(BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        name = self.path.strip("/").partition(".")[0]
        self.server.asked.append((self.path, time.monotonic()))
        body = component(name).encode()
        mood = self.server.mood.get(name, "good")
        if mood == "hang":
            time.sleep(8)
        elif mood == "drip":
            self._head(200, {"Content-Length": "100000"})
            for _ in range(80):
                try:
                    self.wfile.write(b"#")
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.1)
        elif mood == "500":
            self._head(500, {"Content-Length": "0"})
        elif mood == "loop":
            self._head(302, {"Location": self.path + "x", "Content-Length": "0"})
        elif mood == "truncate":
            self._head(200, {"Content-Length": str(len(body) * 2)})
            self.wfile.write(body)
        elif mood == "limited":
            self._head(429, {"Retry-After": "3600", "Content-Length": "0"})
        elif mood == "reset":
            reset = str(int(time.time()) + 3600)
            self._head(403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": reset, "Content-Length": "0"})
        elif mood == "elsewhere":
            self._head(302, {"Location": self.server.elsewhere, "Content-Length": "0"})
        elif mood == "bomb":
            import gzip

            packed = gzip.compress(b"a: " + b"x" * 50_000_000)
            self._head(200, {"Content-Encoding": "gzip", "Content-Length": str(len(packed))})
            self.wfile.write(packed)
        else:
            self._head(200, {"Content-Length": str(len(body))})
            self.wfile.write(body)
        self.close_connection = True

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def running_host() -> Iterator[Host]:
    host = Host()
    thread = threading.Thread(target=host.serve_forever, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        host.shutdown()
        host.server_close()
