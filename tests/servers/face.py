"""What all faces have in common: routing, sign-in, paging, ETags, limits, failures, and Git over http."""

import base64
import hashlib
import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.routing import BaseConverter, Map, Rule
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from tests.servers.forge import Forge, Repo


class Whole(BaseConverter):
    """A part of a path that may hold encoded slashes; the server decodes them before routing."""

    regex = ".+?"
    part_isolating = False


class RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def route(path: str, *methods: str) -> Callable[[Any], Any]:
    """Say which requests a method of a face answers."""

    def mark(function: Any) -> Any:
        function.routes = [*getattr(function, "routes", []), (path, methods or ("GET",))]
        return function

    return mark


class Face:
    """One product's way of speaking about a forge."""

    prefix = ""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge
        self.url = ""
        rules = []
        for name in dir(type(self)):
            function = getattr(type(self), name)
            for path, methods in getattr(function, "routes", ()):
                rules.append(
                    Rule(self.prefix + path if path.startswith("/") else f"/{path[1:]}", endpoint=name, methods=methods)
                )
        self.map = Map(rules, converters={"whole": Whole}, strict_slashes=False, merge_slashes=False)

    # --- What products do differently ----------------------------------------------------

    def signed_in(self, request: Request) -> bool:
        """Whether the request carries the token."""
        return request.headers.get("Authorization") in (f"Bearer {self.forge.token}", f"token {self.forge.token}")

    def error(self, status: int, message: str) -> Any:
        """The body of an error."""
        return {"message": message}

    def check(self, request: Request) -> None:
        """Refuse who is not signed in."""
        if not self.signed_in(request):
            raise RefusedError(401, "Bad credentials")

    # --- Answering -----------------------------------------------------------------------

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        with Request(environ) as request:
            return self.answer(request)(environ, start_response)

    def answer(self, request: Request) -> Response:
        self.forge.requests.append(f"{request.method} {request.full_path.rstrip('?')}")
        for failure in self.forge.failures:
            if failure.times > 0 and failure.path in request.full_path:
                failure.times -= 1
                return Response(failure.body, failure.status, failure.headers)
        try:
            self.check(request)
            endpoint, values = self.map.bind_to_environ(request.environ).match()
            found = getattr(self, endpoint)(request, **values)
        except RefusedError as refused:
            return self.json(self.error(refused.status, refused.message), refused.status, refused.headers)
        except NotFound:
            return self.json(self.error(404, "Not Found"), 404)
        except HTTPException as error:
            return self.json(self.error(error.code or 500, error.description or ""), error.code or 500)
        response = found if isinstance(found, Response) else self.json(found)
        return self.conditional(request, response)

    def json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
        return Response(json.dumps(value), status, headers, content_type="application/json")

    def conditional(self, request: Request, response: Response) -> Response:
        """Add an ETag, answer 304 where it still holds, and count down the limit."""
        if request.method == "GET" and response.status_code == 200:
            tag = 'W/"' + hashlib.sha256(response.get_data()).hexdigest()[:20] + '"'
            response.headers["ETag"] = tag
            if request.headers.get("If-None-Match") == tag:
                self.forge.not_modified += 1
                response = Response(status=304, headers={"ETag": tag})
        if response.status_code != 304:
            self.forge.limit -= 1
        response.headers["X-RateLimit-Limit"] = "5000"
        response.headers["X-RateLimit-Remaining"] = str(self.forge.limit)
        response.headers["X-RateLimit-Reset"] = str(int(time.time()) + 3000)
        return response

    # --- Helpers -------------------------------------------------------------------------

    def repo(self, full_name: str) -> Repo:
        found = self.forge.find(full_name)
        if found is None:
            raise RefusedError(404, "Not Found")
        return found

    def linked(self, request: Request, items: Sequence[Any], size: str = "per_page") -> Response:
        """One page of a list, with the address of the next one in the `Link` header."""
        page = int(request.args.get("page", 1))
        count = min(int(request.args.get(size, self.forge.page_size)), self.forge.page_size)
        part = items[(page - 1) * count : page * count]
        headers = {}
        if page * count < len(items):
            asked = urlencode({**request.args.to_dict(), "page": page + 1})
            headers["Link"] = f'<{request.base_url}?{asked}>; rel="next", <{request.base_url}?page=9>; rel="last"'
        return self.json(part, 200, headers)

    def basic(self, request: Request) -> tuple[str, str]:
        kind, _, text = request.headers.get("Authorization", "").partition(" ")
        if kind != "Basic":
            return "", ""
        name, _, password = base64.b64decode(text).decode().partition(":")
        return name, password

    def git_backend(self, request: Request, path: str) -> Response:
        """Speak Git over http about a repository."""
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(self.forge.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REQUEST_METHOD": request.method,
            "PATH_INFO": f"/{path}",
            "QUERY_STRING": request.query_string.decode(),
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "REMOTE_ADDR": "127.0.0.1",
            "REMOTE_USER": "ada",
        }
        body = request.get_data()
        environment["CONTENT_LENGTH"] = str(len(body))
        done = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n") if ": " in line)
        status = int(headers.pop("Status", "200").split()[0])
        return Response(content, status, headers)


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, *_: Any) -> None:
        """Keep test output quiet."""


@contextmanager
def running(app: Any, port: int = 0) -> Iterator[str]:
    """Serve an application; gives its address, which a face knows too."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True
    url = f"http://127.0.0.1:{server.server_port}"
    if isinstance(app, Face):
        app.url = url
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
