"""What all clients of source hosts have in common: how requests are sent, limited, remembered and refused."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, Self
from urllib.parse import urljoin, urlsplit

import orjson

from callboard.lib.outbound import OutboundError, Reply, Session
from callboard.plugins.hosts.clients.calls import HostCalls
from callboard.plugins.hosts.types.access import Access
from callboard.plugins.hosts.types.errors import HostError, HostErrorCode
from callboard.plugins.hosts.types.model import Limit
from callboard.plugins.hosts.types.products import product

LONGEST_WAIT = 86_400.0
TRIES = 3
KEPT_BYTES = 2_000_000
"""Answers larger than this are not kept for conditional requests."""

_LINK = re.compile(r'<([^>]*)>\s*;[^,]*?rel="?next"?')


class Ledger(Protocol):
    """What is remembered between requests: answers with their ETags, and how far the host's limits are used."""

    def recall(self, key: str) -> tuple[str, bytes, str] | None:
        """Answer ``(etag, content, link header)`` of an earlier answer."""

    def keep(self, key: str, etag: str, content: bytes, link: str) -> None:
        """Remember an answer."""

    def limited(self, limit: Limit) -> None:
        """Note what the host said about its limits."""

    def blocked_until(self, resource: str) -> float | None:
        """Answer until when the host wants to be left alone."""


class Forgetful:
    """A ledger that remembers nothing."""

    def recall(self, key: str) -> tuple[str, bytes, str] | None:  # noqa: ARG002 - see Ledger
        """Know nothing."""
        return None

    def keep(self, key: str, etag: str, content: bytes, link: str) -> None:
        """Forget it."""

    def limited(self, limit: Limit) -> None:
        """Forget it."""

    def blocked_until(self, resource: str) -> float | None:  # noqa: ARG002 - see Ledger
        """Know nothing."""
        return None


