"""Tokens that others issue, as `auth.external_access` allows: fixed texts, shared secrets, JWTs of known issuers."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from typing import Any

from callboard.core.auth.principal import AccessRestriction, Principal
from callboard.core.config.current import portal_config
from callboard.core.config.schema import ExternalAccess

KEYS_SECONDS = 600.0
RETRY_SECONDS = 30.0
LEEWAY = 10
MAX_KEYS_BYTES = 1_000_000

_keys: dict[str, tuple[float, dict[str, Any]]] = {}
_lock = threading.Lock()


class ExternalTokenError(ValueError):
    """A token of an issuer that is known, and yet it is not valid; the message says why."""


def caller_by_external_token(secret: str) -> Principal | None:
    """Answer the caller of a token somebody else issued; nothing where no entry of the configuration fits.

    Raises :class:`ExternalTokenError` for a JWT of a known issuer that is not valid.
    """
    entries = portal_config().auth.external_access
    found: Principal | None = None
    for entry in entries:
        # Every fixed text is compared, so that the time taken says nothing about which is nearly right.
        if entry.type == "static" and hmac.compare_digest(entry.options.token.encode(), secret.encode()):
            found = found or _caller(entry, entry.options.subject)
    if found is not None or secret.count(".") != 2:
        return found
    problem: ExternalTokenError | None = None
    for entry in entries:
        if entry.type == "static":
            continue
        try:
            subject = _by_shared_secret(entry, secret) if entry.type == "legacy" else _by_keys(entry, secret)
        except ExternalTokenError as error:
            problem = error
            continue
        if subject is not None:
            return _caller(entry, subject)
    if problem is not None:
        raise problem
    return None


def forget_external_keys() -> None:
    """Fetch the keys of issuers again at the next use."""
    with _lock:
        _keys.clear()


def _caller(entry: ExternalAccess, subject: str) -> Principal:
    ref = subject if ":" in subject else f"external:{subject}"
    limits = tuple(
        AccessRestriction(r.plugin, tuple(r.permission), tuple(r.permission_attribute.action))
        for r in entry.access_restrictions
    )
    # What it may do is said by the restrictions; "write" lets it do what services do, and never administer.
    scopes = frozenset({"read", "write"})
    return Principal("service", ref, subject, (ref,), scopes=scopes, restrictions=limits or None)


def _by_shared_secret(entry: ExternalAccess, token: str) -> str | None:
    """Answer the subject of a token signed with a shared secret (HS256, ``sub: backstage-server``)."""
    import jwt  # noqa: PLC0415 - not at start-up

    try:
        if jwt.get_unverified_header(token).get("alg") != "HS256":
            return None
        key = base64.b64decode(entry.options.secret)
        claims = jwt.decode(token, key, algorithms=["HS256"], leeway=LEEWAY, options={"require": ["sub", "exp"]})
    except (jwt.InvalidSignatureError, ValueError):
        return None  # signed with another entry's secret, perhaps
    except jwt.PyJWTError as error:
        raise ExternalTokenError(f"the token is not valid: {error}") from error
    return entry.options.subject if claims["sub"] == "backstage-server" else None


def _by_keys(entry: ExternalAccess, token: str) -> str | None:
    import jwt  # noqa: PLC0415 - not at start-up

    options = entry.options
    try:
        header = jwt.get_unverified_header(token)
        algorithms = options.algorithm or ["RS256", "ES256"]
        if header.get("alg") not in algorithms:
            return None
        issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        if options.issuer and issuer not in options.issuer:
            return None
        key = _key(options.url, str(header.get("kid", "")))
        if key is None:
            return None
        claims = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            issuer=options.issuer or None,
            audience=options.audience or None,
            leeway=LEEWAY,
            options={"require": ["sub", "exp"], "verify_aud": bool(options.audience)},
        )
    except jwt.PyJWTError as error:
        raise ExternalTokenError(f"the token is not valid: {error}") from error
    subject = str(claims["sub"])
    prefix = options.subject_prefix
    return f"external:{prefix}:{subject}" if prefix else f"external:{subject}"


def _key(url: str, kid: str) -> Any:
    now = time.monotonic()
    kept = _keys.get(url)
    fresh = kept is not None and kept[0] > now
    if kept is not None and fresh and (kid in kept[1] or kept[0] > now + KEYS_SECONDS - RETRY_SECONDS):
        return kept[1].get(kid)
    try:
        keys = _fetch(url)
    except (OSError, ValueError) as error:
        if kept is not None:
            return kept[1].get(kid)
        raise ExternalTokenError(f"the keys of the issuer cannot be fetched: {error}") from error
    with _lock:
        _keys[url] = (now + KEYS_SECONDS, keys)
    return keys.get(kid)


def _fetch(url: str) -> dict[str, Any]:
    import httpx  # noqa: PLC0415 - not at start-up
    from jwt import PyJWK  # noqa: PLC0415 - not at start-up
    from jwt.exceptions import PyJWTError  # noqa: PLC0415 - not at start-up

    try:
        # The operator wrote this address into the configuration file, so it may be a private one.
        answer = httpx.get(url, timeout=5, follow_redirects=False, trust_env=False)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise OSError(str(error) or type(error).__name__) from error
    if len(answer.content) > MAX_KEYS_BYTES:
        raise ValueError("the answer is too big")
    keys: dict[str, Any] = {}
    for entry in json.loads(answer.content).get("keys", []):
        try:
            keys[str(entry.get("kid", ""))] = PyJWK(entry).key
        except PyJWTError:
            continue  # a kind of key that nothing here is signed with
    return keys
