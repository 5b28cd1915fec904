"""Whom a proxy in front of the portal vouches for, by the headers it adds to every request."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from callboard.plugins.signin.types import Provider, ProviderFailedError, Vouched

_IAP_KEYS = "https://www.gstatic.com/iap/verify/public_key-jwk"
_IAP_ISSUER = "https://cloud.google.com/iap"


def is_trusted(address: str, trusted: list[str]) -> bool:
    """Whether a request comes from one of the proxies that are believed."""
    try:
        known = ipaddress.ip_address(address)
        return any(known in ipaddress.ip_network(network, strict=False) for network in trusted)
    except ValueError:
        return False


def has_header(provider: Provider, headers: Mapping[str, str]) -> bool:
    """Whether the proxy added anything; no guess at whether it is right."""
    return bool(headers.get(provider.type.header))


def vouched_by_proxy(provider: Provider, headers: Mapping[str, str], allow: list[str]) -> Vouched:
    """Answer whom the proxy vouches for; raises :class:`ProviderFailedError` where its word is not good."""
    if provider.settings.type == "oauth2-proxy":
        return _oauth2_proxy(provider, headers)
    token = headers.get(provider.type.header, "")
    if not token:
        raise ProviderFailedError(f"the header {provider.type.header} is missing")
    return _by_token(provider, token, allow)


def _oauth2_proxy(provider: Provider, headers: Mapping[str, str]) -> Vouched:
    uid = headers.get("X-Auth-Request-User", "")
    if not uid:
        raise ProviderFailedError("the header X-Auth-Request-User is missing")
    email = headers.get("X-Auth-Request-Email", "").lower()
    username = headers.get("X-Auth-Request-Preferred-Username", "") or uid
    groups = tuple(g.strip() for g in headers.get("X-Auth-Request-Groups", "").split(",") if g.strip())
    claims = {"sub": uid, "email": email, "username": username, provider.settings.groups_claim: list(groups)}
    # The proxy signs people in itself, and knows their address from where they did.
    return Vouched(uid, username, email, bool(email), "", groups, claims)


def _by_token(provider: Provider, token: str, allow: list[str]) -> Vouched:
    import jwt  # noqa: PLC0415 - only where a proxy signs

    from callboard.plugins.signin.clients.keys import verified_claims  # noqa: PLC0415 - only where a proxy signs

    given = provider.settings
    if given.type == "iap":
        claims = verified_claims(
            token, given.keys_url or _IAP_KEYS, allow, issuer=_IAP_ISSUER, audience=given.audience,
            algorithms=["ES256"],
        )  # fmt: skip
        username = str(claims.get("email", "")).partition("@")[0]
    elif given.type == "cloudflare":
        keys = given.keys_url or f"{given.issuer}/cdn-cgi/access/certs"
        claims = verified_claims(token, keys, allow, issuer=given.issuer, audience=given.audience, algorithms=["RS256"])
        username = str(claims.get("email", "")).partition("@")[0]
    else:
        try:
            signer = jwt.get_unverified_header(token).get("signer")
        except jwt.PyJWTError as error:
            raise ProviderFailedError(f"the token is malformed: {error}") from error
        if signer != given.signer:
            raise ProviderFailedError(f"the token was signed by {signer!r} and not by the load balancer set up here")
        keys = given.keys_url or f"https://public-keys.auth.elb.{given.region}.amazonaws.com/{{kid}}"
        claims = _alb_claims(token, keys, allow, given.issuer or None)
        username = str(claims.get("preferred_username") or claims.get("username") or claims.get("email", ""))
        username = username.partition("@")[0]
    uid = str(claims.get("sub") or "")
    if not uid:
        raise ProviderFailedError("the token does not say whom it is about")
    named = claims.get(given.groups_claim)
    groups = tuple(str(g) for g in named) if isinstance(named, list) else ()
    email = str(claims.get("email", "")).lower()
    # These proxies sign in against the organisation's own directory and vouch for the address as well.
    verified = bool(email) and claims.get("email_verified", True) in (True, "true")
    return Vouched(
        uid, username, email, verified, str(claims.get("name", "")), groups, {**claims, "username": username}
    )


def _alb_claims(token: str, keys: str, allow: list[str], issuer: str | None) -> dict[str, object]:
    """Answer the claims of a load balancer's token, which has its expiry in the header and no time of issue."""
    import time  # noqa: PLC0415 - of this type alone

    import jwt  # noqa: PLC0415 - only where a proxy signs

    from callboard.plugins.signin.clients.keys import LEEWAY, signing_key_for  # noqa: PLC0415 - as above

    header = jwt.get_unverified_header(token)
    if header.get("alg") != "ES256":
        raise ProviderFailedError(f"the token is signed with {header.get('alg')!r}, which is not accepted")
    key = signing_key_for(keys, str(header.get("kid", "")), allow)
    if key is None:
        raise ProviderFailedError("the token is signed with a key that is not known")
    try:
        claims = dict(jwt.decode(token, key, algorithms=["ES256"], leeway=LEEWAY, options={"verify_aud": False}))
        expires = int(claims.get("exp") or header.get("exp") or 0)
    except (jwt.PyJWTError, TypeError, ValueError) as error:
        raise ProviderFailedError(f"the token is not valid: {error}") from error
    if expires < time.time() - LEEWAY:
        raise ProviderFailedError("the token has expired")
    if issuer and (claims.get("iss") or header.get("iss")) != issuer:
        raise ProviderFailedError("the token is about a sign-in at another issuer")
    return claims
