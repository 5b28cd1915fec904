"""Sign in to GitHub as an app: a short-lived token for each organisation that installed it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from callboard.plugins.hosts.types.access import Access
from callboard.plugins.hosts.types.errors import HostError

_SPARE = 300.0
"""Seconds before its end at which a token is no longer used."""

_tokens: dict[tuple[str, str, str], tuple[str, float]] = {}
"""Tokens of this process by address, app and owner; they live for an hour."""


class App:
    """One GitHub App of one connection; ``ask(method, path, body)`` sends a request signed by the app itself."""

    def __init__(self, access: Access, ask: Callable[[str, str, Any], Any]) -> None:
        self._access = access
        self._ask = ask

    def token(self, owner: str) -> str:
        """Answer a token for an organisation or a person; raises :class:`HostError`."""
        key = (self._access.url, self._access.app_id, owner.lower())
        known = _tokens.get(key)
        if known and known[1] - _SPARE > time.time():
            return known[0]
        found = next((one for one in self.installations() if one["account"]["login"].lower() == owner.lower()), None)
        if found is None:
            raise HostError(
                "forbidden",
                f"The GitHub App of the connection {self._access.name} is not installed in {owner}",
                "Install it there: in GitHub, open the app's page and choose Install.",
            )
        answer = self._ask("POST", f"/app/installations/{found['id']}/access_tokens", {})
        expires = datetime.fromisoformat(str(answer["expires_at"])).timestamp()
        _tokens[key] = (str(answer["token"]), expires)
        return str(answer["token"])

    def installations(self) -> list[dict[str, Any]]:
        """Answer where the app is installed."""
        found: list[dict[str, Any]] = []
        page = 1
        while True:
            part = self._ask("GET", f"/app/installations?per_page=100&page={page}", None)
            found.extend(part)
            if len(part) < 100:
                return found
            page += 1


def app_assertion(access: Access) -> str:
    """Answer the signed statement by which an app says who it is, good for some minutes."""
    import jwt  # noqa: PLC0415 - few portals use an app

    now = int(time.time())
    try:
        # A minute back, because clocks differ.
        return jwt.encode({"iat": now - 60, "exp": now + 540, "iss": access.app_id}, access.app_key, algorithm="RS256")
    except (ValueError, TypeError, jwt.InvalidKeyError):
        raise HostError(
            "unauthorized",
            f"The private key of the connection {access.name} cannot be used",
            "Paste the whole .pem file that GitHub gave you, from BEGIN to END.",
        ) from None
