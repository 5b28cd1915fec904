"""What an operator may set under `signin:` in `callboard.yaml`. A provider made in the UI is of the same model."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

FORBID = ConfigDict(extra="forbid")

ProviderTypeName = Literal[
    "oidc", "keycloak", "okta", "auth0", "entra", "google",
    "github", "gitlab", "bitbucket", "atlassian",
    "saml", "ldap", "iap", "alb", "cloudflare", "oauth2-proxy",
]  # fmt: skip

PROVIDER_ID = re.compile(r"^[a-z0-9][a-z0-9-]{0,39}$")
RESERVED = frozenset({"v1", "providers", "openapi.json"})

NEEDED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("oidc", "keycloak", "okta", "auth0", "entra"), ("issuer", "client_id", "client_secret")),
    **dict.fromkeys(("google", "github", "gitlab", "bitbucket", "atlassian"), ("client_id", "client_secret")),
    "saml": ("entity_id", "sso_url", "certificate"),
    "ldap": ("url", "user_base"),
    "iap": ("audience",),
    "alb": ("region", "signer"),
    "cloudflare": ("issuer", "audience"),
    "oauth2-proxy": (),
}
"""Fields each type cannot do without."""


class ResolverRule(BaseModel):
    """One way to find the User entity of somebody whom a provider vouches for; the first that finds one, counts.

    ``email``: the confirmed address is the profile's. ``email-local-part``: its part before the @ is the entity's
    name (needs ``domains``). ``name``: the claim is the entity's name. ``annotation``: the claim is the value of
    the annotation. ``ref``: the claim is the entity's ref.
    """

    model_config = FORBID

    by: Literal["email", "email-local-part", "name", "annotation", "ref"]
    claim: str = Field(default="", max_length=100, description="Claim to look at; each way has a usual one.")
    annotation: str = Field(default="", max_length=200, description="annotation: which one.")

    @model_validator(mode="after")
    def _complete(self) -> ResolverRule:
        if self.by == "annotation" and not (self.annotation and self.claim):
            raise ValueError("`annotation` needs the name of the annotation and a claim")
        if self.by == "ref" and not self.claim:
            raise ValueError("`ref` needs a claim")
        return self


class ProviderSettings(BaseModel):
    """An identity provider: what it is, how to reach it, and whom it lets in."""

    model_config = FORBID

    type: ProviderTypeName
    title: str = Field(default="", max_length=40, description="Name on the sign-in page.")
    # Reaching it
    issuer: str = Field(default="", max_length=500, description="OpenID Connect: issuer. Cloudflare: team domain.")
    client_id: str = Field(default="", max_length=191)
    client_secret: str = Field(default="", max_length=500, json_schema_extra={"secret": True})
    url: str = Field(default="", max_length=500, description="LDAP server, or a GitHub or GitLab of one's own.")
    scopes: list[str] = Field(default_factory=list, max_length=50, description="Instead of the usual scopes.")
    entity_id: str = Field(default="", max_length=500, description="SAML: entity ID of the identity provider.")
    sso_url: str = Field(default="", max_length=500, description="SAML: where people are sent to sign in.")
    certificate: str = Field(default="", max_length=20_000, description="SAML: certificate that signs, PEM or base64.")
    bind_dn: str = Field(default="", max_length=500, description="LDAP: who searches; empty is anonymous.")
    bind_password: str = Field(default="", max_length=500, json_schema_extra={"secret": True})
    start_tls: bool = Field(default=False, description="LDAP: encrypt a connection that begins in the clear.")
    user_base: str = Field(default="", max_length=500, description="LDAP: where people are.")
    user_filter: str = Field(default="(uid={username})", max_length=500, description="LDAP: how one is found.")
    group_base: str = Field(default="", max_length=500, description="LDAP: where groups are; empty asks for none.")
    group_filter: str = Field(default="(member={dn})", max_length=500, description="LDAP: groups of a person.")
    audience: str = Field(default="", max_length=500, description="IAP and Cloudflare: audience of their tokens.")
    region: str = Field(default="", max_length=40, pattern=r"^[a-z0-9-]*$", description="ALB: AWS region.")
    signer: str = Field(default="", max_length=300, description="ALB: ARN of the load balancer.")
    keys_url: str = Field(default="", max_length=500, description="IAP, ALB, Cloudflare: keys, if not the usual place.")
    # Whom it lets in
    domains: list[str] = Field(default_factory=list, max_length=200, description="Mail domains that may come in.")
    trust_email: bool = Field(
        default=False, description="Take addresses as confirmed although the provider does not say that they are."
    )
    resolvers: list[ResolverRule] = Field(default_factory=list, max_length=20)
    unknown: Literal["refuse", "create"] = Field(
        default="refuse", description="What happens to people no resolver finds."
    )
    groups_claim: str = Field(default="groups", max_length=100, description="Claim that names the person's groups.")

    @field_validator("domains")
    @classmethod
    def _domains(cls, value: list[str]) -> list[str]:
        return [domain.strip().lower().lstrip("@") for domain in value if domain.strip()]

    @field_validator("issuer", "sso_url", "keys_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        value = value.strip().rstrip("/") if not value.endswith("/.well-known/openid-configuration") else value
        if value and (urlsplit(value).scheme not in {"https", "http"} or not urlsplit(value).hostname):
            raise ValueError("must be a web address that begins with https://")
        return value

    @model_validator(mode="after")
    def _complete(self) -> ProviderSettings:
        missing = [name for name in NEEDED[self.type] if not getattr(self, name)]
        if missing:
            raise ValueError(f"{self.type} needs {', '.join(missing)}")
        if self.type == "ldap" and urlsplit(self.url).scheme not in {"ldap", "ldaps", "ldapi"}:
            raise ValueError("url must begin with ldap:// or ldaps://")
        if self.type == "ldap" and "{username}" not in self.user_filter:
            raise ValueError("user_filter must hold {username}")
        if self.type in {"github", "gitlab"} and self.url and urlsplit(self.url).scheme not in {"https", "http"}:
            raise ValueError("url must begin with https://")
        if any(rule.by == "email-local-part" for rule in self.resolvers) and not self.domains:
            raise ValueError("`email-local-part` needs `domains`, as anybody may own an address elsewhere")
        return self


class SigninSettings(BaseModel):
    """Ways into the portal."""

    model_config = FORBID

    password: bool = Field(default=True, description="Let people sign in with an account of the portal itself.")
    providers: dict[str, ProviderSettings] = Field(default_factory=dict, description="Identity providers by id.")
    allow: list[str] = Field(
        default_factory=list,
        description="Hosts and networks on private addresses at which identity providers may be.",
    )
    refusals_days: int = Field(default=30, ge=1, description="How long refused sign-ins can be looked at.")
    dynamic_clients: bool = Field(
        default=True, description="Let programs such as agents register themselves; people still approve each one."
    )

    @field_validator("providers")
    @classmethod
    def _ids(cls, value: dict[str, ProviderSettings]) -> dict[str, ProviderSettings]:
        for provider_id in value:
            if not PROVIDER_ID.match(provider_id) or provider_id in RESERVED:
                raise ValueError(f"{provider_id!r} is no id: use lower-case letters, digits and hyphens")
        return value
