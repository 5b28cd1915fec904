"""What is known of each type of provider, and what a sign-in consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from callboard.plugins.signin.settings import ProviderSettings, ResolverRule

Kind = Literal["oidc", "oauth", "saml", "ldap", "proxy"]


@dataclass(frozen=True)
class ProviderType:
    """A type of provider: its usual settings, which fields its form has, and how people are usually found."""

    name: str
    title: str
    kind: Kind
    icon: str
    fields: tuple[str, ...]
    resolvers: tuple[ResolverRule, ...] = (ResolverRule(by="email"),)
    issuer: str = ""
    header: str = ""
    hint: str = ""


_BY_EMAIL = ResolverRule(by="email")
_OIDC = ("issuer", "client_id", "client_secret", "scopes")
_OAUTH = ("client_id", "client_secret", "scopes")
_LDAP = ("url", "start_tls", "bind_dn", "bind_password", "user_base", "user_filter", "group_base", "group_filter")


def _login(annotation: str) -> tuple[ResolverRule, ...]:
    return (ResolverRule(by="annotation", claim="username", annotation=annotation), _BY_EMAIL)


TYPES: dict[str, ProviderType] = {
    each.name: each
    for each in (
        ProviderType("oidc", "OpenID Connect", "oidc", "lock-access", _OIDC),
        ProviderType(
            "keycloak", "Keycloak", "oidc", "lock-access", _OIDC, hint="https://sso.example.com/realms/company"
        ),
        ProviderType("okta", "Okta", "oidc", "lock-access", _OIDC, hint="https://company.okta.com"),
        ProviderType("auth0", "Auth0", "oidc", "lock-access", _OIDC, hint="https://company.eu.auth0.com"),
        ProviderType(
            "entra",
            "Microsoft Entra ID",
            "oidc",
            "brand-windows",
            _OIDC,
            hint="https://login.microsoftonline.com/<tenant id>/v2.0",
        ),
        ProviderType("google", "Google", "oidc", "brand-google", _OAUTH, issuer="https://accounts.google.com"),
        ProviderType(
            "github", "GitHub", "oauth", "brand-github", (*_OAUTH, "url"), _login("github.com/user-login")
        ),
        ProviderType(
            "gitlab", "GitLab", "oauth", "brand-gitlab", (*_OAUTH, "url"), _login("gitlab.com/user-login")
        ),
        ProviderType(
            "bitbucket", "Bitbucket", "oauth", "brand-bitbucket", _OAUTH, _login("bitbucket.org/username")
        ),
        ProviderType("atlassian", "Atlassian", "oauth", "brand-bitbucket", _OAUTH),
        ProviderType("saml", "SAML", "saml", "certificate", ("entity_id", "sso_url", "certificate")),
        ProviderType("ldap", "LDAP", "ldap", "address-book", _LDAP, (ResolverRule(by="name"), _BY_EMAIL)),
        ProviderType(
            "iap", "Google IAP", "proxy", "shield-lock", ("audience", "keys_url"), header="X-Goog-IAP-JWT-Assertion"
        ),
        ProviderType(
            "alb", "AWS load balancer", "proxy", "shield-lock", ("region", "signer", "issuer", "keys_url"),
            header="X-Amzn-Oidc-Data",
        ),
        ProviderType(
            "cloudflare", "Cloudflare Access", "proxy", "shield-lock", ("issuer", "audience", "keys_url"),
            header="Cf-Access-Jwt-Assertion", hint="https://company.cloudflareaccess.com",
        ),
        ProviderType("oauth2-proxy", "oauth2-proxy", "proxy", "shield-lock", (), header="X-Auth-Request-User"),
    )
}  # fmt: skip

SCOPES = ("openid", "profile", "email", "offline_access", "read", "write", "admin")
"""What a program may ask for when it signs somebody in with the portal."""

SECRET_FIELDS = ("client_secret", "bind_password")
"""Fields that are sealed in the database and never shown again."""


@dataclass(frozen=True)
class Provider:
    """A provider that is set up: its id, its settings, and whether the file or the UI says so."""

    id: str
    settings: ProviderSettings
    configured: bool
    enabled: bool = True

    @property
    def type(self) -> ProviderType:
        """What is known of its type."""
        return TYPES[self.settings.type]

    @property
    def kind(self) -> Kind:
        """How it is spoken to."""
        return self.type.kind

    @property
    def title(self) -> str:
        """What it is called on the sign-in page."""
        return self.settings.title or self.type.title

    @property
    def resolvers(self) -> tuple[ResolverRule, ...]:
        """The ways to find people, its own or the usual ones of its type."""
        return tuple(self.settings.resolvers) or self.type.resolvers


@dataclass(frozen=True)
class Vouched:
    """Whom a provider vouches for: ``uid`` is for ever the same person there, ``claims`` is all it said."""

    uid: str
    username: str = ""
    email: str = ""
    email_verified: bool = False
    name: str = ""
    groups: tuple[str, ...] = ()
    claims: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What a resolver looked for and what came of it, for the administrator's eyes."""

    rule: str
    looked_for: str
    result: str
    found: str = ""


@dataclass(frozen=True)
class Resolution:
    """Who somebody is to the portal: an entity, a new account, or nobody and why."""

    entity_ref: str = ""
    create: bool = False
    reason: str = ""
    steps: tuple[Step, ...] = ()


class SigninError(ValueError):
    """Something about sign-in that cannot be; ``field`` names the input to mend."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class ProviderFailedError(Exception):
    """A provider could not be reached or answered nonsense; the message is for administrators."""
