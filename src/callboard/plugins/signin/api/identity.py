"""Identity over HTTP: signing in through a provider, who one is, and OpenID Connect for other programs."""

from __future__ import annotations

import base64
import binascii
import json
import time
from typing import Any
from urllib.parse import unquote_plus
from uuid import UUID

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse

from callboard.plugins.signin.selectors import server_metadata
from callboard.plugins.signin.services import flow, programs
from callboard.plugins.signin.services.entering import RefusedSignInError
from callboard.plugins.signin.services.letting_in import admit_by_proxy
from callboard.plugins.signin.services.programs import OAuthError, SendBackError
from callboard.sdk.api import AuthenticationError, ForbiddenError, NotFoundError, caller_of, router
from callboard.sdk.auth import (
    PROVIDER_KEY,
    IdentityTokenError,
    User,
    attempt,
    client_ip,
    issue_identity_token,
    principal_of,
    published_keys,
    read_identity_token,
)

api = router(tags=["auth"])
LOCAL = "local"
PER_MINUTE = 120
REGISTRATIONS_PER_HOUR = 20
MAX_BODY = 100_000


def _limited(request: HttpRequest, what: str, limit: int = PER_MINUTE, seconds: int = 60) -> None:
    if not attempt(f"auth {what} ip {client_ip(request)}", limit, seconds):
        raise OAuthError("slow_down", "too many requests from this address; wait a little", 429)


def _oauth_answer(error: OAuthError) -> HttpResponse:
    answer = JsonResponse({"error": error.code, "error_description": error.message}, status=error.status)
    answer["Cache-Control"] = "no-store"
    if error.status == 401:
        answer["WWW-Authenticate"] = 'Basic realm="callboard"'
    return answer


# --- OpenID Connect: what programs read first ---------------------------------------------


@api.get("/.well-known/openid-configuration", auth=None, operation_id="openIdConfiguration")
def openid_configuration(request: HttpRequest) -> dict[str, Any]:
    """Answer the portal's metadata as an OpenID provider."""
    return server_metadata()


@api.get("/.well-known/oauth-authorization-server", auth=None, operation_id="authorizationServerMetadata")
def authorization_server(request: HttpRequest) -> dict[str, Any]:
    """Answer the portal's metadata as an authorization server."""
    return server_metadata()


@api.get("/.well-known/jwks.json", auth=None, operation_id="jwks")
def jwks(request: HttpRequest) -> HttpResponse:
    """Answer the keys that sign identity tokens."""
    answer = JsonResponse({"keys": published_keys()})
    answer["Cache-Control"] = "public, max-age=300"
    return answer


@api.get("/v1/userinfo", auth=None, operation_id="userInfo")
def userinfo(request: HttpRequest) -> dict[str, Any]:
    """Answer whom an identity token is about, with the refs that person owns things as."""
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise AuthenticationError("send an identity token as Bearer")
    try:
        claims = read_identity_token(token.strip())
    except IdentityTokenError as error:
        raise AuthenticationError(str(error)) from error
    who = caller_of(request)
    found: dict[str, Any] = {"sub": who.ref, "name": who.name}
    found["claims"] = {"sub": who.ref, "ent": list(who.ownership_refs), "exp": claims["exp"]}
    return found


# --- OpenID Connect: the conversation -------------------------------------------------------


@api.get("/v1/authorize", auth=None, operation_id="authorizeProgram")
def authorize(request: HttpRequest) -> HttpResponse:
    """Take a program's question to the person: who is signed in allows or refuses it on a page."""
    try:
        _limited(request, "authorize")
        grant = programs.ask({name: value for name, value in request.GET.items() if isinstance(value, str)})
    except SendBackError as error:
        return _away(error.address)
    except OAuthError as error:
        # Nobody is sent to an address that is not known to belong to a program.
        return _oauth_answer(error)
    return HttpResponseRedirect(f"/sign-in/allow/{grant.pk}")


@api.get("/v1/sessions/{session_id}", operation_id="getAuthorizeSession")
def session(request: HttpRequest, session_id: UUID) -> dict[str, Any]:
    """Answer what a program asks for."""
    grant = programs.asked(session_id)
    if grant is None:
        raise NotFoundError("this question was answered already, or is too old")
    return {
        "id": str(grant.pk),
        "clientName": grant.client.name,
        "scopes": grant.scopes,
        "redirectUri": grant.redirect_uri,
    }


@api.post("/v1/sessions/{session_id}/approve", operation_id="approveAuthorizeSession")
def approve(request: HttpRequest, session_id: UUID) -> Any:
    """Allow a program what it asks for; only in the browser in which one is signed in."""
    user = _person_in_browser(request)
    try:
        return {"redirectUrl": programs.approve(session_id, user)}
    except OAuthError as error:
        return _oauth_answer(error)


@api.post("/v1/sessions/{session_id}/reject", operation_id="rejectAuthorizeSession")
def reject(request: HttpRequest, session_id: UUID) -> Any:
    """Refuse a program what it asks for."""
    _person_in_browser(request)
    try:
        return {"redirectUrl": programs.reject(session_id)}
    except OAuthError as error:
        return _oauth_answer(error)


