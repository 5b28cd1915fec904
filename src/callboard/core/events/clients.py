"""Send a webhook over HTTP: to judged addresses alone, within a time limit, reading little of the answer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpx

from callboard.lib.netguard import RefusedError, UnknownHostError, check_address

EXCERPT_BYTES = 4_000


@dataclass(frozen=True)
class Answer:
    """What came of a try: a status, or an error that says why there is none."""

    status: int | None = None
    latency_ms: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    excerpt: str = ""
    error: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300


def post(url: str, headers: Mapping[str, str], body: bytes, *, allow: Iterable[str], timeout: float) -> Answer:
    """Send ``body`` and answer what came of it; never raises for what the outside world does."""
    began = time.monotonic()
    try:
        target = httpx.URL(url)
        port = target.port or (443 if target.scheme == "https" else 80)
        addresses = check_address(target.host, port, allow)
    except (httpx.InvalidURL, RefusedError, UnknownHostError) as error:
        return Answer(error=str(error), latency_ms=_since(began))
    problem = ""
    for address in addresses:
        try:
            return _post_to(address, target, headers, body, timeout, began)
        except httpx.ConnectError as error:
            problem = f"{target.host} ({address}) could not be reached: {error}"
        except httpx.TimeoutException:
            problem = f"{target.host} did not answer within {timeout:g} seconds"
            break
        except httpx.HTTPError as error:
            problem = f"{target.host} did not answer properly: {error or type(error).__name__}"
            break
    return Answer(error=problem, latency_ms=_since(began))


def _post_to(
    address: str, target: httpx.URL, headers: Mapping[str, str], body: bytes, timeout: float, began: float
) -> Answer:
    # The connection goes to the judged address; `Host` and TLS still carry the name.
    host = target.netloc.decode("ascii").rpartition("@")[2]
    with (
        httpx.Client(trust_env=False, timeout=timeout, follow_redirects=False) as client,
        client.stream(
            "POST",
            target.copy_with(host=address),
            headers={**headers, "Host": host},
            content=body,
            extensions={"sni_hostname": target.host},
        ) as response,
    ):
        excerpt = b""
        for chunk in response.iter_raw(1024):
            excerpt += chunk
            if len(excerpt) >= EXCERPT_BYTES:
                break
            if time.monotonic() - began > timeout:
                raise httpx.ReadTimeout("the answer went on for too long")
        return Answer(
            status=response.status_code,
            latency_ms=_since(began),
            headers=dict(list(response.headers.items())[:40]),
            excerpt=excerpt[:EXCERPT_BYTES].decode("utf-8", "replace").replace("\x00", "�"),
            error=_redirected(response),
        )


def _redirected(response: httpx.Response) -> str:
    if not 300 <= response.status_code < 400:
        return ""
    return f"it was redirected to {response.headers.get('location', '?')[:500]}; enter that address instead"


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
