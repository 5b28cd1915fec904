"""Programs that sign people in with the portal: OAuth 2.1 and OpenID Connect, with PKCE and rotating refresh tokens."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.db import transaction
from django.utils import timezone

from callboard.plugins.signin.models import Client, Grant
from callboard.plugins.signin.selectors import signin_settings
from callboard.plugins.signin.types import SCOPES, ProviderFailedError
from callboard.sdk import auth
from callboard.sdk.audit import record
from callboard.sdk.auth import User, issue_identity_token, issuer
from callboard.sdk.permissions import NotAllowedError, require

ASK_MINUTES, CODE_SECONDS, REFRESH_DAYS = 15, 60, 30
METADATA_HOURS = 1
API_SCOPES = frozenset({"read", "write", "admin"})
FORBIDDEN_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "ws", "wss", "ftp"})
_CHALLENGE = re.compile(r"^[A-Za-z0-9_-]{43}$")
_VERIFIER = re.compile(r"^[A-Za-z0-9._~-]{43,128}$")
_SCHEME = re.compile(r"^[a-z][a-z0-9+.-]{1,60}$")


class OAuthError(Exception):
    """An error of OAuth: its code, and a sentence for whoever writes the program."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


# --- Programs -----------------------------------------------------------------------


def register_program(metadata: dict[str, Any]) -> tuple[Client, str]:
    """Let a program register itself (RFC 7591); answer it with its secret, empty where it wants none."""
    if not signin_settings().dynamic_clients:
        raise OAuthError("access_denied", "programs cannot register themselves at this portal", 403)
    uris = metadata.get("redirect_uris")
    if not isinstance(uris, list) or not 1 <= len(uris) <= 20:
        raise OAuthError("invalid_redirect_uri", "redirect_uris: between 1 and 20 are needed")
    checked = [_redirect_uri(uri) for uri in uris]
    method = metadata.get("token_endpoint_auth_method", "client_secret_basic")
    if method not in {"none", "client_secret_basic", "client_secret_post"}:
        raise OAuthError("invalid_client_metadata", "token_endpoint_auth_method: none, client_secret_basic or _post")
    name = str(metadata.get("client_name") or urlsplit(checked[0]).hostname or "A program")
    secret = "" if method == "none" else secrets.token_urlsafe(32)
    client = Client.objects.create(
        id=secrets.token_urlsafe(24),
        name=_printable(name)[:200],
        redirect_uris=checked,
        secret_digest=_digest(secret) if secret else "",
        uri=_web_address(metadata.get("client_uri")),
    )
    record("signin.program.register", f"program:{client.pk}", {"name": client.name, "redirect_uris": checked})
    return client, secret


def program_of(client_id: str) -> Client | None:
    """Answer a program by its id; an https address is one whose description is fetched from there."""
    found = Client.objects.filter(pk=client_id[:500]).first()
    if not client_id.startswith("https://") or len(client_id) > 500:
        return found
    if found is not None and found.created_at > timezone.now() - timedelta(hours=METADATA_HOURS):
        return found
    if not signin_settings().dynamic_clients:
        return None
    return _described(client_id) or found


def remove_program(client_id: str) -> None:
    """Remove a program; whatever people allowed it ends."""
    require("admin.signin.manage")
    with transaction.atomic():
        client = Client.objects.filter(pk=client_id).first()
        if client is not None:
            client.delete()
            record("signin.program.remove", f"program:{client_id}", {"name": client.name})


