"""Identity tokens: short-lived signed statements of who somebody is, in the shape that Backstage's clients know.

A token is a JWT (ES256, ``typ: vnd.backstage.user``) with ``iss``, ``sub`` (the user's entity ref), ``aud:
backstage``, ``iat`` and ``exp``. The ownership refs (``ent``) are left out, as they make tokens too big; userinfo
tells them. Two claims of our own tie a token to its account: ``cb_uid`` and ``cb_epoch``, so that switching the
account off, or ending its sessions, ends its tokens.
"""

from __future__ import annotations

import time
from typing import Any

from callboard.core.auth.models import User
from callboard.core.auth.people import principal_of
from callboard.core.auth.principal import Principal
from callboard.core.auth.signing import signing_key, verifying_key
from callboard.core.config.current import portal_config

AUDIENCE = "backstage"
TYPE = "vnd.backstage.user"
SHORTEST, LONGEST = 600, 86_400
LEEWAY = 10


class IdentityTokenError(ValueError):
    """A token that proves nothing; the message says why."""


def issuer() -> str:
    """Answer who vouches for identity tokens: the portal's address with the path of its auth API."""
    server = portal_config().server
    base = server.base_url.rstrip("/") or f"http://{_host(server.host)}:{server.port}"
    return f"{base}/api/auth"


def issue_identity_token(
    user: User, *, scopes: frozenset[str] | None = None, seconds: int | None = None, client_id: str = ""
) -> tuple[str, int]:
    """Answer a token for an account, and how many seconds it is valid.

    ``scopes`` limits what it may do, as those of an API token do; ``client_id`` names the program it is for.
    """
    import jwt  # noqa: PLC0415 - not at start-up

    lifetime = min(max(seconds or portal_config().auth.identity_token_seconds, SHORTEST), LONGEST)
    kid, key = signing_key()
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": issuer(),
        "sub": principal_of(user).ref,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + lifetime,
        "cb_uid": user.pk,
        "cb_epoch": user.session_epoch,
    }
    if scopes is not None:
        claims["scope"] = " ".join(sorted(scopes))
    if client_id:
        claims["azp"] = client_id
    return jwt.encode(claims, key, "ES256", {"kid": kid, "typ": TYPE}), lifetime


def looks_like_jwt(secret: str) -> bool:
    """Whether this may be a JWT, and not a token of the portal's own kind."""
    return secret.startswith("ey") and secret.count(".") == 2


def read_identity_token(secret: str) -> dict[str, Any]:
    """Answer the claims of a token that this portal signed and that is still valid."""
    import jwt  # noqa: PLC0415 - not at start-up

    try:
        header = jwt.get_unverified_header(secret)
        # The header chooses among known keys and nothing else; the algorithm is ours, whatever it says.
        key = verifying_key(str(header.get("kid", "")))
        if key is None:
            raise IdentityTokenError("the token was signed with a key that this portal does not know")
        if header.get("typ") != TYPE:
            raise IdentityTokenError("the token is no identity token of a user")
        claims: dict[str, Any] = jwt.decode(
            secret,
            key,
            algorithms=["ES256"],
            audience=AUDIENCE,
            issuer=issuer(),
            leeway=LEEWAY,
            options={"require": ["iss", "sub", "aud", "iat", "exp"]},
        )
    except jwt.PyJWTError as error:
        raise IdentityTokenError(f"the identity token is not valid: {error}") from error
    return claims


def caller_by_identity_token(secret: str) -> Principal:
    """Answer the caller an identity token stands for; raises :class:`IdentityTokenError` with the reason."""
    claims = read_identity_token(secret)
    user = User.objects.filter(pk=claims.get("cb_uid"), is_active=True).first()
    if user is None:
        raise IdentityTokenError("the account of this token is switched off")
    if user.session_epoch != claims.get("cb_epoch"):
        raise IdentityTokenError("the sessions of this account were ended after the token was issued")
    who = principal_of(user, frozenset(claims["scope"].split()) if "scope" in claims else None)
    if who.ref != claims["sub"]:
        raise IdentityTokenError("the account of this token belongs to somebody else now")
    return who


def _host(host: str) -> str:
    return "127.0.0.1" if host in {"0.0.0.0", "::", ""} else host  # noqa: S104 - compared, not bound
