"""OAuth and OpenID Connect: django-allauth's providers, several of each, at the addresses of this portal."""

from __future__ import annotations

import secrets
from typing import Any, cast
from urllib.parse import urlencode

import requests
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp, SocialLogin
from allauth.socialaccount.providers.atlassian.provider import AtlassianProvider
from allauth.socialaccount.providers.atlassian.views import AtlassianOAuth2Adapter
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.bitbucket_oauth2.provider import BitbucketOAuth2Provider
from allauth.socialaccount.providers.bitbucket_oauth2.views import BitbucketOAuth2Adapter
from allauth.socialaccount.providers.github.provider import GitHubProvider
from allauth.socialaccount.providers.github.views import GitHubOAuth2Adapter
from allauth.socialaccount.providers.gitlab.provider import GitLabProvider
from allauth.socialaccount.providers.gitlab.views import GitLabOAuth2Adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.provider import OAuth2Provider
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest, HttpResponse

from callboard.plugins.signin.clients.keys import ASYMMETRIC, verified_claims
from callboard.plugins.signin.clients.web import GuardedSession
from callboard.plugins.signin.types import Provider, ProviderFailedError, Vouched

FAILURES = (OAuth2Error, requests.RequestException, ProviderException, ProviderFailedError, KeyError, ValueError)
"""What a provider that is down or answers nonsense may raise."""


class _AtThePortal:
    """What all adapters have in common here: the provider is known, and so is the address it sends people back to."""

    def __init__(self, request: HttpRequest, portal: PortalProvider) -> None:
        self.portal = portal
        self.provider_id = portal.app.provider_id
        super().__init__(request, *self._more())  # type: ignore[call-arg]

    def _more(self) -> tuple[str, ...]:
        return ()

    def get_provider(self) -> Any:
        """Answer the provider this adapter was made for."""
        return self.portal

    def get_callback_url(self, _request: HttpRequest, _app: SocialApp) -> str:
        """Answer the redirect URL, which is also what the administrator copies."""
        return str(self.portal.app.settings["callback_url"])