def _described(client_id: str) -> Client | None:
    from callboard.plugins.signin.clients.web import fetch_json  # noqa: PLC0415 - loads requests

    target = urlsplit(client_id)
    if not target.hostname or target.path in {"", "/"} or target.fragment or "@" in target.netloc:
        return None
    try:
        # The address comes from anybody, so private ones are refused whatever providers may use.
        described = fetch_json(client_id, ())
        if described.get("client_id") != client_id:
            raise OAuthError("invalid_client", "the description at client_id is of another program")
        uris = [_redirect_uri(uri) for uri in described["redirect_uris"]]
    except (ProviderFailedError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise OAuthError("invalid_client", f"the description at client_id cannot be used: {error}"[:300]) from error
    if not 1 <= len(uris) <= 20 or described.get("token_endpoint_auth_method", "none") != "none":
        raise OAuthError("invalid_client", "the description at client_id must be of a program without a secret")
    client, _new = Client.objects.update_or_create(
        pk=client_id,
        defaults={
            "name": _printable(str(described.get("client_name") or target.hostname))[:200],
            "redirect_uris": uris,
            "secret_digest": "",
            "source": "metadata",
            "uri": _web_address(described.get("client_uri")),
            "created_at": timezone.now(),
        },
    )
    return client


def _redirect_uri(text: Any) -> str:
    if not isinstance(text, str) or len(text) > 1000 or not text.isprintable() or "*" in text:
        raise OAuthError("invalid_redirect_uri", "redirect_uris: an address is malformed")
    target = urlsplit(text)
    scheme = target.scheme.lower()
    loopback = scheme == "http" and target.hostname in {"127.0.0.1", "::1", "localhost"}
    private = scheme not in {"http", "https"} and _SCHEME.match(scheme) and scheme not in FORBIDDEN_SCHEMES
    if target.fragment or not (scheme == "https" or loopback or private):
        raise OAuthError(
            "invalid_redirect_uri",
            "redirect_uris: https, http on this very machine, or a scheme of the program's own; without a fragment",
        )
    return text


def _is_redirect_of(client: Client, wanted: str) -> bool:
    if wanted in client.redirect_uris:
        return True
    target = urlsplit(wanted)
    if target.scheme != "http" or target.hostname not in {"127.0.0.1", "::1", "localhost"}:
        return False

    # A program on the person's own machine chooses its port when it starts (RFC 8252).
    def portless(text: str) -> tuple[str, str | None, str, str]:
        parts = urlsplit(text)
        return parts.scheme, parts.hostname, parts.path, parts.query

    return any(portless(uri) == portless(wanted) for uri in client.redirect_uris)


# --- Asking a person ------------------------------------------------------------------


def ask(parameters: dict[str, str]) -> Grant:
    """Note what a program asks for. Raises :class:`OAuthError` while nobody may be sent back to it yet."""
    client = program_of(parameters.get("client_id", ""))
    if client is None:
        raise OAuthError("invalid_client", "no program with this client_id is known", 400)
    redirect_uri = parameters.get("redirect_uri", "")
    if not _is_redirect_of(client, redirect_uri):
        raise OAuthError("invalid_redirect_uri", "redirect_uri is none of those the program registered")
    problem = ""
    if parameters.get("response_type") != "code":
        problem = "unsupported_response_type"
    elif parameters.get("code_challenge_method") != "S256" or not _CHALLENGE.match(
        parameters.get("code_challenge", "")
    ):
        problem = "invalid_request"
    wanted = list(dict.fromkeys(parameters.get("scope", "").split()))
    if any(scope not in SCOPES for scope in wanted):
        problem = problem or "invalid_scope"
    if problem:
        raise SendBackError(redirect_uri, problem, parameters.get("state", ""))
    if not API_SCOPES.intersection(wanted):
        wanted += ["read", "write"]
    Grant.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)).delete()
    return Grant.objects.create(
        client=client,
        scopes=wanted,
        redirect_uri=redirect_uri,
        client_state=parameters.get("state", "")[:2000],
        nonce=parameters.get("nonce", "")[:500],
        challenge=parameters["code_challenge"],
        expires_at=timezone.now() + timedelta(minutes=ASK_MINUTES),
    )


class SendBackError(Exception):
    """A request that is wrong, of a program that is known: the person is sent back there with the error."""

    def __init__(self, redirect_uri: str, code: str, state: str) -> None:
        super().__init__(code)
        self.address = _back(redirect_uri, error=code, state=state)


def asked(grant_id: Any) -> Grant | None:
    """Answer what a program asks for, while it waits for an answer."""
    found = Grant.objects.select_related("client").filter(pk=grant_id, state=Grant.State.ASKED)
    return found.filter(expires_at__gt=timezone.now()).first()