@api.post("/v1/token", auth=None, operation_id="token")
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a code, or renew what was allowed."""
    try:
        _limited(request, "token")
        client_id, secret = _client_of(request)
        tokens = programs.exchange(_form(request), client_id, secret)
    except OAuthError as error:
        return _oauth_answer(error)
    answer = JsonResponse(tokens.as_dict())
    answer["Cache-Control"] = "no-store"
    return answer


@api.post("/v1/revoke", auth=None, operation_id="revokeToken")
def revoke(request: HttpRequest) -> HttpResponse:
    """End a refresh token."""
    try:
        _limited(request, "token")
        client_id, _secret = _client_of(request)
        programs.revoke(_form(request).get("token", ""), client_id)
    except OAuthError as error:
        return _oauth_answer(error)
    return HttpResponse(status=200)


@api.post("/v1/register", auth=None, operation_id="registerProgram")
def register(request: HttpRequest) -> HttpResponse:
    """Let a program register itself."""
    try:
        _limited(request, "register", REGISTRATIONS_PER_HOUR, 3600)
        metadata = _json(request)
        client, secret = programs.register_program(metadata)
    except OAuthError as error:
        return _oauth_answer(error)
    method = metadata.get("token_endpoint_auth_method", "client_secret_basic") if secret else "none"
    body: dict[str, Any] = {
        "client_id": client.pk,
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
    }
    if secret:
        body |= {"client_secret": secret, "client_secret_expires_at": 0}
    return JsonResponse(body, status=201, headers={"Cache-Control": "no-store"})


# --- Identity providers ---------------------------------------------------------------------


@api.get("/{provider_id}/start", auth=None, operation_id="startSignIn")
def start(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send the person to an identity provider."""
    return flow.start(request, provider_id)


@api.get("/{provider_id}/handler/frame", auth=None, operation_id="finishSignIn")
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the person back from an identity provider."""
    return flow.come_back(request, provider_id)


@api.post("/{provider_id}/handler/frame", auth=None, operation_id="finishSignInByForm")
def finish_by_form(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take the answer of a SAML provider, which comes as a form of another site."""
    return flow.saml_answer(request, provider_id)


@api.get("/{provider_id}/metadata", auth=None, operation_id="samlMetadata")
def metadata(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Answer what a SAML provider must know of the portal."""
    return flow.saml_metadata(provider_id)


@api.get("/{provider_id}/refresh", auth=None, operation_id="refreshSession")
def refresh(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Answer who is signed in, with an identity token for the API.

    Behind a proxy that signs people in, this works without a session. The header `X-Requested-With` is asked for,
    because no other site can send it.
    """
    if request.headers.get("X-Requested-With") != "XMLHttpRequest":
        raise AuthenticationError("send the header X-Requested-With: XMLHttpRequest")
    user = _person_of_provider(request, provider_id)
    who = principal_of(user)
    identity_token, seconds = issue_identity_token(user)
    profile = {"displayName": who.name, "email": user.email or None}
    body = {
        "profile": {name: value for name, value in profile.items() if value},
        "providerInfo": {},
        "backstageIdentity": {
            "token": identity_token,
            "expiresInSeconds": seconds,
            "expiresAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds)),
            "identity": {
                "type": "user",
                "userEntityRef": who.ref,
                "ownershipEntityRefs": list(who.ownership_refs),
            },
        },
    }
    return JsonResponse(body, headers={"Cache-Control": "no-store"})


@api.post("/{provider_id}/logout", auth=None, operation_id="endSession")
def end(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign the browser out."""
    if request.headers.get("X-Requested-With") != "XMLHttpRequest":
        raise AuthenticationError("send the header X-Requested-With: XMLHttpRequest")
    if request.user.is_authenticated:
        logout(request)
    return HttpResponse(status=200)


# --- Helpers ----------------------------------------------------------------------------------


def _person_in_browser(request: HttpRequest) -> User:
    user = request.user
    if getattr(request, "by_token", False) or not isinstance(user, User):
        raise ForbiddenError("a program is allowed in the browser, by the person who is signed in there")
    return user


def _person_of_provider(request: HttpRequest, provider_id: str) -> User:
    user = request.user
    if isinstance(user, User):
        used = str(request.session.get(PROVIDER_KEY) or LOCAL)
        if provider_id == used:
            return user
        raise AuthenticationError(f"this browser is not signed in through {provider_id}")
    try:
        found = admit_by_proxy(request)
    except RefusedSignInError as refused:
        raise AuthenticationError(f"you are not let in ({refused.outcome.reason}, {refused.outcome.pk})") from refused
    if found is None or found[0].id != provider_id:
        raise AuthenticationError(f"this browser is not signed in through {provider_id}")
    return found[2]


def _form(request: HttpRequest) -> dict[str, str]:
    return {name: value for name, value in request.POST.items() if isinstance(value, str)}


def _json(request: HttpRequest) -> dict[str, Any]:
    if len(request.body) > MAX_BODY:
        raise OAuthError("invalid_client_metadata", "the body is too big", 413)
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise OAuthError("invalid_client_metadata", "the body is no JSON") from error
    if not isinstance(body, dict):
        raise OAuthError("invalid_client_metadata", "the body must be an object")
    return body


def _client_of(request: HttpRequest) -> tuple[str, str]:
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            name, _colon, secret = base64.b64decode(given, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise OAuthError("invalid_client", "the Authorization header is malformed", 401) from error
        return unquote_plus(name), unquote_plus(secret)
    return request.POST.get("client_id", ""), request.POST.get("client_secret", "")


def _away(address: str) -> HttpResponse:
    # The address may be of a scheme of the program's own, which Django's redirect refuses.
    answer = HttpResponse(status=302)
    answer["Location"] = address
    return answer
