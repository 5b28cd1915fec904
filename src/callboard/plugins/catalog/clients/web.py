"""Read one address over http or https, politely and with limits on everything the other side controls."""

import hashlib
import ssl
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from urllib.parse import urljoin, urlsplit

import certifi
import httpcore
import httpx

from .guard import Deadline, Guard, GuardedBackend
from .types import ReadError, ReadingLimits, redact, too_large

_CHUNK = 65_536
_LONGEST_WAIT = 86_400.0
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_AGAIN = frozenset({408, 425, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address gave: bytes and etag, or `not_modified`; `url` is the address after redirects."""

    url: str
    content: bytes = b""
    etag: str = ""
    not_modified: bool = False


def check_url(url: str) -> None:
    """Refuse addresses that are no plain http(s) URL; raises ReadError."""
    place = redact(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ReadError("refused", f"{place} is not a valid URL.", "Correct the address.", url=place) from None
    if parts.scheme not in ("http", "https"):
        raise ReadError(
            "refused",
            f"{place} is refused: only http and https are read.",
            "Use an https address.",
            url=place,
        )
    if not parts.hostname or port == 0 or any(char.isspace() or char == "\\" for char in url):
        raise ReadError("refused", f"{place} is not a valid URL.", "Correct the address.", url=place)
    if "@" in parts.netloc:
        raise ReadError(
            "refused",
            f"{place} carries a user name or password.",
            "Take them out of the address and set a token for the host in the settings.",
            url=place,
        )


@cache
def _certificates() -> ssl.SSLContext:
    """Load the certificates of the machine (maybe a company's own) and the usual ones; slow, so once."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


class WebClient:
    """Fetch single addresses; safe to share between threads."""

    def __init__(self, limits: ReadingLimits, guard: Guard) -> None:
        self._limits = limits
        self._guard = guard

    def get(
        self,
        url: str,
        etag: str = "",
        headers: Mapping[str, str] | None = None,
        place: str = "",
        max_bytes: int = 0,
    ) -> Answer:
        """Fetch an address; `headers` go to its own host alone. Raises ReadError."""
        place = redact(place or url)
        deadline = Deadline(self._limits.timeout)
        conditional = _conditional(etag)
        trusted = True
        with (
            self._errors(place, deadline),
            httpx.Client(
                transport=_GuardedTransport(self._guard, deadline, _certificates()), trust_env=False
            ) as client,
        ):
            for _ in range(self._limits.max_redirects + 1):
                check_url(url)
                sent = {"User-Agent": "callboard", "Accept": "*/*", "Accept-Encoding": "gzip", **conditional}
                if trusted:
                    sent |= self._private_headers(url, headers or {})
                request = client.build_request("GET", url, headers=sent, timeout=self._timeouts())
                response = client.send(request, stream=True, follow_redirects=False)
                try:
                    target = response.headers.get("location", "")
                    if response.status_code in _REDIRECTS and target:
                        target = urljoin(url, target)
                        # Once away, credentials stay away, even when a later hop leads back.
                        trusted = trusted and _origin(target) == _origin(url)
                        url = target
                        continue
                    if response.status_code == 304 and conditional:
                        return Answer(url, etag=etag, not_modified=True)
                    self._check_status(response, place)
                    content = self._body(response, place, deadline, max_bytes or self._limits.max_bytes)
                    return _answer(url, content, response, etag)
                finally:
                    response.close()
        raise ReadError(
            "http-error",
            f"{place} redirects more than {self._limits.max_redirects} times.",
            "Use the address it leads to in the end.",
            url=place,
        )

    def _timeouts(self) -> httpx.Timeout:
        return httpx.Timeout(self._limits.timeout, connect=self._limits.connect_timeout)

    def _private_headers(self, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        parts = urlsplit(url)
        host = parts.hostname or ""
        access = self._limits.access(parts.scheme, host, parts.port)
        own = dict(headers)
        if access is not None:
            own |= dict(access.headers)
            if access.token and not {"authorization", "private-token"} & {name.lower() for name in own}:
                own["Authorization"] = f"Bearer {access.token}"
        # Over plain http a secret could be read on the way; only hosts an operator listed are trusted
        # with it.
        if parts.scheme == "http" and not self._guard.allows_name(host):
            return {}
        return own

    def _check_status(self, response: httpx.Response, place: str) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        wait = _wait(response)
        exhausted = response.headers.get("x-ratelimit-remaining") == "0"
        if status == 429 or (status == 403 and (exhausted or "retry-after" in response.headers)):
            raise ReadError(
                "rate-limited",
                f"{place} asks for fewer requests (HTTP {status}).",
                "It is read again later; a token for the host usually raises its limit.",
                url=place,
                transient=True,
                retry_after=wait,
            )
        if status in (401, 403):
            raise ReadError(
                "unauthorized",
                f"{place} may not be read (HTTP {status}).",
                "Set a token for the host that may read it.",
                url=place,
            )
        if status in (404, 410):
            raise ReadError(
                "not-found",
                f"{place} does not exist (HTTP {status}).",
                "Check the address; a private place may also need a token for its host.",
                url=place,
            )
        again = status in _AGAIN
        raise ReadError(
            "http-error",
            f"{place} answered with HTTP {status}.",
            "It is read again later." if again else "Check the address.",
            url=place,
            transient=again,
            retry_after=wait,
        )

    def _body(self, response: httpx.Response, place: str, deadline: Deadline, limit: int) -> bytes:
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            raise too_large(place, limit)
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "", "gzip", "x-gzip", "deflate"):
            raise ReadError(
                "unreadable",
                f"{place} answered in the encoding {encoding[:40]}, which was not asked for.",
                "Have the server send plain or gzip content.",
                url=place,
            )
        body = bytearray()
        # Unpacking in small steps with a limit keeps a few packed bytes from filling the memory.
        unpacker = zlib.decompressobj(47) if encoding not in ("identity", "") else None
        for chunk in response.iter_raw(_CHUNK):
            deadline.cap(None)
            if unpacker is None:
                body += chunk
            else:
                body += unpacker.decompress(chunk, limit + 1 - len(body))
            if len(body) > limit:
                raise too_large(place, limit)
            if unpacker is not None and unpacker.eof:
                break
        if unpacker is not None and not unpacker.eof:
            raise _broken_off(place)
        return bytes(body)

    @contextmanager
    def _errors(self, place: str, deadline: Deadline) -> Iterator[None]:
        try:
            yield
        except ReadError as error:
            # The guard knows only the host; readers look for the place they named.
            if error.url != place:
                raise ReadError(
                    error.code,
                    error.message if place in error.message else f"{place}: {error.message}",
                    error.remedy,
                    url=place,
                    transient=error.transient,
                    retry_after=error.retry_after,
                ) from None
            raise
        except httpcore.TimeoutException as error:
            connecting = isinstance(error, httpcore.ConnectTimeout) and deadline.remaining() > 0
            seconds = self._limits.connect_timeout if connecting else self._limits.timeout
            what = "no connection" if connecting else "no complete answer"
            raise ReadError(
                "timed-out",
                f"{place} timed out: {what} within {seconds:g} seconds.",
                "It is read again later; check that the host is up and reachable from here.",
                url=place,
                transient=True,
            ) from None
        except httpcore.ConnectError as error:
            raise ReadError(
                "unreadable",
                f"{place} cannot be reached: {error}.",
                "Check that the host is up, its certificate valid and no firewall in between.",
                url=place,
                transient=True,
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError):
            raise _broken_off(place) from None
        except zlib.error:
            raise ReadError(
                "unreadable",
                f"{place} sent damaged gzip content.",
                "Check the server.",
                url=place,
                transient=True,
            ) from None
        except (httpx.InvalidURL, UnicodeError, httpcore.UnsupportedProtocol):
            raise ReadError("refused", f"{place} is not a valid URL.", "Correct the address.", url=place) from None


class _GuardedTransport(httpx.BaseTransport):
    """Carry httpx requests over connections that the guard has judged."""

    def __init__(self, guard: Guard, deadline: Deadline, tls: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=tls, network_backend=GuardedBackend(guard, deadline))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Stream(response),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close every connection."""
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        yield from self._response.iter_stream()

    def close(self) -> None:
        self._response.close()


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ("", url, None)
    return parts.scheme, (parts.hostname or "").lower(), port or {"http": 80, "https": 443}.get(parts.scheme)


def _conditional(etag: str) -> dict[str, str]:
    if etag.startswith("modified:"):
        return {"If-Modified-Since": etag.removeprefix("modified:")}
    if etag.startswith("etag:"):
        return {"If-None-Match": etag.removeprefix("etag:")}
    return {}


def _answer(url: str, content: bytes, response: httpx.Response, old: str) -> Answer:
    tag = response.headers.get("etag", "")
    modified = response.headers.get("last-modified", "")
    if tag and tag.isascii() and tag.isprintable():
        return Answer(url, content, f"etag:{tag}")
    if modified and modified.isascii() and modified.isprintable():
        return Answer(url, content, f"modified:{modified}")
    # A server without validators still should not make unchanged content look new.
    own = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if own == old:
        return Answer(url, etag=own, not_modified=True)
    return Answer(url, content, own)


def _wait(response: httpx.Response) -> float | None:
    """Read how long the server wants to be left alone."""
    text = response.headers.get("retry-after", "").strip()
    reset = response.headers.get("x-ratelimit-reset", "").strip()
    seconds: float | None = None
    if text.isdigit() and len(text) < 10:
        seconds = float(text)
    elif text:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, TypeError):
            moment = None
        if moment is not None:
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = (moment - datetime.now(UTC)).total_seconds()
    if seconds is None and reset.isdigit() and len(reset) < 12:
        seconds = float(reset) - time.time()
    return None if seconds is None else min(max(seconds, 0.0), _LONGEST_WAIT)


def _broken_off(place: str) -> ReadError:
    return ReadError(
        "http-error",
        f"{place} broke off before its answer was complete.",
        "It is read again later; check the server if this goes on.",
        url=place,
        transient=True,
    )