class OidcAdapter(_AtThePortal, OpenIDConnectOAuth2Adapter):
    """OpenID Connect, with the signature and the nonce of every ID token checked."""

    nonce = ""

    def _more(self) -> tuple[str, ...]:
        return (str(self.portal.app.provider_id),)

    def complete_login(self, request: HttpRequest, app: SocialApp, token: Any, **kwargs: Any) -> SocialLogin:
        """Answer the sign-in; what the signed ID token says wins over what userinfo adds."""
        signed = kwargs["response"].get("id_token")
        if not signed:
            raise ProviderFailedError("the answer holds no ID token; is `openid` among the scopes?")
        claims = verified_claims(
            signed,
            self.openid_config["jwks_uri"],
            app.settings["allow"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            algorithms=[a for a in self.openid_config.get("id_token_signing_alg_values_supported", ["RS256"])
                        if a in ASYMMETRIC],
            what="ID token",
        )  # fmt: skip
        if not self.nonce or not secrets.compare_digest(str(claims.get("nonce", "")), self.nonce):
            raise ProviderFailedError("the ID token was made for another sign-in (its nonce is not ours)")
        if isinstance(claims.get("aud"), list) and len(claims["aud"]) > 1 and claims.get("azp") != app.client_id:
            raise ProviderFailedError("the ID token was made for another program")
        info: dict[str, Any] = {}
        if self.openid_config.get("userinfo_endpoint"):
            info = self._fetch_user_info(token.token)
            if info.get("sub") != claims["sub"]:
                raise ProviderFailedError("userinfo is about somebody else than the ID token")
        return self.portal.sociallogin_from_response(request, {"userinfo": {**info, **claims}})

    @property
    def openid_config(self) -> dict[str, Any]:
        """Answer the provider's metadata; its issuer must be the one that is set up."""
        config: dict[str, Any] = super().openid_config
        wanted = str(self.portal.app.settings["issuer"])
        # Entra ID writes a placeholder for the tenant when asked for "common".
        if config.get("issuer", "").rstrip("/") != wanted.rstrip("/"):
            raise ProviderFailedError(f"it says that its issuer is {config.get('issuer')!r}, and not {wanted!r}")
        return config


class _GitHub(_AtThePortal, GitHubOAuth2Adapter):
    def __init__(self, request: HttpRequest, portal: PortalProvider) -> None:
        if base := portal.app.settings.get("url"):
            self.web_url, self.api_url = base, f"{base}/api/v3"
            self.access_token_url = f"{base}/login/oauth/access_token"
            self.authorize_url = f"{base}/login/oauth/authorize"
            self.profile_url, self.emails_url = f"{self.api_url}/user", f"{self.api_url}/user/emails"
        super().__init__(request, portal)


class _GitLab(_AtThePortal, GitLabOAuth2Adapter):
    def _build_url(self, path: str) -> str:
        return f"{self.portal.app.settings.get('url') or self.provider_default_url}{path}"


class _Bitbucket(_AtThePortal, BitbucketOAuth2Adapter):
    pass


class _Atlassian(_AtThePortal, AtlassianOAuth2Adapter):
    pass


class PortalProvider(OAuth2Provider):
    """What all providers have in common here; ``adapter`` speaks to it."""

    adapter: type[Any]

    def get_oauth2_adapter(self, request: HttpRequest) -> Any:
        """Answer the adapter that knows this very provider."""
        return self.adapter(request, self)

    def get_callback_url(self) -> str:
        """Answer the redirect URL."""
        return str(self.app.settings["callback_url"])

    def get_pkce_params(self) -> dict[str, Any]:
        """Use PKCE always: providers that do not know it leave it aside."""
        from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge  # noqa: PLC0415 - beside its use

        return dict(generate_code_challenge())

    def get_auth_params_from_request(self, _request: HttpRequest, _action: str) -> dict[str, Any]:
        """Answer the usual parameters; a link cannot add others."""
        return dict(self.get_auth_params())

    def get_scope_from_request(self, _request: HttpRequest) -> list[str]:
        """Answer the scopes that are set up; a link cannot add others."""
        return list(self.get_scope())


class _OidcProvider(PortalProvider, OpenIDConnectProvider):
    adapter = OidcAdapter


class _GitHubProvider(PortalProvider, GitHubProvider):
    adapter = _GitHub

    def get_default_scope(self) -> list[str]:
        return ["read:user", "user:email"]


class _GitLabProvider(PortalProvider, GitLabProvider):
    adapter = _GitLab


class _BitbucketProvider(PortalProvider, BitbucketOAuth2Provider):
    adapter = _Bitbucket

    def get_default_scope(self) -> list[str]:
        return ["account", "email"]


class _AtlassianProvider(PortalProvider, AtlassianProvider):
    adapter = _Atlassian


_CLASSES: dict[str, type[PortalProvider]] = {
    "github": _GitHubProvider,
    "gitlab": _GitLabProvider,
    "bitbucket": _BitbucketProvider,
    "atlassian": _AtlassianProvider,
}


def allauth_provider(request: HttpRequest, provider: Provider, callback_url: str, allow: list[str]) -> PortalProvider:
    """Answer django-allauth's view of a provider."""
    given = provider.settings
    issuer = given.issuer or provider.type.issuer
    settings: dict[str, Any] = {
        "callback_url": callback_url, "issuer": issuer, "server_url": issuer, "url": given.url.rstrip("/"),
        "allow": allow,
    }  # fmt: skip
    if given.scopes:
        settings["scope"] = given.scopes
    if given.type == "google" and len(given.domains) == 1:
        settings["auth_params"] = {"hd": given.domains[0]}
    app = SocialApp(
        provider="openid_connect" if provider.kind == "oidc" else given.type,
        provider_id=provider.id,
        name=provider.title[:40],
        client_id=given.client_id,
        secret=given.client_secret,
        settings=settings,
    )
    if provider.kind == "oidc" and "/.well-known/" in issuer:
        settings["issuer"] = issuer.partition("/.well-known/")[0]
    return _CLASSES.get(given.type, _OidcProvider)(request, app=app)


def send_away(request: HttpRequest, portal: PortalProvider, next_url: str, *, test: bool) -> HttpResponse:
    """Answer the redirect to the provider; state, nonce and PKCE verifier stay in the session."""
    nonce = secrets.token_urlsafe(24)
    parameters = portal.get_auth_params_from_request(request, "")
    if portal.id == OpenIDConnectProvider.id:
        parameters["nonce"] = nonce
    if test:
        parameters["prompt"] = "login"
    return cast(
        "HttpResponse",
        portal.redirect(
            request, "login", next_url, None, auth_params=parameters, scope=portal.get_scope(), nonce=nonce, test=test
        ),
    )


def take_state(request: HttpRequest, provider_id: str) -> dict[str, Any] | None:
    """Answer what was kept when the person was sent away; it works once, in the same browser, for ten minutes."""
    state_id = request.GET.get("state") or request.POST.get("state") or ""
    return statekit.unstash_state(request, provider_id=provider_id, state_id=state_id) if state_id else None


def come_back(request: HttpRequest, portal: PortalProvider, state: dict[str, Any]) -> SocialLogin:
    """Exchange the code for whom the provider vouches for; raises one of ``FAILURES``."""
    adapter = portal.get_oauth2_adapter(request)
    if isinstance(adapter, OidcAdapter):
        adapter.nonce = str(state.get("nonce") or "")
        named = request.GET.get("iss")
        if named and named.rstrip("/") != str(portal.app.settings["issuer"]).rstrip("/"):
            raise ProviderFailedError(f"the answer comes from another issuer: {named[:200]}")
    client = adapter.get_client(request, portal.app)
    answer = adapter.get_access_token_data(
        request, portal.app, client, pkce_code_verifier=state.get("pkce_code_verifier")
    )
    token = adapter.parse_token(answer)
    login: SocialLogin = adapter.complete_login(request, portal.app, token, response=answer)
    login.state = state
    login.token = None  # nothing is asked of the provider later, so nothing is kept
    return login


def vouched(login: SocialLogin, groups_claim: str) -> Vouched:
    """Answer whom a finished sign-in is about."""
    data = login.account.extra_data
    claims = dict(data.get("userinfo") or data)
    fields = {name: str(getattr(login.user, name, "") or "") for name in ("username", "first_name", "last_name")}
    addresses = sorted(login.email_addresses, key=lambda a: (not a.primary, not a.verified))
    address = addresses[0] if addresses else None
    email = address.email if address else str(getattr(login.user, "email", "") or "")
    name = str(claims.get("name") or f"{fields['first_name']} {fields['last_name']}".strip())
    named = claims.get(groups_claim)
    groups = named if isinstance(named, list) else [named] if isinstance(named, str) else []
    return Vouched(
        uid=login.account.uid,
        username=fields["username"],
        email=email.lower(),
        email_verified=bool(address and address.verified),
        name=name,
        groups=tuple(str(group) for group in groups),
        claims={**claims, "username": fields["username"]},
    )


def probe(provider: Provider, allow: list[str]) -> str:
    """Ask the provider whether it is there; answer a sentence, or raise one of ``FAILURES``."""
    issuer = provider.settings.issuer or provider.type.issuer
    address = issuer if "/.well-known/" in issuer else f"{issuer}/.well-known/openid-configuration"
    with GuardedSession(allow) as session:
        answer = session.get(address)
        answer.raise_for_status()
        config = answer.json()
    if str(config.get("issuer", "")).rstrip("/") != issuer.partition("/.well-known/")[0].rstrip("/"):
        raise ProviderFailedError(f"it says that its issuer is {config.get('issuer')!r}")
    return f"It answers; people sign in at {config['authorization_endpoint']}"


def with_query(address: str, **parameters: str) -> str:
    """Answer an address with parameters."""
    return f"{address}?{urlencode(parameters)}" if parameters else address
