"""Speak HTTP with servers that people named: to judged addresses alone, with limits on time, size and redirects.

Credentials go to the origin they were given for and stay behind when a redirect leads away from it.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, Self
from urllib.parse import urljoin

import certifi
import httpx

from callboard.lib.netguard import RefusedError, UnknownHostError, check_address

MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 65_536

Failure = Literal["refused", "unknown-host", "unreachable", "timed-out", "broken-off", "too-large", "redirects"]


class OutboundError(Exception):
    """A request that got no usable answer; ``code`` says how it failed, ``transient`` whether later may be better."""

    def __init__(self, code: Failure, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.code: Failure = code
        self.message = message
        self.transient = transient


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; ``url`` is the address after redirects."""

    status: int
    headers: httpx.Headers
    content: bytes
    url: str

    def json(self) -> Any:
        """Answer the content read as JSON; raises ``ValueError``."""
        import orjson  # noqa: PLC0415 - a few callers alone want JSON

        return orjson.loads(self.content)


class Session:
    """Connections to servers, kept open between requests; not to be shared between threads.

    ``allow`` lists host patterns, addresses and networks that may be reached although they are not public.
    """

    def __init__(
        self,
        *,
        allow: Iterable[str] = (),
        timeout: float = 30.0,
        max_bytes: int = 50_000_000,
        verify: ssl.SSLContext | None = None,
    ) -> None:
        self.timeout = timeout
        self.max_bytes = max_bytes
        self._client = httpx.Client(
            transport=_GuardedTransport(tuple(allow), verify or certificates()),
            timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
            trust_env=False,
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close every connection."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        private: Mapping[str, str] | None = None,
        content: bytes | None = None,
        max_bytes: int = 0,
    ) -> Reply:
        """Send a request and read the answer, whatever its status; raises :class:`OutboundError`.

        ``private`` are headers that only the origin of ``url`` may see. A body is sent again only where the
        redirect stays on the origin and asks for it (307, 308).
        """
        end = time.monotonic() + self.timeout
        origin = _origin(url)
        place = url.partition("?")[0]
        for _ in range(MAX_REDIRECTS + 1):
            sent = {**(headers or {}), **((private or {}) if _origin(url) == origin else {})}
            try:
                reply = self._once(method, url, params, sent, content, end, max_bytes or self.max_bytes)
            except httpx.HTTPError as error:
                raise _failure(error, place, self.timeout) from error
            target = reply.headers.get("location", "")
            if reply.status not in _REDIRECTS or not target:
                return reply
            url, params = urljoin(reply.url, target), None
            if not url.startswith(("http://", "https://")):
                raise OutboundError("refused", f"{place} redirects to something that is no web address")
            if url.startswith("http://") and reply.url.startswith("https://"):
                raise OutboundError("refused", f"{place} redirects from https to plain http")
            if reply.status in {301, 302, 303} and method not in {"GET", "HEAD"}:
                # The usual reading of these would turn a write into a read, without anybody noticing.
                raise OutboundError("redirects", f"{place} has moved to {url.partition('?')[0]}; use that address")
            if content is not None and _origin(url) != origin:
                raise OutboundError("redirects", f"{place} redirects to another host; use its address")
        raise OutboundError("redirects", f"{place} redirects more than {MAX_REDIRECTS} times")

    def _once(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        content: bytes | None,
        end: float,
        limit: int,
    ) -> Reply:
        with self._client.stream(method, url, params=params, headers=headers, content=content) as response:
            body = bytearray()
            for chunk in response.iter_bytes(_CHUNK):
                body += chunk
                if len(body) > limit:
                    raise OutboundError("too-large", f"{url.partition('?')[0]} answered with more than {limit:,} bytes")
                if time.monotonic() > end:
                    raise httpx.ReadTimeout("the answer went on for too long")
            return Reply(response.status_code, response.headers, bytes(body), str(response.url))


class _GuardedTransport(httpx.BaseTransport):
    """Connect to addresses that were judged; TLS and the ``Host`` header still carry the name.

    Each name has connections of its own, so that two names on one address never share one.
    """

    def __init__(self, allow: tuple[str, ...], verify: ssl.SSLContext) -> None:
        self._allow = allow
        self._verify = verify
        self._ways: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        try:
            addresses = check_address(url.host, url.port or (443 if url.scheme == "https" else 80), self._allow)
        except RefusedError as error:
            raise OutboundError("refused", str(error)) from None
        except UnknownHostError as error:
            raise OutboundError("unknown-host", str(error), transient=True) from None
        way = self._ways.setdefault(url.host, httpx.HTTPTransport(verify=self._verify))
        problem: httpx.ConnectError | None = None
        for address in addresses:
            sent = httpx.Request(
                request.method,
                url.copy_with(host=address),
                headers=request.headers,
                stream=request.stream,
                extensions={**request.extensions, "sni_hostname": url.host},
            )
            try:
                return way.handle_request(sent)
            except httpx.ConnectError as error:
                problem = error
        raise problem or httpx.ConnectError(f"{url.host} has no address")

    def close(self) -> None:
        for way in self._ways.values():
            way.close()


@cache
def certificates() -> ssl.SSLContext:
    """Answer the certificates of the machine (maybe a company's own) and the usual ones; slow, so once."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL:
        raise OutboundError("refused", f"{url.partition('?')[0][:200]} is not a valid address") from None
    return found.scheme, found.host, found.port


def _failure(error: httpx.HTTPError, place: str, seconds: float) -> OutboundError:
    if isinstance(error, httpx.ConnectTimeout):
        return OutboundError("timed-out", f"{place} gave no connection in time", transient=True)
    if isinstance(error, httpx.TimeoutException):
        message = f"{place} gave no complete answer within {seconds:g} seconds"
        return OutboundError("timed-out", message, transient=True)
    if isinstance(error, httpx.ConnectError):
        return OutboundError("unreachable", f"{place} cannot be reached: {error}", transient=True)
    if isinstance(error, httpx.UnsupportedProtocol):
        return OutboundError("refused", f"{place} is not an http or https address")
    if isinstance(error, httpx.DecodingError):
        return OutboundError("broken-off", f"{place} sent damaged content", transient=True)
    return OutboundError("broken-off", f"{place} broke off before its answer was complete", transient=True)
