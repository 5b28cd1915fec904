"""Send single requests to allowed hosts, over connections to addresses that were judged."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from callboard.lib.netguard import RefusedError, UnknownHostError, check_address

MAX_ANSWER = 2_000_000


class RefusedRequestError(Exception):
    """A request that is not sent, or one that got no answer; the message says why."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


def send(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    params: Mapping[str, str],
    body: Any,
    seconds: float,
    allowed: list[str],
    private: list[str],
) -> tuple[int, dict[str, str], Any]:
    """Send a request; answer status, headers and body. Redirects are answered, never followed."""
    import httpx  # noqa: PLC0415 - slow to import, and few templates send requests

    host, port, plain = _judged(url, allowed, private)
    try:
        addresses = check_address(host, port, private)
    except (RefusedError, UnknownHostError) as error:
        raise RefusedRequestError(
            f"{url} cannot be reached: {error}", "Check the host, or scaffolder.http_private."
        ) from error
    # Connecting to the judged address keeps a second look-up from leading elsewhere.
    target = httpx.URL(url).copy_with(host=addresses[0])
    sent = {**headers, "Host": plain}
    content = {"json": body} if isinstance(body, (dict, list)) else {"content": str(body)} if body is not None else {}
    try:
        with (
            httpx.Client(timeout=seconds, follow_redirects=False, trust_env=False) as client,
            client.stream(
                method, target, headers=sent, params=dict(params) or None, extensions={"sni_hostname": host}, **content
            ) as answer,
        ):
            raw = bytearray()
            for chunk in answer.iter_bytes():
                raw += chunk
                if len(raw) > MAX_ANSWER:
                    raise RefusedRequestError(f"{url} answered more than {MAX_ANSWER:,} bytes.", "Ask for less.")
            kind = answer.headers.get("content-type", "")
            return answer.status_code, dict(answer.headers), _content(bytes(raw), kind)
    except httpx.HTTPError as error:
        raise RefusedRequestError(f"{url} did not answer: {error}", "Is the host up?") from error


def _judged(url: str, allowed: list[str], private: list[str]) -> tuple[str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedRequestError(f"{url} is no address: {error}", "Correct it.") from error
    host = (parts.hostname or "").lower()
    if parts.scheme not in {"http", "https"} or not host or "@" in parts.netloc:
        raise RefusedRequestError(f"{url} is no http address.", "Begin it with https://, without a user name.")
    names = {host, f"{host}:{port}"}
    if not any(fnmatch.fnmatchcase(name, rule.lower()) for rule in allowed for name in names):
        raise RefusedRequestError(
            f"Templates may not send requests to {host}.", "An operator can allow the host under scaffolder.http_allow."
        )
    if parts.scheme == "http" and not any(
        fnmatch.fnmatchcase(name, rule.lower()) for rule in private for name in names
    ):
        raise RefusedRequestError(f"{url} is not encrypted.", "Use https.")
    return host, port or (443 if parts.scheme == "https" else 80), parts.netloc


def _content(raw: bytes, kind: str) -> Any:
    import orjson  # noqa: PLC0415 - beside httpx

    if "json" in kind:
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            pass
    return {"message": raw.decode("utf-8", "replace")}
