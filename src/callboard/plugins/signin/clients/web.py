"""Requests to identity providers: to judged addresses alone, within a time limit, redirects never followed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from requests.adapters import HTTPAdapter

from callboard.lib.netguard import RefusedError, UnknownHostError, check_address
from callboard.plugins.signin.types import ProviderFailedError

SECONDS = 10
MAX_BYTES = 2_000_000


class _Judged(HTTPAdapter):
    """Connect to the judged address; the `Host` header and TLS still carry the name."""

    def __init__(self, allow: Iterable[str]) -> None:
        self._allow = tuple(allow)
        super().__init__(max_retries=0)

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send, or raise a ``requests`` error that says why not."""
        target = urlsplit(str(request.url))
        host = target.hostname or ""
        port = target.port or (443 if target.scheme == "https" else 80)
        try:
            address = check_address(host, port, self._allow)[0]
        except (RefusedError, UnknownHostError) as error:
            raise requests.ConnectionError(str(error), request=request) from error
        pool = self.poolmanager.connection_pool_kw
        for name in ("server_hostname", "assert_hostname"):
            pool.pop(name, None)
            if target.scheme == "https":
                pool[name] = host
        literal = f"[{address}]" if ":" in address else address
        request.headers["Host"] = target.netloc.rpartition("@")[2]
        request.url = urlunsplit(target._replace(netloc=f"{literal}:{port}"))
        return super().send(request, **options)


class GuardedSession(requests.Session):
    """What django-allauth makes its requests with."""

    def __init__(self, allow: Iterable[str]) -> None:
        super().__init__()
        self.trust_env = False
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Judged(allow))

    def request(self, method: Any, url: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        """Send a request; the answer is read to its end within a limit."""
        options.setdefault("timeout", SECONDS)
        options["allow_redirects"] = False
        options["stream"] = True
        answer = super().request(method, url, **options)
        body = b""
        for chunk in answer.iter_content(65_536):
            body += chunk
            if len(body) > MAX_BYTES:
                answer.close()
                raise requests.exceptions.ContentDecodingError(f"the answer of {urlsplit(url).hostname} is too big")
        answer._content = body  # noqa: SLF001 - where requests keeps what was read
        return answer


def fetch_json(url: str, allow: Iterable[str]) -> Any:
    """Answer a JSON document; raises :class:`ProviderFailedError`."""
    try:
        return _fetch(url, allow).json()
    except ValueError as error:
        raise ProviderFailedError(f"the answer of {urlsplit(url).hostname} is no JSON") from error


def fetch_text(url: str, allow: Iterable[str]) -> str:
    """Answer a text; raises :class:`ProviderFailedError`."""
    return _fetch(url, allow).text


def _fetch(url: str, allow: Iterable[str]) -> requests.Response:
    try:
        with GuardedSession(allow) as session:
            answer = session.get(url)
            answer.raise_for_status()
            return answer
    except requests.RequestException as error:
        raise ProviderFailedError(str(error) or type(error).__name__) from error