class HostClient(HostCalls):
    """One host. Not to be shared between threads; ``close`` it, or use it in a ``with`` block.

    ``patience`` is how many seconds a call may wait when the host asks for fewer requests; longer waits
    raise ``rate-limited`` with ``retry_after``.
    """

    def __init__(self, access: Access, ledger: Ledger | None = None, *, patience: float = 0.0) -> None:
        self.access = access
        self.product = product(access.product)
        self.ledger: Ledger = ledger or Forgetful()
        self.patience = patience
        self.base = access.url.rstrip("/")
        self.api = (access.api_url or self.default_api()).rstrip("/")
        self.session = Session(allow=access.allow, timeout=access.timeout, max_bytes=access.max_bytes)
        self.pause: Callable[[float], None] = time.sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.session.close()

    # --- What products say of themselves ----------------------------------------------

    def default_api(self) -> str:
        """Answer where the interface for programs lives."""
        return self.base

    def credentials(self, path: str) -> dict[str, str]:  # noqa: ARG002 - apps sign in for each owner
        """Answer the headers that sign a request in."""
        return {"Authorization": f"Bearer {self.access.token}"} if self.access.token else {}

    def complaint(self, body: Any) -> str:
        """Answer the sentence in an error's body."""
        if isinstance(body, dict):
            found = body.get("message") or body.get("error_description") or body.get("error") or ""
            return found if isinstance(found, str) else orjson.dumps(found).decode()
        return ""

    # --- Requests ------------------------------------------------------------------------

    def get(self, path: str, /, **params: Any) -> Any:
        """Answer the JSON at a path; unchanged answers come from the ledger."""
        return self.json(self.request("GET", path, params=params))

    def send(self, method: str, path: str, body: Any = None, /, **params: Any) -> Any:
        """Send a change and answer the JSON that came back, or nothing."""
        reply = self.request(method, path, params=params, body=body)
        return self.json(reply) if reply.content.strip() else None

    def maybe(self, path: str, /, **params: Any) -> Any:
        """Answer the JSON at a path, or nothing where there is nothing."""
        try:
            return self.get(path, **params)
        except HostError as error:
            if error.code == "not-found":
                return None
            raise

    def linked_pages(self, path: str, /, **params: Any) -> Iterator[Any]:
        """Follow the ``Link`` headers of a list and answer its pages."""
        url, asked = path, {key: value for key, value in params.items() if value is not None}
        while url:
            reply = self.request("GET", url, params=asked)
            yield self.json(reply)
            found = _LINK.search(reply.headers.get("link", ""))
            url, asked = (urljoin(reply.url, found[1]) if found else ""), {}

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request, wait and try again where that helps, and raise :class:`HostError` otherwise."""
        url = self.address(path)
        sent = {"Accept": "application/json", "User-Agent": "callboard", **(headers or {})}
        if body is not None:
            content = orjson.dumps(body)
            sent["Content-Type"] = "application/json"
        asked = {key: _plain(value) for key, value in (params or {}).items() if value is not None}
        key, kept = "", None
        if method == "GET":
            key = hashlib.sha256(orjson.dumps([url, sorted(asked.items()), sent["Accept"]])).hexdigest()
            kept = self.ledger.recall(key)
            if kept:
                sent["If-None-Match"] = kept[0]
        for attempt in range(1, TRIES + 1):
            self._wait_for_limits()
            problem: HostError
            try:
                reply = self.session.send(
                    method,
                    url,
                    params=asked or None,
                    headers=sent,
                    private=self.credentials(urlsplit(url).path),
                    content=content,
                )
            except OutboundError as error:
                problem = self._not_sent(error)
            else:
                self._note_limits(reply)
                if reply.status == 304 and kept:
                    return Reply(200, _with_link(reply, kept[2]), kept[1], reply.url)
                if 200 <= reply.status < 300:
                    etag = reply.headers.get("etag", "")
                    if key and etag and len(reply.content) <= KEPT_BYTES:
                        self.ledger.keep(key, etag, reply.content, reply.headers.get("link", ""))
                    return reply
                problem = self._problem(reply, method, url)
            wait = problem.retry_after if problem.retry_after is not None else 0.3 * 4 ** (attempt - 1)
            # A write that may have arrived is not sent twice, unless the host said that it refused it.
            again = problem.transient and (method == "GET" or problem.code == "rate-limited")
            patience = self.patience if problem.code == "rate-limited" else 5.0
            if not again or attempt == TRIES or wait > patience:
                raise problem
            self.pause(wait)
        raise AssertionError  # pragma: no cover - the loop returns or raises

    def address(self, path: str) -> str:
        """Answer the whole address of a path; whole addresses have to be of this host."""
        if not path.startswith(("http://", "https://")):
            return self.api + path
        there, here = urlsplit(path), urlsplit(self.api)
        if (there.scheme, there.netloc) != (here.scheme, here.netloc):
            raise HostError(
                "refused", f"{self.access.host} sent the portal on to {there.netloc}, which it does not ask"
            )
        return path

    def json(self, reply: Reply) -> Any:
        """Read an answer as JSON."""
        try:
            return reply.json()
        except ValueError:
            raise HostError(
                "unreadable",
                f"{self._place(reply.url)} answered with something that is no JSON",
                f"Is {self.api} the address of the API of {self.product.title}? A sign-in page or a proxy may "
                "stand in between.",
                status=reply.status,
            ) from None

    def _place(self, url: str) -> str:
        parts = urlsplit(url)
        return f"{parts.netloc}{parts.path}"

    def _wait_for_limits(self) -> None:
        until = self.ledger.blocked_until("core")
        left = (until or 0.0) - time.time()
        if left <= 0:
            return
        if left > self.patience:
            raise HostError(
                "rate-limited",
                f"{self.access.host} asked to be left alone until {_clock(until)}",
                "It goes on by itself then; credentials of their own have a limit of their own.",
                transient=True,
                retry_after=left,
            )
        self.pause(left)

    def _note_limits(self, reply: Reply) -> None:
        headers = reply.headers
        remaining = headers.get("x-ratelimit-remaining") or headers.get("ratelimit-remaining")
        total = headers.get("x-ratelimit-limit") or headers.get("ratelimit-limit")
        reset = headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset")
        blocked = retry_after(reply) if _limits(reply) else None
        if remaining is None and blocked is None:
            return
        self.ledger.limited(
            Limit(
                "core",
                _number(total),
                _number(remaining),
                float(reset) if reset and reset.isdigit() and len(reset) < 12 else None,
                None if blocked is None else time.time() + blocked,
            )
        )

    def _not_sent(self, error: OutboundError) -> HostError:
        if error.code == "refused":
            return HostError(
                "refused",
                error.message,
                "If the host belongs to your company, say so in its connection: “It is on a private network”.",
            )
        if error.code == "too-large":
            return HostError("too-large", error.message, "Narrow down what is asked for.")
        remedy = {
            "unknown-host": "Check the spelling of the address, and the name servers of this machine.",
            "unreachable": "Check that the host is up, its certificate valid, and no firewall in between.",
        }.get(error.code, "It is tried again later; check the host if this goes on.")
        return HostError("unavailable", error.message, remedy, transient=error.transient)

    def _problem(self, reply: Reply, method: str, url: str) -> HostError:
        status, place = reply.status, self._place(url)
        try:
            said = self.complaint(reply.json())
        except ValueError:
            said = ""
        said = f": {said[:500]}" if said else ""
        if _limits(reply):
            return HostError(
                "rate-limited",
                f"{self.access.host} asks for fewer requests (HTTP {status}){said}",
                "It is tried again when the host allows; credentials of their own have a limit of their own.",
                status=status,
                transient=True,
                retry_after=retry_after(reply),
            )
        code: HostErrorCode
        if status == 401:
            code, remedy = "unauthorized", self._renew()
        elif status == 403:
            code = "forbidden"
            remedy = f"The credentials of {self.access.name} do not have the right to this. {self.product.token_help}"
        elif status in (404, 410):
            code = "not-found"
            remedy = "Check the name; hosts also answer like this when the credentials may not see it."
        elif status in (409, 412):
            code, remedy = "conflict", "Something of that name is there, or changed meanwhile; look at the host."
        elif status in (400, 405, 413, 415, 422):
            code, remedy = "invalid", "Correct what was asked for; the host says what it does not like."
        elif status >= 500 or status in (408, 425):
            return HostError(
                "unavailable",
                f"{place} answered with HTTP {status}{said}",
                "It is tried again later; check the host if this goes on.",
                status=status,
                transient=True,
                retry_after=retry_after(reply),
            )
        else:
            code, remedy = "unreadable", f"Is {self.api} the address of the API of {self.product.title}?"
        verb = "refused" if method != "GET" else "answered"
        return HostError(code, f"{place} {verb} with HTTP {status}{said}", remedy, status=status)

    def _renew(self) -> str:
        if not (self.access.token or self.access.app_key):
            return f"Give the connection {self.access.name} credentials. {self.product.token_help}"
        return (
            f"The credentials of the connection {self.access.name} are wrong or have run out; enter new ones. "
            f"{self.product.token_help}"
        )


def basic(username: str, password: str) -> str:
    """Answer the value of a basic ``Authorization`` header."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def retry_after(reply: Reply) -> float | None:
    """Read how many seconds the host wants to be left alone."""
    text = reply.headers.get("retry-after", "").strip()
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
    if seconds is None:
        reset = reply.headers.get("x-ratelimit-reset", reply.headers.get("ratelimit-reset", "")).strip()
        if reset.isdigit() and len(reset) < 12:
            seconds = float(reset) - time.time()
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT)


def _limits(reply: Reply) -> bool:
    """Whether an answer is a refusal because of too many requests."""
    if reply.status == 429:
        return True
    if reply.status not in (403, 503):
        return False
    return "retry-after" in reply.headers or (reply.status == 403 and reply.headers.get("x-ratelimit-remaining") == "0")


def _with_link(reply: Reply, link: str) -> Any:
    headers = reply.headers.copy()
    if link:
        headers["link"] = link
    return headers


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() and len(text) < 12 else None


def _plain(value: Any) -> Any:
    return ("true" if value else "false") if isinstance(value, bool) else value


def _clock(moment: float | None) -> str:
    return datetime.fromtimestamp(moment or 0, tz=UTC).strftime("%H:%M:%S UTC")
