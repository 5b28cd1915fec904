"""Ask web addresses for sources: within the guard, with errors as sources have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from callboard.lib.netguard import PRIVATE_NETWORKS
from callboard.lib.outbound import OutboundError, Reply, Session
from callboard.plugins.sources.types.found import SourceError

LEAVE = "If the host belongs to your company, tick “It is on a private network”."


@contextmanager
def session(*, private: bool, **options: Any) -> Iterator[Session]:
    """Lend connections that reach private networks only where that is allowed."""
    with Session(allow=PRIVATE_NETWORKS if private else (), **options) as opened:
        yield opened


def ask(opened: Session, url: str, headers: Mapping[str, str], params: Mapping[str, Any] | None = None) -> Reply:
    """Fetch an address; raises :class:`SourceError` for everything but success."""
    try:
        reply = opened.send("GET", url, params=params, headers={"User-Agent": "callboard"}, private=headers)
    except OutboundError as error:
        remedy = LEAVE if error.code == "refused" else "Check the address, and whether the host is up."
        raise SourceError(f"{error.message}.", remedy, code=error.code) from None
    place, status = url.partition("?")[0], reply.status
    if 200 <= status < 300:
        return reply
    wait = reply.headers.get("retry-after", "")
    again = float(wait) if wait.isdigit() and len(wait) < 6 else None
    if status in (401, 403):
        raise SourceError(f"{place} refuses the sign-in (HTTP {status}).", "Check the token.", code="unauthorized")
    if status == 404:
        raise SourceError(f"{place} is not there (HTTP 404).", "Check the address.", code="not-found")
    if status == 429:
        raise SourceError(
            f"{place} asks for fewer requests.", "It is tried again later.", code="rate-limited", retry_after=again
        )
    raise SourceError(
        f"{place} answered with HTTP {status}.", "It is tried again later.", code="unavailable", retry_after=again
    )


def json_of(reply: Reply) -> Any:
    """Read an answer as JSON; raises :class:`SourceError`."""
    try:
        return reply.json()
    except ValueError:
        raise SourceError(
            f"{reply.url.partition('?')[0]} answered with something that is no JSON.",
            "A sign-in page answers like this when the token is missing.",
            code="unreadable",
        ) from None