def approve(grant_id: Any, user: User) -> str:
    """Allow a program what it asks for; answer the address to send the person to."""
    require("signin.program.allow")
    code = secrets.token_urlsafe(32)
    with transaction.atomic():
        grant = _waiting(grant_id)
        if "admin" in grant.scopes and not auth.principal().administrator:
            grant.scopes = [scope for scope in grant.scopes if scope != "admin"] or ["read"]
        grant.user, grant.state = user, Grant.State.CODE
        grant.session_epoch = user.session_epoch
        grant.code_digest = _digest(code)
        grant.expires_at = timezone.now() + timedelta(seconds=CODE_SECONDS)
        grant.save()
        Client.objects.filter(pk=grant.client_id).update(last_used_at=timezone.now())
        record("signin.program.allow", f"program:{grant.client_id}", {"scopes": grant.scopes})
    return _back(grant.redirect_uri, code=code, state=grant.client_state, iss=issuer())


def reject(grant_id: Any) -> str:
    """Refuse a program; answer the address to send the person to."""
    require("signin.program.allow")
    with transaction.atomic():
        grant = _waiting(grant_id)
        grant.state = Grant.State.ENDED
        grant.save(update_fields=["state"])
        record("signin.program.refuse", f"program:{grant.client_id}")
    return _back(grant.redirect_uri, error="access_denied", state=grant.client_state, iss=issuer())


def stop_grant(grant_id: Any, user: User) -> None:
    """End what a person allowed a program; its tokens are not renewed, and end within the hour."""
    require("signin.program.allow")
    with transaction.atomic():
        grant = Grant.objects.filter(pk=grant_id, user=user).first()
        if grant is None:
            raise NotAllowedError("signin.program.allow", "this is another person's")
        grant.state = Grant.State.ENDED
        grant.save(update_fields=["state"])
        record("signin.program.stop", f"program:{grant.client_id}")


def _waiting(grant_id: Any) -> Grant:
    grant = Grant.objects.select_for_update().filter(pk=grant_id, state=Grant.State.ASKED).first()
    if grant is None or grant.expires_at < timezone.now():
        raise OAuthError("invalid_request", "this question was answered already, or is too old", 404)
    return grant


