"""Read who may be signed in through what, and who was not let in."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone
from pydantic import ValidationError

from callboard.plugins.signin.models import Client, Grant, Outcome, ProviderRow, ScimResource
from callboard.plugins.signin.settings import ProviderSettings, SigninSettings
from callboard.plugins.signin.types import SCOPES, Provider
from callboard.sdk.auth import User, issuer
from callboard.sdk.config import SealError, open_secret, room_settings
from callboard.sdk.contributions import HealthResult


def signin_settings() -> SigninSettings:
    """Answer what the operator set up."""
    settings: SigninSettings = room_settings("signin")
    return settings


def providers(*, enabled_only: bool = True) -> list[Provider]:
    """Answer all providers: those of the configuration file first, as it says them, then those of the UI."""
    configured = signin_settings().providers
    found = [Provider(provider_id, settings, configured=True) for provider_id, settings in configured.items()]
    for row in ProviderRow.objects.exclude(pk__in=configured):
        if row.enabled or not enabled_only:
            provider = _from_row(row)
            if provider is not None:
                found.append(provider)
    return found


def provider_of(provider_id: str, *, enabled_only: bool = True) -> Provider | None:
    """Answer one provider."""
    settings = signin_settings().providers.get(provider_id)
    if settings is not None:
        return Provider(provider_id, settings, configured=True)
    row = ProviderRow.objects.filter(pk=provider_id).first()
    if row is None or (enabled_only and not row.enabled):
        return None
    return _from_row(row)


def broken_rows() -> list[str]:
    """Answer the ids of providers made in the UI whose settings can no longer be used."""
    return [row.pk for row in ProviderRow.objects.filter(enabled=True) if _from_row(row) is None]


def allowed_hosts() -> list[str]:
    """Answer where providers may be although it is no public address: as listed, and as the operator's file says."""
    found = list(signin_settings().allow)
    for settings in signin_settings().providers.values():
        for address in (settings.issuer, settings.url, settings.keys_url):
            host = address.partition("://")[2].partition("/")[0].rpartition("@")[2]
            if host:
                found.append(host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host)
    return found


def callback_url(provider_id: str) -> str:
    """Answer the redirect URL of a provider, the one to copy."""
    return f"{issuer()}/{provider_id}/handler/frame"


def metadata_url(provider_id: str) -> str:
    """Answer where a SAML provider finds what it must know of the portal."""
    return f"{issuer()}/{provider_id}/metadata"


def open_secrets(row: ProviderRow) -> dict[str, str]:
    """Answer the secrets of a provider made in the UI."""
    if not row.secrets:
        return {}
    opened: dict[str, str] = json.loads(open_secret(row.secrets, f"signin-provider:{row.pk}"))
    return opened


def _from_row(row: ProviderRow) -> Provider | None:
    try:
        settings = ProviderSettings.model_validate({**row.settings, **open_secrets(row)})
    except (ValidationError, SealError, TypeError):
        return None
    return Provider(row.pk, settings, configured=False, enabled=row.enabled)


# --- Who was not let in -----------------------------------------------------------


def outcomes(text: str = "", provider: str = "") -> QuerySet[Outcome]:
    """Answer refused and tried sign-ins, newest first."""
    found = Outcome.objects.all()
    if provider:
        found = found.filter(provider=provider)
    for word in text.split()[:5]:
        found = found.filter(
            Q(email__icontains=word) | Q(subject__icontains=word) | Q(reason__icontains=word) | Q(id__icontains=word)
        )
    return found


def outcome_of(outcome_id: Any) -> Outcome | None:
    """Answer one."""
    return Outcome.objects.filter(pk=outcome_id).first()


def refused_lately(days: int = 7) -> dict[str, int]:
    """Answer how many sign-ins each provider's people were refused."""
    since = timezone.now() - timedelta(days=days)
    found = Outcome.objects.filter(at__gt=since, test=False).exclude(reason="")
    return dict(found.values_list("provider").annotate(count=Count("pk")).values_list("provider", "count"))


# --- Service accounts, programs, SCIM ---------------------------------------------


def service_accounts() -> QuerySet[User]:
    """Answer service accounts with the number of their live tokens and when one was last used."""
    return (
        User.objects.filter(is_service=True)
        .annotate(
            live_tokens=Count("api_tokens", filter=Q(api_tokens__revoked_at__isnull=True)),
            token_used=Max("api_tokens__last_used_at"),
        )
        .order_by("username")
    )


def service_account_of(user_id: int) -> User | None:
    """Answer one service account."""
    return service_accounts().filter(pk=user_id).first()


def programs() -> QuerySet[Client]:
    """Answer programs that sign people in with the portal, with the number of people who allowed it."""
    live = Q(grants__state=Grant.State.LIVE, grants__expires_at__gt=timezone.now())
    return Client.objects.annotate(people=Count("grants__user", filter=live, distinct=True))


def grants_of(user: User) -> QuerySet[Grant]:
    """Answer the programs a person allowed to act for them, and may stop."""
    found = Grant.objects.select_related("client").filter(user=user, state=Grant.State.LIVE)
    return found.filter(expires_at__gt=timezone.now())


def scim_counts() -> dict[str, int]:
    """Answer how many users and groups were pushed."""
    return dict(ScimResource.objects.values_list("type").annotate(count=Count("pk")).values_list("type", "count"))


def providers_work() -> HealthResult:
    """Whether every provider made in the UI can be used, and somebody can get in at all."""
    broken = broken_rows()
    if broken:
        return HealthResult(
            status="error",
            message=f"Cannot be used: {', '.join(broken)}.",
            remedy="Open the provider under Administration › Sign-in and enter what is missing; if the portal's "
            "secret key was changed, its secrets must be entered anew.",
        )
    if not signin_settings().password and not providers():
        return HealthResult(
            status="error",
            message="Passwords are switched off, and there is no identity provider.",
            remedy="Set signin.password to true, or set up a provider.",
        )
    return HealthResult(status="ok", message=f"{len(providers())} identity providers are set up.")


def server_metadata() -> dict[str, Any]:
    """Answer what programs must know to sign people in with this portal."""
    base = issuer()
    found: dict[str, Any] = {
        "issuer": base,
        "authorization_endpoint": f"{base}/v1/authorize",
        "token_endpoint": f"{base}/v1/token",
        "revocation_endpoint": f"{base}/v1/revoke",
        "userinfo_endpoint": f"{base}/v1/userinfo",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": list(SCOPES),
        "claims_supported": ["sub", "ent", "name", "preferred_username", "email"],
        "authorization_response_iss_parameter_supported": True,
    }
    if signin_settings().dynamic_clients:
        found["registration_endpoint"] = f"{base}/v1/register"
        found["client_id_metadata_document_supported"] = True
    return found
