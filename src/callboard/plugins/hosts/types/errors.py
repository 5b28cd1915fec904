"""What may go wrong between the portal and a source host."""

from __future__ import annotations

from typing import Literal

HostErrorCode = Literal[
    "unauthorized",
    "forbidden",
    "not-found",
    "conflict",
    "invalid",
    "rate-limited",
    "unavailable",
    "refused",
    "too-large",
    "unreadable",
    "unsupported",
    "not-connected",
]


class HostError(Exception):
    """Something a host did not do: what, why, and the remedy. Credentials never appear in the texts.

    ``transient`` says that later may be better, ``retry_after`` in how many seconds.
    """

    def __init__(
        self,
        code: HostErrorCode,
        message: str,
        remedy: str = "",
        *,
        status: int = 0,
        transient: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.code: HostErrorCode = code
        self.message = message.rstrip(".") + "."
        self.remedy = remedy
        self.status = status
        self.transient = transient
        self.retry_after = retry_after
        super().__init__(f"{self.message} {remedy}".strip())