# --- Tokens -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Tokens:
    """What the token endpoint answers."""

    access: str
    seconds: int
    scopes: tuple[str, ...]
    refresh: str = ""
    identity: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Answer it as OAuth writes it."""
        body: dict[str, Any] = {
            "access_token": self.access, "token_type": "Bearer", "expires_in": self.seconds,
            "scope": " ".join(self.scopes),
        }  # fmt: skip
        if self.refresh:
            body["refresh_token"] = self.refresh
        if self.identity:
            body["id_token"] = self.identity
        return body


def exchange(parameters: dict[str, str], client_id: str, client_secret: str) -> Tokens:
    """Exchange a code or a refresh token for tokens; raises :class:`OAuthError`."""
    client = Client.objects.filter(pk=client_id[:500]).first()
    if client is None or (
        client.secret_digest and not hmac.compare_digest(client.secret_digest, _digest(client_secret))
    ):
        raise OAuthError("invalid_client", "client_id or client_secret is not right", 401)
    kind = parameters.get("grant_type", "")
    if kind == "authorization_code":
        return _by_code(client, parameters)
    if kind == "refresh_token":
        return _by_refresh(client, parameters)
    raise OAuthError("unsupported_grant_type", "grant_type: authorization_code or refresh_token")


def revoke(token: str, client_id: str) -> None:
    """End a refresh token, and with it what was allowed; an unknown one is no error (RFC 7009)."""
    with transaction.atomic():
        grant = Grant.objects.select_for_update().filter(refresh_digest=_digest(token), client_id=client_id).first()
        if grant is not None:
            grant.state = Grant.State.ENDED
            grant.save(update_fields=["state"])
            record("signin.program.revoke", f"program:{client_id}")


def _by_code(client: Client, parameters: dict[str, str]) -> Tokens:
    replayed = False
    with transaction.atomic():
        digest = _digest(parameters.get("code", ""))
        grant = Grant.objects.select_for_update().filter(code_digest=digest, client=client).first()
        if grant is not None and grant.state != Grant.State.CODE:
            # A code that is used twice was overheard: what the first one got ends as well.
            grant.state, replayed = Grant.State.ENDED, True
            grant.save(update_fields=["state"])
        elif grant is not None:
            _check_code(grant, parameters)
            tokens = _issue(grant)
            grant.save()
    if grant is None or replayed:
        raise OAuthError("invalid_grant", "the code is unknown, was used already, or is too old")
    return tokens


def _check_code(grant: Grant, parameters: dict[str, str]) -> None:
    verifier = parameters.get("code_verifier", "")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    if grant.expires_at < timezone.now():
        raise OAuthError("invalid_grant", "the code is unknown, was used already, or is too old")
    if not _VERIFIER.match(verifier) or not hmac.compare_digest(challenge, grant.challenge):
        raise OAuthError("invalid_grant", "code_verifier does not fit the code_challenge")
    if parameters.get("redirect_uri", grant.redirect_uri) != grant.redirect_uri:
        raise OAuthError("invalid_grant", "redirect_uri is not the one the code was sent to")


def _by_refresh(client: Client, parameters: dict[str, str]) -> Tokens:
    given = _digest(parameters.get("refresh_token", ""))
    reused = False
    with transaction.atomic():
        live = Grant.objects.select_for_update().filter(client=client, state=Grant.State.LIVE)
        grant = live.filter(refresh_digest=given).first()
        if grant is None:
            stolen = live.filter(earlier_refresh__contains=[given]).first()
            if stolen is not None:
                stolen.state, reused = Grant.State.ENDED, True
                stolen.save(update_fields=["state"])
                record("signin.program.reuse", f"program:{client.pk}", outcome="denied")
        elif grant.expires_at < timezone.now() or _ended(grant):
            grant = None
        else:
            tokens = _issue(grant)
            grant.save()
    if grant is None or reused:
        raise OAuthError("invalid_grant", "the refresh token is unknown, was used already, or has ended")
    return tokens


def _ended(grant: Grant) -> bool:
    return grant.user is None or not grant.user.is_active or grant.user.session_epoch != grant.session_epoch


def _issue(grant: Grant) -> Tokens:
    user = grant.user
    if user is None or _ended(grant):
        raise OAuthError("invalid_grant", "the account is switched off, or its sessions were ended")
    scopes = frozenset(grant.scopes)
    access, seconds = issue_identity_token(user, scopes=scopes & API_SCOPES, client_id=grant.client_id)
    refresh = ""
    now = timezone.now()
    grant.state, grant.used_at = Grant.State.LIVE, now
    if "offline_access" in scopes:
        refresh = secrets.token_urlsafe(40)
        if grant.refresh_digest:
            grant.earlier_refresh = [grant.refresh_digest, *grant.earlier_refresh][:50]
        grant.refresh_digest = _digest(refresh)
        grant.expires_at = now + timedelta(days=REFRESH_DAYS)
    else:
        grant.expires_at = now + timedelta(seconds=seconds)
    identity = _id_token(grant, user, seconds) if "openid" in scopes else ""
    return Tokens(access, seconds, tuple(grant.scopes), refresh, identity)


def _id_token(grant: Grant, user: User, seconds: int) -> str:
    import jwt  # noqa: PLC0415 - not at start-up

    kid, key = auth.signing_key()
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": issuer(), "sub": auth.principal_of(user).ref, "aud": grant.client_id, "iat": now, "exp": now + seconds,
    }  # fmt: skip
    if grant.nonce:
        claims["nonce"] = grant.nonce
    claims |= profile_claims(user, frozenset(grant.scopes))
    return jwt.encode(claims, key, "ES256", {"kid": kid})


def profile_claims(user: User, scopes: frozenset[str]) -> dict[str, Any]:
    """Answer what a program that may see the profile or the address is told."""
    claims: dict[str, Any] = {}
    if "profile" in scopes:
        claims |= {"name": user.get_full_name() or user.username, "preferred_username": user.username}
    if "email" in scopes and user.email:
        claims["email"] = user.email
    return claims


def _back(redirect_uri: str, **parameters: str) -> str:
    joint = "&" if urlsplit(redirect_uri).query else "?"
    return f"{redirect_uri}{joint}{urlencode({k: v for k, v in parameters.items() if v})}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable()).strip() or "A program"


def _web_address(value: Any) -> str:
    text = value if isinstance(value, str) else ""
    return text[:1000] if urlsplit(text).scheme == "https" else ""
