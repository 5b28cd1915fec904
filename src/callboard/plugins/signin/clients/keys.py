"""Keys by which identity providers and proxies sign, kept for a while, and tokens checked with them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import jwt

from callboard.plugins.signin.clients.web import fetch_json, fetch_text
from callboard.plugins.signin.types import ProviderFailedError

KEEP_SECONDS = 3600.0
RETRY_SECONDS = 30.0
LEEWAY = 30
ASYMMETRIC = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")

_kept: dict[str, tuple[float, dict[str, Any]]] = {}
_lock = threading.Lock()


def verified_claims(
    token: str,
    keys_url: str,
    allow: Iterable[str],
    *,
    issuer: str | None,
    audience: str | None,
    algorithms: Iterable[str] = ASYMMETRIC,
    what: str = "token",
) -> dict[str, Any]:
    """Answer the claims of a token that is signed and current; raises :class:`ProviderFailedError`.

    ``algorithms`` are asymmetric ones alone, so neither `none` nor a public key taken for a shared secret passes.
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise ProviderFailedError(f"the {what} is malformed: {error}") from error
    if header.get("alg") not in set(algorithms):
        raise ProviderFailedError(f"the {what} is signed with {header.get('alg')!r}, which is not accepted")
    key = signing_key_for(keys_url, str(header.get("kid", "")), allow)
    if key is None:
        raise ProviderFailedError(f"the {what} is signed with a key that {keys_url} does not list")
    options: Any = {"require": ["exp", "iat"], "verify_aud": audience is not None}
    try:
        return dict(
            jwt.decode(
                token, key, algorithms=list(algorithms), issuer=issuer, audience=audience, leeway=LEEWAY,
                options=options,
            )
        )  # fmt: skip
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise ProviderFailedError(f"the {what} is not valid: {error}") from error


def forget_keys() -> None:
    """Fetch keys again at the next use."""
    with _lock:
        _kept.clear()


def signing_key_for(url: str, kid: str, allow: Iterable[str]) -> Any:
    """Answer the key called ``kid`` that is published at ``url``, or nothing; ``{kid}`` in it asks for each alone."""
    per_key = url.endswith("{kid}")
    if per_key and not kid.replace("-", "").isalnum():
        return None
    address = url.replace("{kid}", kid) if per_key else url
    keys = _keys(address, allow, _pem if per_key else _jwks, missing=lambda known: not per_key and kid not in known)
    return keys.get("" if per_key else kid)


def _keys(
    url: str,
    allow: Iterable[str],
    load: Callable[[str, Iterable[str]], dict[str, Any]],
    missing: Callable[[dict[str, Any]], bool],
) -> dict[str, Any]:
    now = time.monotonic()
    kept = _kept.get(url)
    if kept is not None and kept[0] > now:
        young = kept[0] > now + KEEP_SECONDS - RETRY_SECONDS
        if young or not missing(kept[1]):
            return kept[1]
    try:
        keys = load(url, allow)
    except (ProviderFailedError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        if kept is not None:
            return kept[1]  # a provider that is down does not stop what was known of it
        raise ProviderFailedError(f"its keys cannot be fetched: {error}") from error
    with _lock:
        if len(_kept) > 500:
            _kept.clear()
        _kept[url] = (now + KEEP_SECONDS, keys)
    return keys


def _jwks(url: str, allow: Iterable[str]) -> dict[str, Any]:
    found = {}
    for entry in fetch_json(url, allow)["keys"]:
        if entry.get("use", "sig") != "sig":
            continue
        try:
            found[str(entry.get("kid", ""))] = jwt.PyJWK(entry, entry.get("alg")).key
        except jwt.PyJWTError:
            continue  # a kind of key that nothing here is signed with
    return found


def _pem(url: str, allow: Iterable[str]) -> dict[str, Any]:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415 - of one type alone

    return {"": load_pem_public_key(fetch_text(url, allow).encode())}
